"""Renders emoji artwork to a folder of small PNG pictures, a subfolder for each group of emoji.

    python scripts/training/emoji/pictures.py [--output .cache/emoji-pictures] [--size 32]

Writes OUTPUT/train/GROUP/STYLE-CODE.png and OUTPUT/test/GROUP/STYLE-CODE.png, on white. Every fifth
emoji of a group, in all its styles, is in test, so that no emoji is in both. Twemoji, which the
embedded models are judged by, is left out.
"""

import argparse
import multiprocessing
import os

from PIL import Image

import render
import sources

STYLES = ("fluent_flat", "noto", "openmoji_color")
# Emojibase's groups by number; 2 is single parts of emoji.
GROUPS = {
    0: "faces",
    1: "people",
    3: "animals",
    4: "food",
    5: "travel",
    6: "activities",
    7: "objects",
    8: "symbols",
    9: "flags",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default=".cache/emoji-pictures")
    parser.add_argument("--node-modules", help="folder that already holds the npm packages")
    parser.add_argument("--size", type=int, default=32, help="side of the square pictures, pixels")
    arguments = parser.parse_args()

    modules = arguments.node_modules or render.install_packages(
        os.path.join(arguments.output, "packages")
    )
    names = sources.read_names(modules)
    splits, counts = {}, {}
    for code in sorted(names):
        group = GROUPS.get(names[code]["group"])
        if group is not None:
            counts[group] = counts.get(group, 0) + 1
            splits[code] = ("test" if counts[group] % 5 == 0 else "train", group)
    with multiprocessing.Pool() as pool:
        for style in STYLES:
            drawings = {}
            for code, svg in sources.list_drawings(modules, style):
                if code in splits:
                    drawings.setdefault(code, (code, svg, arguments.size))
            for code, pixels in pool.map(render.render, list(drawings.values()), chunksize=32):
                if not pixels[..., 3].any():
                    continue
                folder = os.path.join(arguments.output, *splits[code])
                os.makedirs(folder, exist_ok=True)
                picture = Image.new("RGBA", (arguments.size, arguments.size), "white")
                picture.alpha_composite(Image.fromarray(pixels))
                picture.convert("RGB").save(os.path.join(folder, f"{style}-{code}.png"))
            print(f"{style}: {len(drawings)} pictures", flush=True)


if __name__ == "__main__":
    main()
