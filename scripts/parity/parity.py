"""What the parity tests share: running a Go program on a checkpoint, comparing what it computes with
what the defining package computed, and the table of it in docs/parity.md.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "parity.md"

# A published model's embedding: the cosine at least, and the difference in parts of the largest
# element at most.
COSINE, DIFFERENCE = 0.99999, 1e-4


def run_go(program: str, checkpoint: Path, folder: Path, inputs: dict, metadata: dict) -> dict:
    save_file({name: tensor.contiguous() for name, tensor in inputs.items()},
              folder / "inputs.safetensors", metadata)
    subprocess.run(["go", "run", f"./scripts/parity/{program}", str(checkpoint),
                    str(folder / "inputs.safetensors"), str(folder / "outputs.safetensors")],
                   cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())})
    return load_file(folder / "outputs.safetensors")


def compare(wanted: torch.Tensor, got: torch.Tensor) -> tuple[float, float]:
    """The cosine, and the largest difference in parts of the largest element."""
    wanted, got = wanted.detach().double(), got.detach().double()
    cosine = torch.nn.functional.cosine_similarity(wanted.flatten(), got.flatten(), dim=0).item()
    return cosine, ((wanted - got).abs().max() / wanted.abs().max()).item()


def write_row(section: str, name: str, columns: list[str]) -> None:
    """Writes a row of a section's table, in place of the one of the name, where
    PARITY_WRITE is set."""
    row = f"| {name} | " + " | ".join(columns) + " |"
    print(row, file=sys.stderr)
    if not os.environ.get("PARITY_WRITE"):
        return
    text = TABLE.read_text()
    start = text.index(f"\n## {section}\n")
    end = text.find("\n## ", start + 1)
    end = len(text) if end < 0 else end
    part = text[start:end].rstrip("\n")
    pattern = re.compile(rf"^\| {re.escape(name)} \|.*$", re.MULTILINE)
    part = pattern.sub(lambda _: row, part) if pattern.search(part) else part + "\n" + row
    TABLE.write_text(text[:start] + part + "\n" + text[end:])
