"""The texts of the training folder as tokens: several for each thing that is drawn, made once."""

import random

import torch
import torch.nn.functional as F

from plain_tokenizer import Tokenizer
from texts import sample_text

CLASS_TEMPLATES = ("{}", "a {}", "the {}", "a photo of a {}", "a photo of {}", "a photo of the {}", "a picture of a {}",
                   "a photograph of a {}", "an image of a {}", "a close-up photo of a {}", "a good photo of a {}")


def concept_of(item: dict) -> str:
    """What an item shows: drawings with the same name show the same."""
    return item["name"]


def variants(tokenizer: Tokenizer, entries: list[dict], count: int, length: int, seed: int) -> torch.Tensor:
    """int32 [N, count, length]: texts for each entry (name, keywords, group)."""
    generator = random.Random(seed)
    texts = [sample_text({"label": e["name"], "tags": e["keywords"], "group": e["group"]}, generator)
             for e in entries for _ in range(count)]
    return tokenizer(texts, length).view(len(entries), count, length)


def class_text(entry: dict, generator: random.Random) -> str:
    """A name of the class in a template most often, else with what it is, or its gloss."""
    names = [name.lower() for name in entry["names"]]
    name = names[0] if generator.random() < 0.6 else generator.choice(names)
    choice = generator.random()
    if choice < 0.7 or not entry["hypernyms"]:
        return generator.choice(CLASS_TEMPLATES).format(name)
    if choice < 0.85:
        return f"{name}, {generator.choice(('', 'a kind of ', 'a '))}{generator.choice(entry['hypernyms'][:2])}"
    return f"{name}: {entry['gloss']}" if choice < 0.95 else entry["gloss"]


def class_variants(tokenizer: Tokenizer, classes: list[dict], count: int, length: int, seed: int) -> torch.Tensor:
    """int32 [1000, count, length]. The first is the plain first name."""
    generator = random.Random(seed)
    texts = [entry["names"][0].lower() if i == 0 else class_text(entry, generator)
             for entry in classes for i in range(count)]
    return tokenizer(texts, length).view(len(classes), count, length)


class Teacher:
    """texts.npz: the larger model's embeddings [N, D], normalized, and the tokens of their texts."""

    def __init__(self, folder, tokenizer: Tokenizer, length: int):
        import numpy
        data = numpy.load(f"{folder}/texts.npz")
        self.texts = data["texts"].tobytes().decode("utf-8").split("\n")
        self.rows = {text: row for row, text in enumerate(self.texts)}
        self.embeddings = F.normalize(torch.from_numpy(data["codes"].astype("float32")) * float(data["scale"]), dim=-1)
        self.tokens = tokenizer(self.texts, length)

    def of(self, names: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """The embeddings of names, and which of them there are."""
        rows = torch.tensor([self.rows.get(name, -1) for name in names])
        return self.embeddings[rows.clamp(min=0)] * (rows >= 0)[:, None], rows >= 0
