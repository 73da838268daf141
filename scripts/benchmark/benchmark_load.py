"""How long, and how much memory, from the start of a process to the first embedding of a text and a
picture by ViT-B/32 in OpenAI's layout, beside openai-clip.

    python scripts/benchmark/benchmark_load.py [--rounds 5]

The checkpoint has random weights in float16, as a TorchScript archive like OpenAI's. Go and Python
take turns, each in a new process; the files are in the page cache for both.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/first_embedding"

PYTHON = """
import sys, warnings
warnings.simplefilter("ignore")
import clip, torch
from PIL import Image
model, preprocess = clip.load(sys.argv[1], device="cpu", jit=False)
with torch.no_grad():
    model.encode_text(clip.tokenize(["a photo of a cat"]))
    model.encode_image(preprocess(Image.open(sys.argv[2])).unsqueeze(0))
"""


def make_checkpoint(path: Path) -> int:
    """Writes the archive, and returns the bytes of its weights in float32."""
    import clip.model
    import torch

    model = clip.model.CLIP(512, 224, 12, 768, 32, 77, 49408, 512, 8, 12).eval()
    clip.model.convert_weights(model)
    size = 4 * sum(parameter.numel() for parameter in model.parameters())

    class Archive(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, child in model.named_children():
                setattr(self, name, child)
            for name in ("positional_embedding", "text_projection", "logit_scale"):
                setattr(self, name, getattr(model, name))
            for name, value in (("input_resolution", 224), ("context_length", 77), ("vocab_size", 49408)):
                self.register_buffer(name, torch.tensor(value))

        def forward(self, image, text):
            return image, text

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(Archive(), (torch.zeros(1), torch.zeros(1))), str(path))
    return size


def measure(command: list) -> tuple[float, float]:
    """Seconds, and MB at the peak."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    subprocess.run(["go", "build", "-o", PROGRAM, "./scripts/benchmark/first_embedding"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, archive = Path(folder) / "ViT-B-32.pt", Path(folder) / "imported.pt"
        # In a process of its own: Linux counts a parent's memory in a child's peak.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            weights = pool.submit(make_checkpoint, checkpoint).result()
        picture = ROOT / "docs" / "generated.png"
        subprocess.run([ROOT / "bin/clipvqgan", "import", checkpoint, "-o", archive], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        commands = {
            "Go, OpenAI's file": [PROGRAM, checkpoint, picture],
            "Go, imported archive": [PROGRAM, archive, picture],
            "openai-clip": [sys.executable, "-c", PYTHON, checkpoint, picture],
        }
        results = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                results[name].append(measure(command))
    print(f"weights in float32: {weights / 1e6:.0f} MB")
    for name, measured in results.items():
        times, peaks = zip(*measured)
        print(f"{name:22} {statistics.median(times):6.2f} s (least {min(times):.2f})   "
              f"peak {statistics.median(peaks):6.0f} MB, {statistics.median(peaks) * 1e6 / weights:.2f} of the weights")


if __name__ == "__main__":
    main()
