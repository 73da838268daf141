"""Networks with fresh weights, from the archives that the Go packages write."""

import os
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]


def write(family: str, architecture: str, seed: int, output: Path) -> None:
    """Writes an archive. family is clip or vqgan, architecture a name that its Go package knows."""
    subprocess.run([os.environ.get("GO", "go"), "run", "./scripts/training/fresh", family, architecture,
                    str(seed), str(Path(output).absolute())], cwd=ROOT, check=True)


def load(archive: Path) -> tuple[torch.jit.ScriptModule, dict[str, bytes]]:
    """The archive's module, whose parameters take no gradients, and its extra files."""
    files = {"config.json": "", "bpe_merges.txt": ""}
    with open(archive, "rb") as file:
        module = torch.jit.load(file, map_location="cpu", _extra_files=files).float()
    return module, files


def make_trainable(module: torch.jit.ScriptModule) -> torch.jit.ScriptModule:
    """Lets the parameters take gradients: scripted modules have no requires_grad_. Copies are made
    before it, for those of parameters with gradients are no leaves."""
    for parameter in module.parameters():
        parameter.requires_grad = True
    return module
