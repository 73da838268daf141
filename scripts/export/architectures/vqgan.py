"""VQGAN as published ("Taming Transformers for High-Resolution Image Synthesis", Esser et al. 2021),
written so that torch.jit.script takes it: any picture size, any floating dtype, forwards and backwards.

Parameters carry the names of CompVis/taming-transformers, so its checkpoints load through
`state_dict_from_taming`. The one renaming is `quantize` -> `quantizer`: `quantize` is a method here.
"""

from typing import Sequence, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F

# The published models, as arguments of VQGAN.
ARCHITECTURES = {
    "f16-1024": dict(
        ch=128, ch_mult=(1, 1, 2, 2, 4), num_res_blocks=2, attn_resolutions=(16,), resolution=256,
        z_channels=256, codebook_size=1024, embedding_dimension=256),
    "f16-16384": dict(
        ch=128, ch_mult=(1, 1, 2, 2, 4), num_res_blocks=2, attn_resolutions=(16,), resolution=256,
        z_channels=256, codebook_size=16384, embedding_dimension=256),
    "gumbel-f8-8192": dict(
        ch=128, ch_mult=(1, 1, 2, 4), num_res_blocks=2, attn_resolutions=(32,), resolution=256,
        z_channels=256, codebook_size=8192, embedding_dimension=256, gumbel=True),
    # The model in models/vqgan.pt. With 32 channels, 32 groups would be one channel a group, which
    # takes the mean brightness out of every feature map; 8 groups keep it.
    "f4-1024-emoji": dict(
        ch=32, ch_mult=(1, 1, 2), num_res_blocks=1, attn_resolutions=(), resolution=64,
        z_channels=64, codebook_size=1024, embedding_dimension=16, norm_groups=8),
}


class ResidualBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, norm_groups: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(norm_groups, in_channels, eps=1e-6)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(norm_groups, out_channels, eps=1e-6)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        # An Identity has no parameters, so the state dict is the same as without it.
        self.nin_shortcut = (
            nn.Identity() if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return self.nin_shortcut(x) + h


class Attention(nn.Module):
    """Single-head self-attention over all positions."""

    def __init__(self, channels: int, norm_groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(norm_groups, channels, eps=1e-6)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(x)
        q = self.q(h).flatten(2).transpose(1, 2).unsqueeze(1)
        k = self.k(h).flatten(2).transpose(1, 2).unsqueeze(1)
        v = self.v(h).flatten(2).transpose(1, 2).unsqueeze(1)
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.squeeze(1).transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # One row below and one column on the right: the published weights depend on this asymmetry.
        return self.conv(F.pad(x, [0, 1, 0, 1]))


class Upsample(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Not F.interpolate: scripted, it brings the code of all its modes, the newest of which no
        # older libtorch can load.
        return self.conv(torch.ops.aten.upsample_nearest2d(x, None, [2.0, 2.0]))


class DownLevel(nn.Module):
    """The blocks of one resolution in the encoder."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int, norm_groups: int,
                 attention: bool, downsample: bool):
        super().__init__()
        self.block = nn.ModuleList(
            ResidualBlock(in_channels if i == 0 else out_channels, out_channels, norm_groups)
            for i in range(blocks))
        self.attn = nn.ModuleList(
            Attention(out_channels, norm_groups) if attention else nn.Identity()
            for _ in range(blocks))
        self.downsample = Downsample(out_channels) if downsample else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block, attention in zip(self.block, self.attn):
            x = attention(block(x))
        return self.downsample(x)


class UpLevel(nn.Module):
    """The blocks of one resolution in the decoder."""

    def __init__(self, in_channels: int, out_channels: int, blocks: int, norm_groups: int,
                 attention: bool, upsample: bool):
        super().__init__()
        self.block = nn.ModuleList(
            ResidualBlock(in_channels if i == 0 else out_channels, out_channels, norm_groups)
            for i in range(blocks))
        self.attn = nn.ModuleList(
            Attention(out_channels, norm_groups) if attention else nn.Identity()
            for _ in range(blocks))
        self.upsample = Upsample(out_channels) if upsample else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block, attention in zip(self.block, self.attn):
            x = attention(block(x))
        return self.upsample(x)


class Middle(nn.Module):
    """The blocks at the lowest resolution, shared in shape by encoder and decoder."""

    def __init__(self, channels: int, norm_groups: int):
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels, norm_groups)
        self.attn_1 = Attention(channels, norm_groups)
        self.block_2 = ResidualBlock(channels, channels, norm_groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder(nn.Module):
    def __init__(self, ch: int, ch_mult: Sequence[int], num_res_blocks: int,
                 attn_resolutions: Sequence[int], resolution: int, z_channels: int,
                 in_channels: int, norm_groups: int):
        super().__init__()
        self.conv_in = nn.Conv2d(in_channels, ch, 3, padding=1)
        levels = []
        channels = ch
        for i, multiplier in enumerate(ch_mult):
            levels.append(DownLevel(
                channels, ch * multiplier, num_res_blocks, norm_groups,
                attention=(resolution >> i) in attn_resolutions, downsample=i < len(ch_mult) - 1))
            channels = ch * multiplier
        self.down = nn.ModuleList(levels)
        self.mid = Middle(channels, norm_groups)
        self.norm_out = nn.GroupNorm(norm_groups, channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, z_channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, ch: int, ch_mult: Sequence[int], num_res_blocks: int,
                 attn_resolutions: Sequence[int], resolution: int, z_channels: int,
                 out_channels: int, norm_groups: int):
        super().__init__()
        channels = ch * ch_mult[-1]
        self.conv_in = nn.Conv2d(z_channels, channels, 3, padding=1)
        self.mid = Middle(channels, norm_groups)
        levels = []
        for i in reversed(range(len(ch_mult))):
            levels.append(UpLevel(
                channels, ch * ch_mult[i], num_res_blocks + 1, norm_groups,
                attention=(resolution >> i) in attn_resolutions, upsample=i > 0))
            channels = ch * ch_mult[i]
        # Stored from high resolution to low, as in the published checkpoints, and run from the end.
        self.up = nn.ModuleList(reversed(levels))
        self.norm_out = nn.GroupNorm(norm_groups, channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, out_channels, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        h = self.mid(self.conv_in(z))
        for level in self.up[::-1]:
            h = level.forward(h)  # TorchScript knows no call on the items of a slice
        return self.conv_out(F.silu(self.norm_out(h)))


class Quantizer(nn.Module):
    """Nearest codebook entry, with the gradient passed straight through.

    The loss is taming's VectorQuantizer2 with its default `legacy=True`: beta weighs the codebook
    term, where the paper (equation 4) has it on the commitment term. `legacy=False` follows the paper.
    """

    def __init__(self, codebook_size: int, dimension: int, beta: float, legacy: bool):
        super().__init__()
        self.embedding = nn.Embedding(codebook_size, dimension)
        nn.init.uniform_(self.embedding.weight, -1.0 / codebook_size, 1.0 / codebook_size)
        self.codebook_weight = beta if legacy else 1.0
        self.commitment_weight = 1.0 if legacy else beta

    def embed(self, indices: torch.Tensor) -> torch.Tensor:
        return self.embedding(indices).permute(0, 3, 1, 2).contiguous()

    def forward(self, z: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        batch, channels, height, width = z.shape
        flat = z.permute(0, 2, 3, 1).reshape(-1, channels)
        codebook = self.embedding.weight
        distances = (flat.square().sum(dim=1, keepdim=True) + codebook.square().sum(dim=1)
                     - 2 * torch.mm(flat, codebook.t()))
        indices = distances.argmin(dim=1).reshape(batch, height, width)
        z_q = self.embed(indices)
        loss = (self.commitment_weight * (z_q.detach() - z).square().mean()
                + self.codebook_weight * (z_q - z.detach()).square().mean())
        return z + (z_q - z).detach(), indices, loss


class VQGAN(nn.Module):
    """The autoencoder with its codebook.

    `resolution` is the picture size the attention is placed for; any multiple of the downsampling
    factor runs, others are floored by the convolutions. `gumbel` adds the projection to codebook
    logits of taming's GumbelVQ.
    """

    def __init__(self, ch: int, ch_mult: Sequence[int], num_res_blocks: int,
                 attn_resolutions: Sequence[int], resolution: int, z_channels: int,
                 codebook_size: int, embedding_dimension: int, image_channels: int = 3,
                 norm_groups: int = 32, beta: float = 0.25, legacy: bool = True,
                 gumbel: bool = False):
        super().__init__()
        self.downsampling_factor = 2 ** (len(ch_mult) - 1)
        self.encoder = Encoder(ch, ch_mult, num_res_blocks, attn_resolutions, resolution,
                               z_channels, image_channels, norm_groups)
        self.decoder = Decoder(ch, ch_mult, num_res_blocks, attn_resolutions, resolution,
                               z_channels, image_channels, norm_groups)
        self.quantizer = Quantizer(codebook_size, embedding_dimension, beta, legacy)
        self.quant_conv = nn.Conv2d(z_channels, embedding_dimension, 1)
        self.post_quant_conv = nn.Conv2d(embedding_dimension, z_channels, 1)
        self.gumbel = gumbel
        self.proj = nn.Conv2d(z_channels, codebook_size, 1) if gumbel else nn.Identity()

    @torch.jit.export
    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """[N,3,H,W] in [-1,1] -> z [N,C,h,w], not quantized.

        A Gumbel model chooses its tokens by the logits of `proj`. Its z is the chosen embedding, so
        that `quantize` finds the same tokens again; the gradient is that of the softmax.
        """
        z = self.quant_conv(self.encoder(image))
        if self.gumbel:
            logits = self.proj(z)
            soft = torch.einsum("bnhw,nd->bdhw", logits.softmax(dim=1),
                                self.quantizer.embedding.weight)
            z = soft + (self.quantizer.embed(logits.argmax(dim=1)) - soft).detach()
        return z

    @torch.jit.export
    def quantize(self, z: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """z [N,C,h,w] -> (z_q with straight-through gradient, indices [N,h,w], loss)."""
        return self.quantizer(z)

    @torch.jit.export
    def embed(self, indices: torch.Tensor) -> torch.Tensor:
        """indices [N,h,w] -> codebook entries [N,C,h,w]."""
        return self.quantizer.embed(indices)

    @torch.jit.export
    def decode(self, z_q: torch.Tensor) -> torch.Tensor:
        """[N,C,h,w] -> picture [N,3,H,W], about [-1,1] (not clamped)."""
        return self.decoder(self.post_quant_conv(z_q))

    @torch.jit.unused
    def normalize_latent_scale(self) -> None:
        """Brings the codebook to a mean square of 1 and folds the factor into the convolutions
        around it. The model computes the same, and a step on a latent means the same for every
        training run."""
        with torch.no_grad():
            scale = self.quantizer.embedding.weight.square().mean().sqrt()
            self.quantizer.embedding.weight /= scale
            self.quant_conv.weight /= scale
            self.quant_conv.bias /= scale
            self.post_quant_conv.weight *= scale

    def forward(self, image: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction, indices and codebook loss."""
        z_q, indices, loss = self.quantize(self.encode(image))
        return self.decode(z_q), indices, loss


def arguments_from_taming(config: dict) -> dict:
    """The arguments of VQGAN for the `model` section of a taming yaml file."""
    params = config.get("model", config)["params"]
    dd = params["ddconfig"]
    unsupported = [name for name, wanted in
                   (("double_z", False), ("dropout", 0.0), ("resamp_with_conv", True))
                   if dd.get(name, wanted) != wanted]
    if dd["in_channels"] != dd["out_ch"]:
        unsupported.append("out_ch")
    if params.get("remap"):
        unsupported.append("remap")
    if unsupported:
        raise ValueError(f"this taming configuration sets {', '.join(unsupported)}, "
                         "which the exported VQGAN does not have")
    return dict(
        ch=dd["ch"], ch_mult=tuple(dd["ch_mult"]), num_res_blocks=dd["num_res_blocks"],
        attn_resolutions=tuple(dd["attn_resolutions"]), resolution=dd["resolution"],
        z_channels=dd["z_channels"], codebook_size=params["n_embed"],
        embedding_dimension=params["embed_dim"], image_channels=dd["in_channels"],
        gumbel="Gumbel" in config.get("model", config).get("target", ""))


def state_dict_from_taming(state_dict: dict) -> dict:
    """A taming checkpoint's `state_dict`, in this module's names and without the training losses.

    In a checkpoint that also holds a transformer, the VQGAN is under `first_stage_model.`.
    """
    prefix = "first_stage_model."
    if any(name.startswith(prefix) for name in state_dict):
        state_dict = {name[len(prefix):]: value for name, value in state_dict.items()
                      if name.startswith(prefix)}
    renamed = {}
    for name, value in state_dict.items():
        if name.startswith("loss.") or name == "colorize":
            continue
        for old, new in (("quantize.embedding.", "quantizer.embedding."),
                         ("quantize.embed.", "quantizer.embedding."),
                         ("quantize.proj.", "proj.")):
            if name.startswith(old):
                name = new + name[len(old):]
        renamed[name] = value
    return renamed
