"""Decodes the training folder's pictures once for all trainings, in several processes, without PyTorch."""

import gzip
import io
import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy
from PIL import Image

# The trainings that a driver starts wait for the file that this names.
CACHE = "TRAINING_PICTURES"
PATIENCE = 90


def read_index(folder) -> dict:
    path = Path(folder) / "pack.json.gz"
    if not path.is_file():
        raise SystemExit(f"error: {folder} is no training folder: it has no pack.json.gz (see scripts/training/pack)")
    return json.loads(gzip.decompress(path.read_bytes()).decode("utf-8"))


def decode_rows(task) -> None:
    """Writes some pictures into an array file [N, 4, side, side]."""
    folder, path, rows = task
    array = numpy.load(path, mmap_mode="r+")
    with open(Path(folder) / "pictures.bin", "rb") as file:
        for row, offset, size in rows:
            file.seek(offset)
            array[row] = numpy.asarray(Image.open(io.BytesIO(file.read(size))).convert("RGBA")).transpose(2, 0, 1)


def decode(folder, path: Path, processes: int) -> None:
    """Writes path, a .npy file: uint8 [N, 4, side, side]. It is there when it is whole."""
    index = read_index(folder)
    items, side = index["pictures"], index["side"]
    partial = path.with_suffix(".partial.npy")
    numpy.lib.format.open_memmap(partial, "w+", numpy.uint8, (len(items), 4, side, side)).flush()
    places = [(row, item["offset"], item["size"]) for row, item in enumerate(items)]
    tasks = [(str(folder), str(partial), places[start::4 * processes]) for start in range(4 * processes)]
    with multiprocessing.Pool(processes) as pool:
        for _ in pool.imap_unordered(decode_rows, tasks):
            pass  # takes the exceptions
    os.replace(partial, path)


def decoded_by_driver() -> numpy.ndarray | None:
    """What the driver decodes, when it is there; None without a driver, or if it takes too long."""
    path = os.environ.get(CACHE)
    began = time.monotonic()
    while path and time.monotonic() - began < PATIENCE:
        if os.path.exists(path):
            return numpy.load(path, mmap_mode="c")
        time.sleep(0.05)
    return None
