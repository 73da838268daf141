"""Times the decoding of a JPEG of 12 megapixels: package imageio by Go's decoder and by libjpeg-turbo, whole
and reduced, beside Pillow, in one run on one thread.

    python scripts/benchmark/benchmark_pictures.py [PICTURE.jpg]

Without a picture it makes one, with the grain of a photograph, 4000 by 3000 pixels, 4:2:0, quality 90.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import PIL
from PIL import Image, features

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPEATS = 7


def photo(path):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((4000, 3000), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 256, (375, 500, 3), dtype=np.uint8)).resize((4000, 3000), Image.Resampling.BICUBIC)
    grain = rng.normal(0, 2, (3000, 4000, 1))
    pixels = 0.75 * np.asarray(coarse, np.float32) + 0.25 * np.asarray(fine, np.float32) + grain
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)


def pillow(path, part):
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        image = Image.open(path)
        if part > 1:
            image.draft("RGB", (image.width // part, image.height // part))
        image.load()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def ours(path):
    """Milliseconds by the name of the benchmark."""
    command = ["go", "test", "-run", "^$", "-bench", "^BenchmarkDecodeJPEG$", "-cpu", "1", "-count", "3", "./imageio"]
    text = subprocess.run(command, cwd=ROOT, env=os.environ | {"CLIPVQGAN_BENCHMARK_JPEG": str(path)}, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    times = {}
    for name, nanoseconds in re.findall(r"^BenchmarkDecodeJPEG/(\S+)\s+\d+\s+(\d+) ns/op", text, re.M):
        times.setdefault(name, []).append(float(nanoseconds) / 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.picture
        if path is None:
            path = pathlib.Path(folder) / "picture.jpg"
            photo(path)
        with Image.open(path) as image:
            print(f"{image.width}x{image.height}, {path.stat().st_size / 1e6:.1f} MB; Pillow {PIL.__version__}, "
                  f"libjpeg-turbo {features.version('libjpeg_turbo')}; one thread, milliseconds")
        for name, milliseconds in ours(path.resolve()).items():
            print(f"imageio {name:38} {milliseconds:7.1f}")
        for name, part in (("whole", 1), ("half", 2), ("quarter", 4), ("eighth", 8)):
            print(f"Pillow  size={name:33} {pillow(path, part):7.1f}")


if __name__ == "__main__":
    main()
