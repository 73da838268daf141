"""What the prior learns from: image tokens, texts and CLIP embeddings of drawings, of recolored ones and of scenes."""

import random
import re

import torch

from drawing_augment import moved, over, premultiplied, uniform
from pack_drawings import Drawings
from prior_scenes import compose, with_article
from prior_text import TextPositions
from recolor import COLORS, dominant_hue, name_of_hue, recolored
from texts import sample_text

COLOR_WORDS = re.compile(r"\b(" + "|".join([*COLORS, "grey", "blond", "golden?", "silver", "dark", "light", "colou?r", "rainbow",
                                            "flag", "fire", "sun", "moon", "earth"]) + r")\b")
# Emojibase's groups of symbols and of flags, which stand in no scene.
SIGNS = (8, 9)
COLOR_TEMPLATES = ("{}", "a {}", "the {}", "a drawing of a {}", "a picture of a {}")
NAME_TEMPLATES = ("{}", "{article}", "the {}", "a drawing of {article}", "a picture of {article}")


class Examples:
    """tokens int16 [M, rows * columns], texts int16 [M, T, L], embedding float16 [M, D] or None; all on the device."""

    def __init__(self, drawings: Drawings, vqgan, positions: TextPositions, encode=None, variants: int = 4,
                 colors: int = 2, scenes: float = 0.75, texts: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32,
                 batch: int = 256):
        """variants of each drawing, in so many other colors where it has one of its own, and so many scenes for each
        drawing. encode gives the CLIP's embeddings of pictures [n, 3, s, s] in [0, 1]."""
        self.drawings, self.vqgan, self.positions, self.encode = drawings, vqgan, positions, encode
        self.texts_each, self.dtype, self.batch = texts, dtype, batch
        self.random = random.Random(seed)
        self.parts, self.drawing_weights = [], drawings.weights.tolist()
        hues = [dominant_hue(some) for some in drawings.pictures.split(batch)]
        self.hue, alike = torch.cat([hue for hue, _ in hues]), torch.cat([each for _, each in hues])
        alike, turns = alike.tolist(), self.hue.tolist()
        named = [not COLOR_WORDS.search(item["name"]) and "skin tone" not in item["name"] for item in drawings.items]
        self.can_recolor = [a and b for a, b in zip(alike, named)]
        self.own_color = [name_of_hue(turn) if can else "" for turn, can in zip(turns, self.can_recolor)]
        rows = list(range(len(drawings)))
        for variant in range(variants):
            self.add_plain(rows, varied=variant > 0)
        if colors:
            self.add_recolored([row for row in rows if self.can_recolor[row] and not drawings.line_art[row]] * colors)
        if scenes:
            self.add_scenes(int(scenes * len(rows)))
        tokens, embeddings, texts_, weights = zip(*self.parts)
        device = drawings.pictures.device
        self.tokens, self.texts, self.weights = torch.cat(tokens), torch.cat(texts_).to(device), torch.cat(weights).to(device)
        self.embedding = torch.cat(embeddings) if encode else None
        del self.parts

    def __len__(self) -> int:
        return len(self.tokens)

    @torch.no_grad()
    def add(self, drawing: torch.Tensor, texts: list[list[str]], weights: list[float]) -> None:
        picture = over(drawing, torch.ones_like(drawing[:, :3])).clamp(0, 1)
        tokens = self.vqgan.tokens((picture * 2 - 1).to(self.dtype)).flatten(1).to(torch.int16)
        with torch.autocast(picture.device.type, self.dtype, enabled=self.dtype != torch.float32):
            embedding = self.encode(picture).half() if self.encode else None
        rows = torch.tensor([[self.positions.row(text) for text in some] for some in texts], dtype=torch.int16)
        self.parts.append((tokens, embedding, rows, torch.tensor(weights)))

    def batches(self, rows: list[int]):
        for start in range(0, len(rows), self.batch):
            yield rows[start:start + self.batch]

    def add_plain(self, rows: list[int], varied: bool) -> None:
        pictures, device = self.drawings.pictures, self.drawings.pictures.device
        for some in self.batches(rows):
            drawing = premultiplied(pictures[some])
            if varied:
                n = len(some)
                mirrored = self.drawings.mirror[some] & (torch.rand(n, device=device) < 0.5)
                drawing = moved(drawing, uniform(n, -0.08, 0.08, device), uniform(n, 0.8, 1.03, device),
                                (torch.rand(n, 2, device=device) * 2 - 1) * 0.06, mirrored)
            texts = [[self.text_of(row) for _ in range(self.texts_each)] for row in some]
            self.add(drawing, texts, self.weights_of(some))

    def add_recolored(self, rows: list[int]) -> None:
        for some in self.batches(rows):
            colors = [self.random.choice([each for each in COLORS if each != self.own_color[row]]) for row in some]
            rgba = recolored(self.drawings.pictures[some], self.hue[some], colors)
            texts = [[self.random.choice(COLOR_TEMPLATES).format(f"{color} {self.name(row)}") for _ in range(self.texts_each)]
                     for row, color in zip(some, colors)]
            self.add(premultiplied(rgba), texts, self.weights_of(some, 0.5))

    def add_scenes(self, count: int) -> None:
        simple = [row for row, item in enumerate(self.drawings.items) if self.drawing_weights[row] == 1
                  and item.get("group") not in SIGNS and len(item["name"].split()) <= 2]
        if not simple:
            return
        for some in self.batches(self.random.choices(simple, k=count)):
            others = self.random.choices(simple, k=len(some))
            colors = [self.random.choice(list(COLORS)) if self.can_recolor[row] and self.random.random() < 0.4 else ""
                      for row in some]
            rgba = self.drawings.pictures[some]
            which = [i for i, color in enumerate(colors) if color]
            if which:
                rgba[which] = recolored(rgba[which], self.hue[[some[i] for i in which]], [colors[i] for i in which])
            names = [(f"{color} {self.name(row)}".strip(), self.name(other)) for row, other, color in zip(some, others, colors)]
            drawing, texts = compose(premultiplied(rgba), premultiplied(self.drawings.pictures[others]), names, self.random)
            self.add(drawing, [[text] * self.texts_each for text in texts], [0.5] * len(some))

    def name(self, row: int) -> str:
        return self.drawings.items[row]["name"]

    def weights_of(self, rows: list[int], factor: float = 1.0) -> list[float]:
        return [self.drawing_weights[row] * factor for row in rows]

    def text_of(self, row: int) -> str:
        """A text for the drawing: plain names mostly, since that is what people type."""
        item, choice = self.drawings.items[row], self.random.random()
        if self.own_color[row] and choice < 0.2:
            return self.random.choice(COLOR_TEMPLATES).format(f"{self.own_color[row]} {item['name']}")
        if choice < 0.6:
            return self.random.choice(NAME_TEMPLATES).format(item["name"], article=with_article(item["name"]))
        return sample_text({"label": item["name"], "tags": item["keywords"], "group": item.get("group")}, self.random)
