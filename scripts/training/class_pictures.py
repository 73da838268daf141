"""Pictures that a classifier sees its classes in, made from its weights alone (Yin et al. 2020, "Dreaming to Distill:
Data-free Knowledge Transfer via DeepInversion"): they stand for the photographs that it was trained on.
"""

import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from efficientnet_lite import MEAN, STD, EfficientNetLite0

# Weights of the terms, for pixels normalized to about unit deviation.
STATISTICS, VARIATION, ENERGY = 0.3, 8e-2, 3e-4


class Statistics:
    """The distance of a batch's means and deviations, at each normalization, from those of the training."""

    def __init__(self, model: nn.Module):
        self.terms = []
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        self.hooks = [norm.register_forward_hook(self.measure) for norm in norms]

    def measure(self, norm: nn.BatchNorm2d, inputs, _) -> None:
        x = inputs[0].float()
        variance, mean = torch.var_mean(x, (0, 2, 3))
        deviation = (norm.running_var.float() + 1e-3).sqrt()
        # Relative to the deviation, so that all layers count alike.
        self.terms.append((((mean - norm.running_mean.float()) / deviation) ** 2).mean()
                          + (((variance + 1e-3).sqrt() / deviation - 1) ** 2).mean())

    def take(self) -> torch.Tensor:
        total, self.terms = torch.stack(self.terms).sum(), []
        return total

    def close(self) -> None:
        for hook in self.hooks:
            hook.remove()


def total_variation(x: torch.Tensor) -> torch.Tensor:
    """The mean squared difference of neighbors."""
    return ((x[..., 1:] - x[..., :-1]) ** 2).mean() + ((x[..., 1:, :] - x[..., :-1, :]) ** 2).mean()


def smooth_noise(n: int, side: int, device) -> torch.Tensor:
    """Noise with as much in large shapes as in small ones, as photographs have."""
    x = 0
    for cells in (2, 4, 8, 16, side):
        x = x + F.interpolate(torch.randn(n, 3, cells, cells, device=device), size=side, mode="bilinear") * 0.4
    return x


def class_pictures(teacher: EfficientNetLite0, labels: torch.Tensor, side: int, steps: int, dtype=torch.bfloat16,
                   rate: float = 0.1, batch: int = 500, seconds: float = float("inf")) -> torch.Tensor:
    """uint8 [N, 3, side, side] on the CPU, one picture for each label. Each batch takes `steps` steps, or fewer to be done
    with all in so many seconds."""
    device = labels.device
    statistics = Statistics(teacher)
    parts = labels.split(batch)
    results, began = [], time.monotonic()
    for number, part in enumerate(parts):
        x = smooth_noise(len(part), side, device).requires_grad_()
        optimizer = torch.optim.Adam([x], lr=rate, betas=(0.5, 0.9))
        started = time.monotonic()
        allowed = max((seconds - (started - began)) / (len(parts) - number), 1e-3)
        step, progress = 0, 0.0
        while progress < 1:
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - progress) ** 0.5
            dx, dy = torch.randint(-8, 9, (2,)).tolist()
            view = torch.roll(x, (dx, dy), (2, 3))
            if torch.rand(()) < 0.5:
                view = view.flip(3)
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                logits = teacher(view.to(memory_format=torch.channels_last))
            loss = (F.cross_entropy(logits.float(), part, label_smoothing=0.05) + STATISTICS * statistics.take()
                    + VARIATION * total_variation(x) + ENERGY * x.square().mean())
            optimizer.zero_grad(set_to_none=True)
            (loss * len(part)).backward()
            optimizer.step()
            with torch.no_grad():
                x.clamp_(-MEAN / STD, (1 - MEAN) / STD)
            step += 1
            if step % 4 == 1:
                loss.item()  # waits for the device, so that the time is true
            progress = max(step / steps, (time.monotonic() - started) / allowed)
        results.append(((x.detach() * STD + MEAN) * 255).round().clamp(0, 255).to(torch.uint8).cpu())
    statistics.close()
    return torch.cat(results)
