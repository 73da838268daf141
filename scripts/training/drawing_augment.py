"""Drawings with transparency over backgrounds, a whole batch at once, as the VQGAN and the prior see them."""

import math

import torch
import torch.nn.functional as F


def premultiplied(rgba: torch.Tensor) -> torch.Tensor:
    """uint8 [N, 4, s, s] with straight alpha -> float in [0, 1] with premultiplied colors, so that resampling
    does not pull in the color of transparent pixels."""
    x = rgba.float() / 255
    return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)


def moved(drawing: torch.Tensor, angle, scale, shift, mirrored) -> torch.Tensor:
    """Turns by angle (radians [N]), enlarges by scale [N], shifts by [N, 2] in half sides, mirrors where told."""
    flip = torch.where(mirrored, -1.0, 1.0)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    x, y = -shift[:, 0], -shift[:, 1]
    matrix = torch.stack([torch.stack([cos * flip, -sin * flip, (cos * x - sin * y) * flip], 1),
                          torch.stack([sin, cos, sin * x + cos * y], 1)], 1)
    grid = F.affine_grid(matrix, list(drawing.shape), align_corners=False)
    return F.grid_sample(drawing, grid, align_corners=False)


def over(drawing: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """A premultiplied drawing over a background, of which either may be RGB or premultiplied RGBA."""
    return drawing[:, :background.shape[1]] + background * (1 - drawing[:, 3:])


def on_white(rgba: torch.Tensor) -> torch.Tensor:
    """uint8 [N, 4, s, s] -> [N, 3, s, s] in [-1, 1]."""
    drawing = premultiplied(rgba)
    return over(drawing, torch.ones_like(drawing[:, :3])) * 2 - 1


def uniform(count: int, low: float, high: float, device) -> torch.Tensor:
    return torch.rand(count, device=device) * (high - low) + low


def backgrounds(count: int, side: int, light: torch.Tensor) -> torch.Tensor:
    """[N, 3, side, side]: white mostly, else one color, or a smooth change between four. Light ones where told."""
    device = light.device
    corners = torch.rand(count, 3, 2, 2, device=device)
    smooth = F.interpolate(corners, size=side, mode="bilinear", align_corners=True)
    plain = corners[..., :1, :1].expand(-1, -1, side, side)
    kind = torch.rand(count, 1, 1, 1, device=device)
    result = torch.where(kind < 0.85, plain, smooth)
    result = torch.where(light[:, None, None, None], 0.7 + 0.3 * result, result)
    return torch.where(kind < 0.7, torch.ones_like(result), result)


def augment(rgba: torch.Tensor, mirror: torch.Tensor, line_art: torch.Tensor) -> torch.Tensor:
    """uint8 [N, 4, s, s] -> [N, 3, s, s] in [-1, 1], as an autoencoder should meet drawings: moved, turned, recolored,
    over backgrounds, and now and then two in a picture. mirror and line_art [N] tell what the pack tells."""
    count, device = len(rgba), rgba.device
    drawing = premultiplied(rgba)
    far = torch.rand(count, device=device) < 0.6
    angle = torch.where(far, uniform(count, -0.35, 0.35, device), 0.0)
    scale = torch.where(far, torch.exp(uniform(count, math.log(0.6), math.log(1.3), device)), 1.0)
    shift = (torch.rand(count, 2, device=device) * 2 - 1) * 0.2 * far[:, None]
    mirrored = mirror & (torch.rand(count, device=device) < 0.5)
    drawing = moved(drawing, angle, scale, shift, mirrored)
    # A second drawing, smaller, in front of some.
    second = drawing.roll(1, 0)
    still = torch.zeros(count, device=device)
    second = moved(second, still, uniform(count, 0.35, 0.6, device), (torch.rand(count, 2, device=device) * 2 - 1) * 0.6,
                   torch.zeros_like(mirror))
    joined = torch.rand(count, 1, 1, 1, device=device) < 0.15
    drawing = torch.where(joined, over(second, drawing), drawing)
    # Other colors: a random order of the channels, and darker ones.
    color, alpha = drawing[:, :3], drawing[:, 3:]
    order = torch.rand(count, 3, device=device).argsort(1)
    order = torch.where(torch.rand(count, 1, device=device) < 0.2, order, torch.arange(3, device=device))
    color = color.gather(1, order[:, :, None, None].expand_as(color))
    darker = torch.where(torch.rand(count, 1, 1, 1, device=device) < 0.3, uniform(count, 0.5, 1.0, device)[:, None, None, None],
                         1.0)
    drawing = torch.cat([color * darker, alpha], 1)
    return over(drawing, backgrounds(count, rgba.shape[-1], line_art)).clamp(0, 1) * 2 - 1
