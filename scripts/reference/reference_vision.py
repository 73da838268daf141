#!/usr/bin/env python3
"""Writes torch/vision/testdata/vision.json.gz: torchvision's numbers for pictures, for package vision.

"pictures" are what ToTensor and PILToTensor make of pixels at random, "saved" the bytes that
save_image writes of a tensor, "grids" what make_grid makes. Needs torchvision and Pillow.
"""

import gzip
import io
import json
import pathlib

import numpy
import torch
from PIL import Image
from torchvision import transforms
from torchvision.utils import make_grid, save_image

ROOT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "vision"
OUTPUT = ROOT / "testdata" / "vision.json.gz"

random = numpy.random.default_rng(11)


def encode(tensor):
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "data": tensor.reshape(-1).to(torch.float64).tolist(),
    }


def pictures():
    for height, width in [(5, 7), (16, 16), (1, 9), (9, 1)]:
        for mode, channels in [("RGB", 3), ("RGBA", 4), ("L", 1)]:
            shape = (height, width) if channels == 1 else (height, width, channels)
            pixels = random.integers(0, 256, shape, dtype=numpy.uint8)
            if (height, width) == (16, 16) and channels == 1:
                pixels = numpy.arange(256, dtype=numpy.uint8).reshape(16, 16)  # every level
            picture = Image.fromarray(pixels)
            assert picture.mode == mode
            case = {
                "mode": mode,
                "pixels": pixels.reshape(-1).tolist(),
                "floats": encode(transforms.ToTensor()(picture)),
                "bytes": encode(transforms.PILToTensor()(picture)),
            }
            if mode == "RGB":
                case["gray"] = encode(transforms.PILToTensor()(picture.convert("L")))
            yield case


def saved():
    edges = [0.0, 1.0, -0.5, 1.5, -1e-9, 0.5, 1 / 255, 0.5 / 255, 0.49999 / 255, 254.5 / 255, 1e30, -1e30,
             float("inf"), float("-inf"), 0.001, 0.999]  # fmt: skip
    edges += [(i + 0.5) / 255 for i in range(255)] + [i / 255 for i in range(256)]
    for channels in (1, 3):
        for tensor in (
            torch.from_numpy(random.normal(0.5, 0.5, (channels, 9, 8))).float(),
            torch.tensor(edges + edges[:1]).reshape(1, 16, 33).repeat(channels, 1, 1),
            torch.from_numpy(random.random((channels, 3, 5))),
        ):
            file = io.BytesIO()
            save_image(tensor.clone(), file, format="png")
            written = transforms.PILToTensor()(Image.open(file))  # always of three channels
            data = tensor.reshape(-1).tolist()
            yield {
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
                "data": [x if abs(x) < float("inf") else str(x) for x in data],
                "bytes": encode(written[:channels]),
            }


def grids():
    batch = torch.from_numpy(random.normal(0, 1, (7, 3, 4, 5))).float()
    for tensor, options in [
        (batch, {}), (batch, {"nrow": 3}), (batch, {"nrow": 1, "padding": 1}), (batch, {"nrow": 7, "padding": 0}),
        (batch, {"nrow": 20, "pad_value": 0.5}), (batch[:1], {}), (batch[:, :1], {"nrow": 4}), (batch[0], {}),
        (batch[0, :1], {}), (batch[0, 0], {}), (batch[:2], {"nrow": 1}), (batch.double(), {"nrow": 2}),
        ((batch.abs() * 50).to(torch.uint8), {"nrow": 4, "pad_value": 255}), (batch[:, :2], {"nrow": 3}),
        (batch, {"normalize": True}), (batch, {"normalize": True, "value_range": (-1, 1), "nrow": 4}),
        (batch, {"normalize": True, "scale_each": True}), (batch[0], {"normalize": True}),
        (torch.full((2, 3, 2, 2), 0.25), {"normalize": True}),
        (batch, {"normalize": True, "scale_each": True, "value_range": (-0.5, 2.0), "pad_value": 1.0}),
    ]:  # fmt: skip
        yield {"tensor": encode(tensor), "options": options, "grid": encode(make_grid(tensor, **options))}


reference = {"pictures": list(pictures()), "saved": list(saved()), "grids": list(grids())}
text = json.dumps(reference, separators=(",", ":"))
OUTPUT.write_bytes(gzip.compress(text.encode(), mtime=0))
print(f"{OUTPUT}: {', '.join(f'{len(cases)} {name}' for name, cases in reference.items())}")
