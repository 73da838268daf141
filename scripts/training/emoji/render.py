"""Renders the open emoji sets to small RGBA pictures for training and evaluation.

    python scripts/training/emoji/render.py [--output .cache/emoji] [--node-modules DIR] [--size 96]

Without --node-modules the packages of package.json are installed (npm, no install scripts run).
Writes emoji.npz, one uint8 array [N, size, size, 4] for each style (straight alpha), and
emoji.json: {"styles": {style: [code, ...]}, "names": {code: {"label", "tags", "group"}}}, the
codes in the order of the arrays. A skin-tone variant has a code of its own and no entry in names.
"""

import argparse
import io
import json
import multiprocessing
import os
import shutil
import subprocess

import numpy
import resvg_py
from PIL import Image

import sources

HERE = os.path.dirname(os.path.abspath(__file__))


def install_packages(folder):
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, "package.json"), folder)
    subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
    )
    return os.path.join(folder, "node_modules")


def render(drawing):
    """One drawing, centered on a transparent square canvas."""
    code, svg, size = drawing
    if svg.startswith("<"):
        arguments = {"svg_string": svg}
    else:
        arguments = {"svg_path": svg}
    # Width and height bound the picture; resvg keeps its proportions.
    png = resvg_py.svg_to_bytes(skip_system_fonts=True, width=size, height=size, **arguments)
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    if picture.size != (size, size):
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
        canvas = Image.new("RGBA", (size, size), (0, 0, 0, 0))
        canvas.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
        picture = canvas
    return code, numpy.asarray(picture)


def render_style(pool, modules, style, codes, size):
    drawings = {}
    for code, svg in sources.list_drawings(modules, style):
        if sources.without_skin_tone(code) in codes:
            drawings.setdefault(code, (code, svg, size))
    rendered = pool.map(render, list(drawings.values()), chunksize=32)
    # A file that draws nothing would be a label without a picture.
    rendered = [(code, pixels) for code, pixels in rendered if pixels[..., 3].any()]
    return [code for code, _ in rendered], numpy.stack([pixels for _, pixels in rendered])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default=".cache/emoji")
    parser.add_argument("--node-modules", help="folder that already holds the npm packages")
    parser.add_argument("--size", type=int, default=96, help="side of the square pictures, pixels")
    arguments = parser.parse_args()

    os.makedirs(arguments.output, exist_ok=True)
    modules = arguments.node_modules or install_packages(arguments.output)
    names = sources.read_names(modules)
    codes = set(names)
    styles, arrays = {}, {}
    with multiprocessing.Pool() as pool:
        for style in sources.STYLES:
            styles[style], arrays[style] = render_style(
                pool, modules, style, codes, arguments.size
            )
            base = sum(code in codes for code in styles[style])
            print(f"{style}: {len(styles[style])} pictures, {base} without skin tone", flush=True)
    numpy.savez(os.path.join(arguments.output, "emoji.npz"), **arrays)
    with open(os.path.join(arguments.output, "emoji.json"), "w", encoding="utf-8") as file:
        json.dump({"styles": styles, "names": names}, file, ensure_ascii=False)


if __name__ == "__main__":
    main()
