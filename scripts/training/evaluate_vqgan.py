"""Prints what the VQGAN in an archive makes of the held-out emoji set.

    python scripts/training/evaluate_vqgan.py [--model models/vqgan.pt] [--pictures .cache/emoji]

PSNR is the mean over pictures in [0,1] at the model's size over white; --sheet writes a picture
of originals above reconstructions.
"""

import argparse
import json
from pathlib import Path

import torch
from torchvision.utils import save_image

from vqgan_pictures import load_held_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=Path("models/vqgan.pt"))
    parser.add_argument("--pictures", type=Path, default=Path(".cache/emoji"),
                        help="folder that emoji/render.py wrote")
    parser.add_argument("--sheet", type=Path, help="PNG of 64 originals and reconstructions")
    options = parser.parse_args()

    extra = {"config.json": ""}
    model = torch.jit.load(str(options.model), map_location="cpu", _extra_files=extra).float()
    config = json.loads(extra["config.json"])
    pictures, _ = load_held_out(options.pictures, config["image_size"])

    psnr, counts, outputs = [], torch.zeros(config["codebook_size"]), []
    with torch.no_grad():
        for batch in pictures.split(64):
            z_q, indices, _ = model.quantize(model.encode(batch))
            output = model.decode(z_q).clamp(-1, 1)
            error = ((output - batch) / 2).square().mean(dim=(1, 2, 3))
            psnr.append(-10 * error.clamp_min(1e-10).log10())
            counts += torch.bincount(indices.flatten(), minlength=len(counts))
            outputs.append(output)
    psnr = torch.cat(psnr)
    share = counts / counts.sum()
    perplexity = (-(share * share.clamp_min(1e-12).log()).sum()).exp()
    print(f"{len(pictures)} held-out pictures of {config['image_size']}x{config['image_size']}")
    print(f"PSNR {psnr.mean():.2f} dB (worst tenth below {psnr.quantile(0.1):.2f})")
    print(f"codebook: {int((counts > 0).sum())} of {len(counts)} entries used, "
          f"perplexity {perplexity:.0f}")
    if options.sheet:
        chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(1))[:64]
        originals, copies = pictures[chosen], torch.cat(outputs)[chosen]
        rows = [part for pair in zip(originals.split(16), copies.split(16)) for part in pair]
        save_image((torch.cat(rows) + 1) / 2, options.sheet, nrow=16)


if __name__ == "__main__":
    main()
