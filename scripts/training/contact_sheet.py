"""Pictures side by side in one PNG, with a line of text under each row where there is one."""

import torch
from PIL import Image, ImageDraw


def save_sheet(rows: list[torch.Tensor], path, titles: list[str] | None = None) -> None:
    """Writes rows of pictures, each [n, 3, s, s] in [-1, 1] on the CPU, and the title of each row above it."""
    side, line = rows[0].shape[-1], 14 if titles else 0
    sheet = Image.new("RGB", (max(len(row) for row in rows) * side, len(rows) * (side + line)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        top = i * (side + line)
        if titles:
            draw.text((2, top + 1), titles[i].encode("latin-1", "replace").decode("latin-1"), fill="black")
        levels = ((row.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        for j, picture in enumerate(levels):
            sheet.paste(Image.fromarray(picture), (j * side, top + line))
    temporary = path.with_name(path.name + ".tmp")
    sheet.save(temporary, format="PNG")
    temporary.replace(path)
