"""The drawings of the prepared folder on the device, and how often each is taken."""

import functools

import torch

from pack_reader import read_pack

# Outlines alone are easy and say little about color.
SOURCE_WEIGHTS = {"fluent_high_contrast": 0.25, "openmoji_black": 0.25}
SKIN_TONE_WEIGHT = 0.2


# Each split is taken from it, and it takes seconds to decode.
read_once = functools.lru_cache(maxsize=1)(read_pack)


class Drawings:
    def __init__(self, folder: str, device: torch.device, split: str = "train", most: int | None = None, threads: int = 8):
        """Holds uint8 [N, 4, 128, 128] on the device, `most` of them, chosen evenly, if there are more."""
        pack = read_once(folder, threads=threads)
        rows = pack.rows(split=split)
        if most is not None and len(rows) > most:
            rows = [rows[i * len(rows) // most] for i in range(most)]
        self.items = [pack.items[row] for row in rows]
        self.pictures = pack.pictures[rows].to(device)
        self.mirror = self.flags("mirror", device)
        self.line_art = self.flags("line_art", device)
        self.weights = torch.tensor([weight(item) for item in self.items], device=device)

    def __len__(self) -> int:
        return len(self.items)

    def flags(self, name: str, device: torch.device) -> torch.Tensor:
        return torch.tensor([bool(item.get(name)) for item in self.items], device=device)

    def sample(self, count: int) -> torch.Tensor:
        """Rows, drawn by their weights."""
        return torch.multinomial(self.weights, count, replacement=True)


def weight(item: dict) -> float:
    return SOURCE_WEIGHTS.get(item["source"], 1.0) * (SKIN_TONE_WEIGHT if "skin tone" in item["name"] else 1.0)
