"""The parts of a guided step in plain PyTorch, for references and as a peer to measure against."""

import torch
import torch.nn.functional as F


class ClampWithGradient(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient * (gradient * (x - x.clamp(0, 1)) >= 0)


def cutouts(picture, warps, colors, levels, noise, side):
    """Pieces of [1, 3, H, W], each by its homography and color map, with noise."""
    centers = (2 * torch.arange(side, device=picture.device) + 1) / side - 1
    y, x = torch.meshgrid(centers, centers, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1).reshape(-1, 3)
    mapped = torch.einsum("nij,pj->npi", warps, points)
    grid = (mapped[..., :2] / mapped[..., 2:]).reshape(len(warps), side, side, 2)
    cut = F.grid_sample(picture.expand(len(warps), -1, -1, -1), grid, padding_mode="border",
                        align_corners=False)
    cut = torch.einsum("nij,njhw->nihw", colors[:, :, :3], cut) + colors[:, :, 3, None, None]
    return cut + noise * levels[:, None, None, None]
