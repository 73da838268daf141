"""Augmentation of a whole batch at once: RGBA pictures to RGB ones on varied backgrounds, under the
distortions that guided generation's cutouts make (affine, perspective, crops, jitter, noise)."""

import math

import torch
import torch.nn.functional as F


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(n) * (high - low) + low


def sampling_grid(n: int, side: int, gentle: torch.Tensor) -> torch.Tensor:
    """[n, side, side, 2]: for each pixel of the result, the place of the drawing it shows."""
    strength = torch.where(gentle, 0.3, 1.0)
    kind = torch.rand(n)
    zoom = torch.exp(uniform(n, math.log(0.7), math.log(1.1)))
    zoom = torch.where(kind > 0.8, uniform(n, 1.1, 1.6), zoom)
    zoom = torch.where(kind > 0.93, uniform(n, 0.5, 0.8), zoom)
    zoom = torch.where(gentle, uniform(n, 0.8, 1.03), zoom)
    angle = torch.randn(n) * math.radians(9) * strength
    aspect = torch.exp(torch.randn(n) * 0.08 * strength)
    shear = torch.randn(n) * 0.08 * strength
    shift = (0.1 + 0.6 * (1 - 1 / zoom).abs()) * strength
    shift = (torch.rand(n, 2) * 2 - 1) * shift[:, None]
    perspective = torch.randn(n, 2) * 0.1 * (torch.rand(n, 1) < 0.4) * strength[:, None]

    line = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    x, y = x[None], y[None]
    depth = 1 + perspective[:, 0, None, None] * x + perspective[:, 1, None, None] * y
    cos, sin = (angle.cos() / zoom)[:, None, None], (angle.sin() / zoom)[:, None, None]
    aspect, shear = aspect[:, None, None], shear[:, None, None]
    u = (cos * x - sin * y) * aspect + shear * y
    v = (sin * x + cos * y) / aspect
    # Smooth warps: the same thing in another artist's proportions.
    amount = uniform(n, 0, 0.1) * strength.clamp(min=0.6)
    warp = torch.randn(n, 2, 4, 4) * amount[:, None, None, None]
    warp = F.interpolate(warp, size=side, mode="bilinear", align_corners=True)
    grid = torch.stack([u / depth + warp[:, 0], v / depth + warp[:, 1]], dim=-1)
    return grid + shift[:, None, None]


def backgrounds(n: int, side: int, monochrome: torch.Tensor, gentle: torch.Tensor) -> torch.Tensor:
    """[n, 3, side, side]: white most often, else gray levels, colors, gradients, soft noise. Black
    line art (monochrome) gets light ones, on which it stays visible."""
    kind = torch.rand(n, 1, 1, 1) * ~gentle[:, None, None, None]
    color = torch.rand(n, 3, 1, 1)
    gray = torch.rand(n, 1, 1, 1).expand(n, 3, 1, 1)
    corners = torch.rand(n, 3, 2, 2)
    patches = torch.rand(n, 3, 6, 6)
    result = torch.ones(n, 3, side, side)
    result = torch.where(kind > 0.5, gray, result)
    result = torch.where(kind > 0.6, color, result)
    smooth = F.interpolate(corners, size=side, mode="bilinear", align_corners=True)
    result = torch.where(kind > 0.78, smooth, result)
    rough = F.interpolate(patches, size=side, mode="bicubic").clamp(0, 1)
    result = torch.where(kind > 0.9, rough, result)
    return torch.where(monochrome[:, None, None, None], 0.6 + 0.4 * result, result)


def jitter_colors(x: torch.Tensor) -> torch.Tensor:
    n = x.shape[0]
    gray = (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    saturation = torch.where(torch.rand(n) < 0.04, torch.zeros(n), uniform(n, 0.6, 1.4))
    contrast, brightness = uniform(n, 0.75, 1.2), uniform(n, -0.1, 0.1)
    tint = 1 + (torch.rand(n, 3, 1, 1) - 0.5) * 0.2
    x = gray + (x - gray) * saturation[:, None, None, None]
    x = (x - 0.5) * contrast[:, None, None, None] + 0.5 + brightness[:, None, None, None]
    return x * tint


def rotate_hue(x: torch.Tensor, recolorable: torch.Tensor) -> torch.Tensor:
    """Turns colors about the gray axis: a little, and for some of the recolorable by any angle."""
    n = x.shape[0]
    angle = torch.randn(n) * 0.12
    free = recolorable & (torch.rand(n) < 0.3)
    angle = torch.where(free, uniform(n, -math.pi, math.pi), angle)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3 ** 0.5
    rotation = cos * torch.eye(3) + sin * cross + (1 - cos) / 3
    return (rotation @ x.flatten(2)).view_as(x)


def soften(x: torch.Tensor) -> torch.Tensor:
    """A blur of some, by three box filters' worth at most."""
    blurred = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    softer = F.avg_pool2d(blurred, 3, stride=1, padding=1, count_include_pad=False)
    kind = torch.rand(x.shape[0], 1, 1, 1)
    return torch.where(kind < 0.15, blurred, torch.where(kind > 0.94, softer, x))


def erase(x: torch.Tensor) -> torch.Tensor:
    """Hides one rectangle of some pictures behind a color."""
    n, _, side, _ = x.shape
    center, half = torch.rand(n, 2) * side, uniform(n, 0.05, 0.17)[:, None] * side
    half = half * torch.exp(torch.randn(n, 2) * 0.3) * (torch.rand(n, 1) < 0.25)
    line = torch.arange(side)
    rows = (line[None] - center[:, :1]).abs() < half[:, :1]
    columns = (line[None] - center[:, 1:]).abs() < half[:, 1:]
    hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
    return torch.where(hidden, torch.rand(n, 3, 1, 1), x)


def augment(rgba: torch.Tensor, side: int, monochrome: torch.Tensor, recolorable: torch.Tensor,
            gentle_share: float = 0.0, boxes: torch.Tensor | None = None) -> torch.Tensor:
    """uint8 [N, 4, s, s] with straight alpha -> float [N, 3, side, side] in [0, 1].

    Recolorable are those whose name stays true in any color. The gentle share stays close to the
    drawing as it is, on white. boxes [N, 3] are the squares that are looked at: center and half side, the
    whole drawing being from -1 to 1. Random numbers come from torch's default device, which is the pictures'.
    """
    n = rgba.shape[0]
    gentle = torch.rand(n) < gentle_share
    drawing = rgba.float() / 255
    alpha = drawing[:, 3:]
    drawing = torch.cat([drawing[:, :3] * alpha, alpha], dim=1)
    grid = sampling_grid(n, side, gentle)
    if boxes is not None:
        grid = grid * boxes[:, None, None, 2:] + boxes[:, None, None, :2]
    drawing = F.grid_sample(drawing, grid, align_corners=False)
    drawing[:, :3] = rotate_hue(drawing[:, :3], recolorable).clamp(min=0)
    x = drawing[:, :3] + (1 - drawing[:, 3:]) * backgrounds(n, side, monochrome, gentle)
    rough = ~gentle
    some = x[rough]
    inverted = monochrome[rough] & (torch.rand(len(some)) < 0.25)
    some = torch.where(inverted[:, None, None, None], 1 - some, some)
    some = erase(soften(jitter_colors(some)))
    noise = torch.rand(len(some), 1, 1, 1) * 0.1 * (torch.rand(len(some), 1, 1, 1) < 0.4)
    x[rough] = some + noise * torch.randn_like(some)
    return x.clamp(0, 1)
