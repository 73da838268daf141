"""The rendered sets (render.py) as the CLIP's training and evaluation read them."""

import json
import os
import re
import sys

import numpy
import torch
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sources  # noqa: E402

# Two flags whose pictures differ by less, in the mean over pixels and channels of 0-255, are one
# flag: the outlying territories that fly their country's.
SAME_PICTURE = 0.5


class Emoji:
    def __init__(self, folder: str):
        with open(os.path.join(folder, "emoji.json"), encoding="utf-8") as file:
            index = json.load(file)
        self.names = index["names"]
        self.styles = index["styles"]
        self.arrays = numpy.load(os.path.join(folder, "emoji.npz"))

    def training_styles(self) -> list[str]:
        return [style for style in self.styles if style != sources.HELD_OUT_STYLE]

    def pictures(self, style: str, side: int,
                 tight: bool = False) -> tuple[list[str], torch.Tensor]:
        """The style's base forms: their codes, and uint8 [N, 4, side, side] with straight alpha.

        Tight pictures lose their margins, which differ from set to set, but for those whose name
        tells a size.
        """
        array = self.arrays[style]
        rows = [row for row, code in enumerate(self.styles[style]) if code in self.names]
        resized = numpy.stack([
            numpy.asarray(Image.fromarray(array[row]).resize(
                (side, side), Image.Resampling.BICUBIC,
                box=drawn_square(array[row]) if tight and self.fits_any_size(style, row) else None))
            for row in rows
        ])
        codes = [self.styles[style][row] for row in rows]
        return codes, torch.from_numpy(resized).permute(0, 3, 1, 2).contiguous()

    def fits_any_size(self, style: str, row: int) -> bool:
        label = self.names[self.styles[style][row]]["label"]
        return not re.search(r"small|medium|large|heavy|light", label)

    def evaluation(self, side: int) -> tuple[list[str], list[str], torch.Tensor]:
        """The held-out artwork: codes, names and uint8 [N, 3, side, side] on white.

        All emoji of the held-out set that a training set has too, base forms only; flags with the
        same picture are counted once, under the shortest of their names.
        """
        known = {code for style in self.training_styles() for code in self.styles[style]}
        array = self.arrays[sources.HELD_OUT_STYLE]
        rows = {
            code: row for row, code in enumerate(self.styles[sources.HELD_OUT_STYLE])
            if code in self.names and code in known
        }
        codes = one_of_each_flag(
            list(rows), {code: on_white(array[row], 48) for code, row in rows.items()}, self.names)
        pictures = numpy.stack([on_white(array[rows[code]], side) for code in codes])
        labels = [self.names[code]["label"].lower() for code in codes]
        return codes, labels, torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def drawn_square(rgba: numpy.ndarray) -> tuple[float, float, float, float]:
    """The smallest square, within the picture, around what is drawn."""
    left, top, right, bottom = Image.fromarray(rgba[..., 3]).getbbox()
    side = max(right - left, bottom - top)
    left = min(max((left + right - side) / 2, 0), rgba.shape[1] - side)
    top = min(max((top + bottom - side) / 2, 0), rgba.shape[0] - side)
    return left, top, left + side, top + side


def is_flag(code: str) -> bool:
    """A country's flag: a pair of regional indicators, or a tag sequence."""
    return code.startswith(("1F1E", "1F1F")) or "E007F" in code


def one_of_each_flag(codes: list[str], pictures: dict, names: dict) -> list[str]:
    kept, flags = [], []
    for code in sorted(codes, key=lambda code: len(names[code]["label"])):
        if is_flag(code):
            picture = pictures[code].astype(numpy.float32)
            if any(numpy.abs(picture - flag).mean() < SAME_PICTURE for flag in flags):
                continue
            flags.append(picture)
        kept.append(code)
    chosen = set(kept)
    return [code for code in codes if code in chosen]


def on_white(rgba: numpy.ndarray, side: int) -> numpy.ndarray:
    picture = Image.fromarray(rgba)
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    white.alpha_composite(picture)
    return numpy.asarray(white.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
