"""Batches of drawings and their texts, made on the device: no batch shows the same thing twice."""

import re

import torch

from augment import augment
from clip_texts import Teacher, concept_of, variants
from pack_reader import Pack

# How often each source is drawn, where it has the thing.
WEIGHTS = {"fluent_flat": 1.0, "fluent_modern": 0.7, "fluent_high_contrast": 0.3, "fluent_3d": 1.0, "noto": 1.0,
           "openmoji_color": 1.0, "openmoji_black": 0.3, "openclipart": 1.0}
# Of such names the margin tells a part.
SIZED = re.compile(r"small|medium|large|heavy|light")
# Names of different sources whose teacher embeddings are closer are no negatives of each other.
SAME_MEANING = 0.75


def boxes_of(rgba: torch.Tensor) -> torch.Tensor:
    """[N, 3]: center x, y and half side of the smallest square around what is drawn, in [-1, 1]."""
    drawn = rgba[:, 3] > 8
    side = drawn.shape[-1]

    def extent(any_along):
        first = any_along.float().argmax(1)
        last = side - 1 - any_along.flip(1).float().argmax(1)
        return first.float(), last.float() + 1
    left, right = extent(drawn.any(1))
    top, bottom = extent(drawn.any(2))
    half = torch.maximum(right - left, bottom - top).clamp(min=side / 8) / side
    x, y = (left + right) / side - 1, (top + bottom) / side - 1
    return torch.stack([x, y, half], 1)


class Drawings:
    def __init__(self, pack: Pack, tokenizer, teacher: Teacher | None, device, context: int,
                 text_variants: int = 64, rows: list[int] | None = None):
        self.device = device
        rows = pack.rows("train") if rows is None else rows
        items = [pack.items[row] for row in rows]
        self.pictures = pack.pictures[torch.tensor(rows)].to(device)
        self.boxes = torch.cat([boxes_of(part) for part in self.pictures.split(2048)])
        sized = self.flags(items, lambda item: bool(SIZED.search(item["name"])) and item["group"] >= 0)
        self.boxes[sized] = torch.tensor([0.0, 0.0, 1.0], device=device)
        self.mirror, self.recolor, self.line_art = (
            self.flags(items, lambda item, key=key: item[key]) for key in ("mirror", "recolor", "line_art"))
        self.group(items)
        entries = [self.entries[name] for name in self.names]
        self.tokens = variants(tokenizer, entries, text_variants, context, seed=0).to(device)
        self.alike = self.find_alike(teacher)

    def flags(self, items, test) -> torch.Tensor:
        return torch.tensor([test(item) for item in items], device=self.device)

    def group(self, items: list[dict]) -> None:
        """The pictures of each concept in one padded table, with cumulated weights."""
        places, self.entries = {}, {}
        for row, item in enumerate(items):
            name = concept_of(item)
            places.setdefault(name, []).append((row, WEIGHTS.get(item["source"], 1.0)))
            # An emoji's entry has the keywords that a person chose.
            if name not in self.entries or self.entries[name]["group"] < item["group"]:
                self.entries[name] = item
        self.names = list(places)
        most = max(map(len, places.values()))
        self.table = torch.zeros(len(places), most, dtype=torch.int64)
        weights = torch.zeros(len(places), most)
        for concept, name in enumerate(self.names):
            for place, (row, weight) in enumerate(places[name]):
                self.table[concept, place], weights[concept, place] = row, weight
        self.table, self.weights = self.table.to(self.device), weights.to(self.device)

    def find_alike(self, teacher: Teacher | None) -> torch.Tensor:
        """bool [concepts, concepts]: pairs that are neither the same nor safely different."""
        alike = torch.zeros(len(self.names), len(self.names), dtype=torch.bool, device=self.device)
        self.meaning = torch.zeros(len(self.names), 1, device=self.device)
        self.has_meaning = torch.zeros(len(self.names), dtype=torch.bool, device=self.device)
        if teacher is None:
            return alike
        embeddings, known = teacher.of(self.names)
        self.meaning, self.has_meaning = embeddings.to(self.device), known.to(self.device)
        emoji = self.flags([self.entries[name] for name in self.names], lambda entry: entry["group"] >= 0)
        alike = self.meaning @ self.meaning.t() > SAME_MEANING
        alike &= ~(emoji[:, None] & emoji[None])
        return alike.fill_diagonal_(False)

    def epoch(self, size: int) -> list[torch.Tensor]:
        """All concepts in a random order, in batches of the size or a little more."""
        order = torch.randperm(len(self.names), device=self.device)
        parts = max(1, len(order) // size)
        return [order[part::parts] for part in range(parts)]

    def batch(self, concepts: torch.Tensor, gentle_share: float,
              side: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures float [n, 3, side, side] in [0, 1], and tokens [n, L]."""
        n = len(concepts)
        place = torch.multinomial(self.weights[concepts], 1)[:, 0]
        rows = self.table[concepts, place]
        rgba = self.pictures[rows]
        flipped = self.mirror[rows] & (torch.rand(n, device=self.device) < 0.3)
        rgba = torch.where(flipped[:, None, None, None], rgba.flip(-1), rgba)
        boxes = self.boxes[rows]
        boxes = torch.where(flipped[:, None], boxes * torch.tensor([-1.0, 1, 1], device=self.device), boxes)
        whole = torch.rand(n, 1, device=self.device) < 0.25
        boxes = torch.where(whole, torch.tensor([0.0, 0.0, 1.0], device=self.device), boxes)
        with torch.device(self.device):
            pictures = augment(rgba, side, self.line_art[rows], self.recolor[rows], gentle_share, boxes)
        variant = torch.randint(self.tokens.shape[1], (n,), device=self.device)
        return pictures, self.tokens[concepts, variant]
