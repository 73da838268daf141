"""Reads the training folder that pack/make_pack.py made. Needs PyTorch, NumPy and Pillow alone."""

import tempfile
from pathlib import Path

import numpy
import torch

from pack_pictures import decode, decoded_by_driver, read_index


class Pack:
    """pictures is uint8 [N, 4, side, side] with straight alpha, on the CPU, items the entries of pack.json.gz."""

    def __init__(self, folder: Path, index: dict, pictures: torch.Tensor):
        self.folder, self.pictures = folder, pictures
        self.items, self.classes, self.sources = index["pictures"], index["classes"], index["sources"]
        self.side = index["side"]

    def rows(self, split: str = "train", sources=None) -> list[int]:
        return [row for row, item in enumerate(self.items)
                if item["split"] == split and (sources is None or item["source"] in sources)]


def read_pack(folder, threads: int = 8) -> Pack:
    """Decodes the pictures, in so many processes, unless a driver does."""
    folder = Path(folder)
    index = read_index(folder)
    pictures = decoded_by_driver()
    if pictures is None or len(pictures) != len(index["pictures"]):
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "pictures.npy"
            decode(folder, path, threads)
            pictures = numpy.load(path)
    return Pack(folder, index, torch.from_numpy(pictures))


def on_white(rgba: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 4, s, s] -> float [n, 3, s, s] in [0, 1]."""
    x = rgba.float() / 255
    alpha = x[:, 3:]
    return x[:, :3] * alpha + 1 - alpha
