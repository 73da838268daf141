"""Renders drawings of unknown quality: each in at most some seconds, its margins cut off."""

import io
import signal
from pathlib import Path

import numpy
import resvg_py
from PIL import Image

SECONDS = 10
# Rendered at first with this side, for the margins go.
LARGE = 320
MARGIN = 0.03


class TooLong(Exception):
    pass


def give_up(*_):
    raise TooLong


def render(task: tuple[str, str, int]) -> tuple[str, numpy.ndarray | None]:
    """RGBA [side, side, 4] of the drawing, or None if it cannot be rendered or shows nothing."""
    name, path, side = task
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        png = resvg_py.svg_to_bytes(svg_path=path, skip_system_fonts=True, width=LARGE, height=LARGE, dpi=96)
        picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
        return name, cut_margins(picture, side)
    except (Exception, TooLong) as error:  # what resvg raises depends on what is wrong with the file
        print(f"{name}: left out: {str(error)[:80]}", flush=True)
        return name, None
    finally:
        signal.alarm(0)


def cut_margins(picture: Image.Image, side: int) -> numpy.ndarray | None:
    box = picture.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox()
    if box is None:
        return None
    drawn = picture.crop(box)
    colors = numpy.asarray(drawn)
    if drawn.width < 8 or drawn.height < 8 or (colors[..., 3] > 32).mean() < 0.01:
        return None
    white = colors[..., :3].min(-1) > 245
    if (white | (colors[..., 3] < 32)).mean() > 0.995:
        return None  # white on nothing
    inner = round(side * (1 - 2 * MARGIN))
    scale = inner / max(drawn.size)
    drawn = drawn.resize((max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))),
                         Image.Resampling.BICUBIC)
    canvas = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    canvas.paste(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return numpy.asarray(canvas)


def render_drawings(pool, folder: Path, paths: list[str], side: int) -> dict[str, numpy.ndarray]:
    tasks = [(path, str(folder / path), side) for path in paths]
    return {path: pixels for path, pixels in pool.imap(render, tasks, chunksize=8) if pixels is not None}
