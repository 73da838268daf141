"""The emoji pictures that the VQGAN learns from and is measured on (rendered by emoji/render.py)."""

import json
from pathlib import Path
from typing import List, Tuple

import numpy as np
import torch
import torch.nn.functional as F

from emoji.sources import HELD_OUT_STYLE, without_skin_tone

# Outline styles are easy and say little about color.
STYLE_WEIGHTS = {"fluent_high_contrast": 0.25, "openmoji_black": 0.25}
SKIN_TONE_WEIGHT = 0.2


def load_training(folder: Path) -> Tuple[torch.Tensor, torch.Tensor]:
    """RGBA uint8 [N,4,96,96] of all styles but the one held out, and how often to draw each."""
    arrays, index = np.load(folder / "emoji.npz"), _index(folder)
    pictures, weights = [], []
    for style, codes in index["styles"].items():
        if style == HELD_OUT_STYLE:
            continue
        pictures.append(torch.from_numpy(arrays[style]))
        weights += [STYLE_WEIGHTS.get(style, 1.0)
                    * (1.0 if code == without_skin_tone(code) else SKIN_TONE_WEIGHT)
                    for code in codes]
    return torch.cat(pictures).permute(0, 3, 1, 2).contiguous(), torch.tensor(weights)


def load_held_out(folder: Path, size: int) -> Tuple[torch.Tensor, List[str]]:
    """The held-out style over white, [N,3,size,size] in [-1,1], and the emoji's codes: every emoji
    whose name some training style has as well, skin tones once."""
    arrays, index = np.load(folder / "emoji.npz"), _index(folder)
    trained = {code for style, codes in index["styles"].items() if style != HELD_OUT_STYLE
               for code in codes}
    codes = index["styles"][HELD_OUT_STYLE]
    kept = [i for i, code in enumerate(codes) if code in index["names"] and code in trained]
    rgba = torch.from_numpy(arrays[HELD_OUT_STYLE][kept]).permute(0, 3, 1, 2).float() / 255
    over_white = rgba[:, :3] * rgba[:, 3:] + 1 - rgba[:, 3:]
    resized = F.interpolate(over_white, size=(size, size), mode="bicubic", antialias=True)
    return resized.clamp(0, 1) * 2 - 1, [codes[i] for i in kept]


def _index(folder: Path) -> dict:
    with open(folder / "emoji.json", encoding="utf-8") as file:
        return json.load(file)
