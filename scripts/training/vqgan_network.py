"""The autoencoder of taming-transformers in plain PyTorch, for training where there is no libctorch.

The names and the arithmetic are those of vqgan/vqgan.py, from which the Go packages run it; the test
beside this file compares the two. It computes in the dtype of its input, with float32 weights.
"""

import dataclasses

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclasses.dataclass
class Sizes:
    """The fields of taming's ddconfig, and those of the codebook."""

    channels: int = 32
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 1
    groups: int = 8
    z_channels: int = 64
    embedding_dimension: int = 16
    codebook_size: int = 2048


class Conv2d(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class GroupNorm(nn.GroupNorm):
    def __init__(self, groups: int, channels: int):
        super().__init__(groups, channels, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


class ResidualBlock(nn.Module):
    def __init__(self, channels: int, out: int, groups: int):
        super().__init__()
        self.norm1, self.conv1 = GroupNorm(groups, channels), Conv2d(channels, out, 3, padding=1)
        self.norm2, self.conv2 = GroupNorm(groups, out), Conv2d(out, out, 3, padding=1)
        if channels != out:
            self.nin_shortcut = Conv2d(channels, out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class SpatialAttention(nn.Module):
    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.norm = GroupNorm(groups, channels)
        for name in ("q", "k", "v", "proj_out"):
            setattr(self, name, Conv2d(channels, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(x)
        q, k, v = (each(h).flatten(2).transpose(1, 2).unsqueeze(1) for each in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.squeeze(1).transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """The blocks of one resolution, and the change to the next."""

    def __init__(self, channels: int, out: int, blocks: int, groups: int):
        super().__init__()
        self.block = nn.ModuleList(ResidualBlock(channels if i == 0 else out, out, groups) for i in range(blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.block:
            x = block(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class Middle(nn.Module):
    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels, groups)
        self.attn_1 = SpatialAttention(channels, groups)
        self.block_2 = ResidualBlock(channels, channels, groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder(nn.Module):
    def __init__(self, sizes: Sizes):
        super().__init__()
        widths = [sizes.channels * multiplier for multiplier in sizes.multipliers]
        self.conv_in = Conv2d(3, sizes.channels, 3, padding=1)
        self.down = nn.ModuleList()
        channels = sizes.channels
        for i, width in enumerate(widths):
            level = Level(channels, width, sizes.blocks, sizes.groups)
            if i < len(widths) - 1:
                level.downsample = Downsample(width)
            self.down.append(level)
            channels = width
        self.mid = Middle(channels, sizes.groups)
        self.norm_out = GroupNorm(sizes.groups, channels)
        self.conv_out = Conv2d(channels, sizes.z_channels, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        h = self.conv_in(image)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, sizes: Sizes):
        super().__init__()
        widths = [sizes.channels * multiplier for multiplier in sizes.multipliers]
        channels = widths[-1]
        self.conv_in = Conv2d(sizes.z_channels, channels, 3, padding=1)
        self.mid = Middle(channels, sizes.groups)
        levels = {}
        for i in reversed(range(len(widths))):
            levels[i] = Level(channels, widths[i], sizes.blocks + 1, sizes.groups)
            channels = widths[i]
            if i > 0:
                levels[i].upsample = Upsample(channels)
        # Numbered from the highest resolution, used from the lowest.
        self.up = nn.ModuleList(levels[i] for i in range(len(widths)))
        self.norm_out = GroupNorm(sizes.groups, channels)
        self.conv_out = Conv2d(channels, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Quantizer(nn.Module):
    def __init__(self, sizes: Sizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes.codebook_size, sizes.embedding_dimension)
        nn.init.uniform_(self.embedding.weight, -1 / sizes.codebook_size, 1 / sizes.codebook_size)

    def nearest(self, z: torch.Tensor) -> torch.Tensor:
        """z float32 [N, C, h, w] -> the indices of the nearest rows, [N, h, w]."""
        n, channels, height, width = z.shape
        flat, codebook = z.permute(0, 2, 3, 1).reshape(-1, channels), self.embedding.weight
        distances = codebook.square().sum(1) - 2 * flat @ codebook.t()
        return distances.argmin(1).view(n, height, width)

    def embed(self, indices: torch.Tensor) -> torch.Tensor:
        return self.embedding(indices).permute(0, 3, 1, 2).contiguous()


class VQGAN(nn.Module):
    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)
        self.quantizer = Quantizer(sizes)
        self.quant_conv = Conv2d(sizes.z_channels, sizes.embedding_dimension, 1)
        self.post_quant_conv = Conv2d(sizes.embedding_dimension, sizes.z_channels, 1)

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """image [N, 3, H, W] in [-1, 1] -> z float32 [N, C, h, w], not quantized."""
        return self.quant_conv(self.encoder(image).float())

    def decode(self, z_q: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(z_q))

    def tokens(self, image: torch.Tensor) -> torch.Tensor:
        """image [N, 3, H, W] in [-1, 1] -> int64 [N, h, w]."""
        return self.quantizer.nearest(self.encode(image))

    def picture(self, tokens: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """int64 [N, h, w] -> float32 [N, 3, H, W] in [-1, 1]."""
        return self.decode(self.quantizer.embed(tokens).to(dtype)).float().clamp(-1, 1)


def initialize(model: VQGAN) -> None:
    """Variance-preserving convolutions, residual branches near zero. From PyTorch's default, which
    shrinks the signal at each layer, outlines are learned at once and colors only much later."""
    for module in model.modules():
        if isinstance(module, Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, ResidualBlock):
                module.conv2.weight *= 0.1
            elif isinstance(module, SpatialAttention):
                module.proj_out.weight *= 0.1


@torch.no_grad()
def normalize_scale(model: VQGAN) -> None:
    """Makes the codebook's mean square 1, and puts the factor into the convolutions around it. The model
    computes the same, and a step on a latent means the same for every training run."""
    codebook = model.quantizer.embedding.weight
    scale = codebook.square().mean().sqrt().clamp_min(1e-6)
    for weight in (codebook, model.quant_conv.weight, model.quant_conv.bias):
        weight /= scale
    model.post_quant_conv.weight *= scale
