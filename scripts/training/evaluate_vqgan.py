"""Prints what the VQGAN in an archive makes of the held-out emoji set.

    python scripts/training/evaluate_vqgan.py [--model models/vqgan.pt] [--pictures .cache/emoji]

PSNR is the mean over pictures in [0,1] at the model's size over white; --sheet writes a picture
of originals above reconstructions. With --trunk it prints the perceptual distance too (perceptual_distance.py),
and with --than, how the figures of a second archive compare. Pictures of 128x128 are rendered by

    python scripts/training/emoji/render.py --size 128 --output .cache/emoji128
"""

import argparse
import json
from pathlib import Path

import torch

from contact_sheet import save_sheet
from efficientnet_lite import load_trunk
from perceptual_distance import PerceptualDistance
from vqgan_figures import measure
from vqgan_pictures import load_held_out


def load(path: Path) -> tuple[torch.jit.ScriptModule, dict]:
    """An archive's module in float32, and its config."""
    extra = {"config.json": ""}
    model = torch.jit.load(str(path), map_location="cpu", _extra_files=extra).float()
    return model, json.loads(extra["config.json"])


class Archive:
    """An archive's module as vqgan_figures takes it."""

    def __init__(self, path: Path):
        self.model, config = load(path)
        self.image_size, self.codebook_size = config["image_size"], config["codebook_size"]

    def tokens(self, image: torch.Tensor) -> torch.Tensor:
        return self.model.quantize(self.model.encode(image))[1]

    def picture(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.model.decode(self.model.embed(tokens)).clamp(-1, 1)


def evaluate(path: Path, folder: Path, distance: PerceptualDistance | None, sheet: Path | None) -> dict:
    archive = Archive(path)
    pictures, _ = load_held_out(folder, archive.image_size)
    figures = measure(archive, pictures, distance, archive.codebook_size)
    print(f"{path}: {len(pictures)} held-out pictures of {archive.image_size}x{archive.image_size}")
    print(f"PSNR {figures['psnr']:.2f} dB (worst tenth below {figures['psnr_worst_tenth']:.2f})")
    if distance is not None:
        print(f"perceptual distance {figures['perceptual_distance']:.4f}")
    print(f"codebook: {figures['codes_used']} of {archive.codebook_size} entries used, perplexity {figures['perplexity']:.0f}")
    if sheet:
        chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(1))[:64]
        with torch.no_grad():
            copies = archive.picture(archive.tokens(pictures[chosen]))
        save_sheet([part for pair in zip(pictures[chosen].split(16), copies.split(16)) for part in pair], sheet)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=Path("models/vqgan.pt"))
    parser.add_argument("--pictures", type=Path, default=Path(".cache/emoji"),
                        help="folder that emoji/render.py wrote")
    parser.add_argument("--trunk", type=Path, help="efficientnet_lite0.pt of the training folder")
    parser.add_argument("--than", type=Path, help="archive to compare with, such as one trained by L1 alone")
    parser.add_argument("--sheet", type=Path, help="PNG of 64 originals and reconstructions")
    options = parser.parse_args()
    distance = PerceptualDistance(load_trunk(str(options.trunk))) if options.trunk else None
    figures = evaluate(options.model, options.pictures, distance, options.sheet)
    if options.than:
        other = evaluate(options.than, options.pictures, distance, None)
        print(f"PSNR higher by {figures['psnr'] - other['psnr']:.2f} dB")
        if distance is not None:
            print(f"perceptual distance lower by {100 * (1 - figures['perceptual_distance'] / other['perceptual_distance']):.0f} %")


if __name__ == "__main__":
    main()
