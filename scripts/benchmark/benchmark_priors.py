"""Speed of package vqgan/prior beside taming-transformers and min-dalle, in one run.

    python scripts/benchmark/benchmark_priors.py [--rounds 2] [--rows 2]

Models of full size with random weights; Go and the package take turns, and the figure is the median, in
tokens a second. taming computes the whole sequence again for each token: its tokens are drawn in the middle of
a picture, where a step takes about the mean time. The limit is the bytes of weights that a step reads over the memory's
bandwidth, which is measured by reading as many.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS / "parity"))

from full_priors import GRID, DalleMini, Taming  # noqa: E402
from parity import run_go  # noqa: E402


def bandwidth(size: int) -> float:
    """Bytes a second that a sum reads."""
    memory = torch.ones(size // 4)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        memory.sum()
        times.append(time.perf_counter() - started)
    return size / min(times)


def measure(model, codebook: int, batch: int, arguments, folder: Path) -> None:
    tokens = torch.randint(0, codebook, (GRID * GRID,), generator=torch.Generator().manual_seed(6))
    numbers = torch.rand(batch, GRID * GRID, generator=torch.Generator().manual_seed(5))
    given = 7 if model.given else 0
    first, count = given * GRID, arguments.rows * GRID
    go, peer = {"float32": []}, []
    if arguments.bfloat16:
        go["bfloat16"] = []
    for _ in range(arguments.rounds):
        for dtype, times in go.items():
            task = dict(model.task, rows=given + arguments.rows, given=given, dtype=dtype, rounds=2)
            out = run_go("prior_outputs", model.path, folder, dict(numbers=numbers, tokens=tokens), dict(task=json.dumps(task)))
            times.append(out["seconds"].min().item())
        started = time.perf_counter()
        model.draw(tokens[None, :first].repeat(batch, 1), count, numbers[:, first:])
        peer.append(time.perf_counter() - started)
    drawn = batch * count
    rates = {dtype: drawn / statistics.median(times) for dtype, times in go.items()}
    theirs = drawn / statistics.median(peer)
    line = f"{model.name:32}{batch:6}{rates['float32']:10.1f}{theirs:10.1f}{rates['float32'] / theirs:8.2f}"
    if "bfloat16" in rates:
        line += f"{rates['bfloat16']:10.1f}{rates['bfloat16'] / rates['float32']:8.2f}"
    size = 4 * sum(p.numel() for p in model.read())
    limit = bandwidth(size) / size
    line += f"{batch * limit:10.1f}"
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2, help="rows of 16 tokens to draw")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 9])
    parser.add_argument("--models", nargs="+", default=["taming", "mini"])
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, tokens a second; the limit is that of memory\n")
    print(f"{'':32}{'batch':>6}{'Go':>10}{'package':>10}{'ratio':>8}"
          + (f"{'bf16':>10}{'ratio':>8}" if arguments.bfloat16 else "") + f"{'limit':>10}")
    for name, (made, codebook) in {"taming": (Taming, 1024), "mini": (DalleMini, 2 ** 14)}.items():
        if name not in arguments.models:
            continue
        with tempfile.TemporaryDirectory() as folder:
            model = made(Path(folder))
            for batch in arguments.batches:
                measure(model, codebook, batch, arguments, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"\npeak memory, MB: the packages {peak[0] // 1024}, Go {peak[1] // 1024}")


if __name__ == "__main__":
    main()
