"""Drawings of one color in other colors, with the colors' names: "a blue apple" is then something to learn from."""

import math

import torch

# Hue in degrees, factor of the saturation, and of the value.
COLORS = {
    "red": (0, 1.0, 1.0), "orange": (28, 1.1, 1.0), "yellow": (52, 1.1, 1.1), "green": (125, 1.0, 0.9),
    "blue": (218, 1.0, 1.0), "purple": (275, 0.9, 0.9), "pink": (335, 0.55, 1.15), "brown": (24, 0.9, 0.6),
    "black": (0, 0.0, 0.3), "gray": (0, 0.0, 0.8), "white": (0, 0.05, 1.25),
}
# Those by which a drawing's own color is called.
HUES = ("red", "orange", "yellow", "green", "blue", "purple")


def to_hsv(rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """[N, 3, h, w] in [0, 1] -> hue in turns, saturation and value, each [N, h, w]."""
    value, least = rgb.amax(1), rgb.amin(1)
    spread = value - least
    r, g, b = ((value[:, None] - rgb) / spread.clamp_min(1e-6)[:, None]).unbind(1)
    hue = torch.where(value == rgb[:, 0], b - g, torch.where(value == rgb[:, 1], 2 + r - b, 4 + g - r)) / 6
    return hue % 1, spread / value.clamp_min(1e-6), value


def from_hsv(hue: torch.Tensor, saturation: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """The inverse of to_hsv, [N, 3, h, w]."""
    channels = []
    for n in (5, 3, 1):
        k = (n + hue * 6) % 6
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


def dominant_hue(rgba: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 [N, 4, s, s] -> the main hue in turns, [N], and whether most of the drawing has it, bool [N]."""
    x = rgba.float() / 255
    hue, saturation, value = to_hsv(x[:, :3])
    visible = x[:, 3].flatten(1)
    mass = (saturation * value).flatten(1) * visible
    angle = hue.flatten(1) * 2 * math.pi
    center = torch.atan2((mass * angle.sin()).sum(1), (mass * angle.cos()).sum(1)) / (2 * math.pi) % 1
    away = (hue.flatten(1) - center[:, None] + 0.5) % 1 - 0.5
    colored = mass.sum(1) / visible.sum(1).clamp_min(1)
    alike = (mass * (away.abs() < 0.09)).sum(1) / mass.sum(1).clamp_min(1e-6)
    return center, (colored > 0.3) & (alike > 0.75)


def name_of_hue(turns: float) -> str:
    """The color's name, or nothing if the hue lies between two."""
    for name in HUES:
        if abs((turns - COLORS[name][0] / 360 + 0.5) % 1 - 0.5) < 0.04:
            return name
    return ""


def recolored(rgba: torch.Tensor, hue: torch.Tensor, colors: list[str]) -> torch.Tensor:
    """uint8 [N, 4, s, s] whose main hue is given, each in the color that is named for it."""
    x = rgba.float() / 255
    own, saturation, value = to_hsv(x[:, :3])
    wanted = torch.tensor([COLORS[name] for name in colors], device=rgba.device)
    turn = (wanted[:, 0] / 360 - hue)[:, None, None]
    # Only what has the main hue changes: an apple's leaf stays green.
    near = (((own - hue[:, None, None] + 0.5) % 1 - 0.5).abs() < 0.12).float()
    new = from_hsv((own + turn) % 1, (saturation * wanted[:, 1, None, None]).clamp(0, 1),
                   (value * wanted[:, 2, None, None]).clamp(0, 1))
    color = x[:, :3] + near[:, None] * (new - x[:, :3])
    return (torch.cat([color, x[:, 3:]], 1) * 255).round().to(torch.uint8)
