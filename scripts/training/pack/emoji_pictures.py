"""The emoji sets as pictures for the pack: the SVG sets, rendered, and Fluent's 3D set, which is WebP."""

import hashlib
import os
import re
import sys
from pathlib import Path

import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emoji"))
import sources  # noqa: E402
from render import render  # noqa: E402

FLUENT_3D = "fluent_3d"
SVG_STYLES = [style for style in sources.STYLES if style != sources.HELD_OUT_STYLE]
LINE_ART = ("fluent_high_contrast", "openmoji_black")
# One emoji in so many has one of its styles set aside for validation.
VALIDATION_SHARE = 12
# Emoji that stay themselves in a mirror: animals, food, places, activities and objects (emojibase's
# groups), but for those that point somewhere or show a time or writing.
MIRRORED_GROUPS = (3, 4, 5, 6, 7)
NOT_MIRRORED = re.compile(r"left|right|facing|clock|thirty|pen|calendar|note|phone|input|key|chart|"
                          r"sign|flag|letter|book|card|yen|dollar|euro|pound|atm")
# People and what people make come in all colors, where the name does not say which.
RECOLORED_GROUPS = (1, 5, 6, 7)
COLORS = re.compile(r"red|orange|yellow|green|blue|purple|brown|black|white|pink|grey|blond|gold|"
                    r"fire|moon|sun|star|earth|globe|dollar|pound|euro|yen")


def digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "big")


def fluent_3d_files(modules: str) -> dict[str, str]:
    """The WebP file of each code."""
    folder = os.path.join(modules, "@lobehub/fluent-emoji-3d/assets")
    return {sources.normalize(name.removesuffix(".webp")): os.path.join(folder, name)
            for name in sorted(os.listdir(folder)) if name.endswith(".webp")}


def read_square(task: tuple[str, str, int]) -> tuple[str, numpy.ndarray]:
    code, path, side = task
    picture = Image.open(path).convert("RGBA")
    return code, numpy.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))


def emoji_entry(style: str, code: str, name: dict) -> dict:
    label = name["label"].lower()
    group = name["group"]
    return {"source": style, "key": code, "name": label, "keywords": [t.lower() for t in name["tags"]],
            "group": group,
            "mirror": group in MIRRORED_GROUPS and not NOT_MIRRORED.search(label),
            "recolor": group in RECOLORED_GROUPS and not COLORS.search(label),
            "line_art": style in LINE_ART}


def set_validation_aside(entries: list[dict]) -> None:
    """Gives each entry its split. A validation picture shows an emoji that training sees in another style."""
    by_code = {}
    for entry in entries:
        by_code.setdefault(entry["key"], []).append(entry)
        entry["split"] = "train"
    for code, same in by_code.items():
        if digest(code) % VALIDATION_SHARE == 0 and len(same) > 1:
            same[digest(code + " style") % len(same)]["split"] = "validation"


def emoji_pictures(pool, modules: str, side: int, every: int = 1) -> list[tuple[dict, numpy.ndarray]]:
    """Entries of the index with RGBA pictures. `every` takes only each so many-th emoji (samples)."""
    names = sources.read_names(modules)
    wanted = set(sorted(names)[::every])
    pictures = []
    for style in SVG_STYLES:
        drawings = {code: (code, svg, side) for code, svg in sources.list_drawings(modules, style)
                    if code in wanted}
        rendered = pool.map(render, list(drawings.values()), chunksize=16)
        pictures += [(emoji_entry(style, code, names[code]), pixels) for code, pixels in rendered
                     if pixels[..., 3].any()]
        print(f"{style}: {len(rendered)}", flush=True)
    files = [(code, path, side) for code, path in fluent_3d_files(modules).items() if code in wanted]
    pictures += [(emoji_entry(FLUENT_3D, code, names[code]), pixels)
                 for code, pixels in pool.map(read_square, files, chunksize=16)]
    print(f"{FLUENT_3D}: {len(files)}", flush=True)
    set_validation_aside([entry for entry, _ in pictures])
    return pictures
