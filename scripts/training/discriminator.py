"""The patch discriminator of VQGAN's training (PatchGAN, "Image-to-Image Translation with
Conditional Adversarial Networks", Isola et al. 2017): one logit for each overlapping patch."""

import torch
import torch.nn as nn


class PatchDiscriminator(nn.Module):
    """`layers` strided convolutions of 4x4, then one of stride 1 and the logits."""

    def __init__(self, image_channels: int = 3, filters: int = 64, layers: int = 3):
        super().__init__()
        modules = [nn.Conv2d(image_channels, filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = filters
        for i in range(1, layers + 1):
            wider = filters * min(2 ** i, 8)
            modules += [
                # BatchNorm has a bias of its own.
                nn.Conv2d(channels, wider, 4, stride=2 if i < layers else 1, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.LeakyReLU(0.2),
            ]
            channels = wider
        modules.append(nn.Conv2d(channels, 1, 4, padding=1))
        self.layers = nn.Sequential(*modules)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layers(image)
