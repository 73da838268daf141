"""Writes docs/generated.png: what `clipvqgan generate` makes of some prompts, enlarged.

    make && .venv/bin/python scripts/training/readme_pictures.py
"""

import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ["a slice of pizza", "red heart", "smiling face with sunglasses", "rocket",
           "sunflower", "frog", "strawberry", "snowman"]
SEED = 7
SIDE, GAP, LABEL, COLUMNS = 192, 12, 18, 4


def main() -> None:
    rows = -(-len(PROMPTS) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, rows * (SIDE + LABEL + GAP) + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    with tempfile.TemporaryDirectory() as folder:
        for i, prompt in enumerate(PROMPTS):
            path = Path(folder) / "picture.png"
            done = subprocess.run([ROOT / "bin/clipvqgan", "generate", prompt, "-o", path, "--seed", str(SEED)],
                                  check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            print(done.stdout, end="")
            left = GAP + i % COLUMNS * (SIDE + GAP)
            top = GAP + i // COLUMNS * (SIDE + LABEL + GAP)
            sheet.paste(Image.open(path).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, top))
            pen.text((left, top + SIDE + 4), prompt, fill="black")
    sheet.save(ROOT / "docs/generated.png", optimize=True)


if __name__ == "__main__":
    main()
