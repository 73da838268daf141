"""A perceptual distance from the features of an ImageNet classifier, EfficientNet-Lite0."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class PerceptualDistance(nn.Module):
    """LPIPS without learned weights ("The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    Zhang et al. 2018, equation 1): squared differences of features whose channels were scaled to unit length at
    each place, the mean over places, summed over channels, the mean over stages.

    The trunk is that of efficientnet_lite.py, from which the later stages are taken away.
    """

    # The stem and the first four stages: strides 2, 2, 4, 8 and 16.
    STAGES = (0, 1, 2, 3, 4)

    def __init__(self, trunk: nn.Module, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.trunk, self.dtype = trunk.requires_grad_(False).eval(), dtype
        # The stages after the last that counts.
        trunk.stage_ends = trunk.stage_ends[:max(self.STAGES)]
        trunk._blocks = trunk._blocks[:trunk.stage_ends[-1]]

    def features(self, picture: torch.Tensor) -> list[torch.Tensor]:
        # EfficientNet-Lite takes (level - 127) / 128 for levels 0..255.
        x = (picture * 127.5 + 0.5) / 128
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            stages = self.trunk.stages(x)
        return [F.normalize(stages[i].float(), dim=1, eps=1e-3) for i in self.STAGES]

    def forward(self, picture: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """picture, target [N, 3, H, W] in [-1, 1] -> [N], the gradient in the picture only."""
        with torch.no_grad():
            wanted = self.features(target)
        found = self.features(picture)
        return torch.stack([(a - b).square().sum(1).mean((1, 2)) for a, b in zip(found, wanted)]).mean(0)
