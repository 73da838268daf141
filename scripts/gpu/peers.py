"""The PyTorch modules that the Go packages are measured against: openai-clip's and
taming-transformers'. They are read from the bundle, which has copies, or from the installed packages.
"""

import contextlib
import importlib.util
import io
import json
import sys
from pathlib import Path

import torch
from torch import nn

from make_bundle import BUNDLE, PEERS


def module(name: str):
    path = BUNDLE / "peers" / name
    if not path.exists():
        package, _, rest = PEERS[name].partition("/")
        found = importlib.util.find_spec(package)
        if found is None:
            raise ImportError(f"neither {path} nor the package {package} is there")
        path = Path(found.submodule_search_locations[0]) / rest
    specification = importlib.util.spec_from_file_location(path.stem + "_peer", path)
    loaded = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = loaded  # torch.compile looks for it there
    specification.loader.exec_module(loaded)
    return loaded


def read(archive: Path) -> tuple[dict, dict]:
    """The weights of an archive, and its config.json."""
    files = {"config.json": ""}
    weights = torch.jit.load(str(archive), map_location="cpu", _extra_files=files).state_dict()
    return weights, json.loads(files["config.json"])


def load_clip(archive: Path, device="cpu", dtype=torch.float32) -> nn.Module:
    """openai-clip's model with the weights of an archive, and its config as an attribute."""
    weights, config = read(archive)
    peer = module("clip_model.py")
    model = peer.build_model(weights).float().to(device, dtype)
    # As in clip.model.convert_weights, which knows float16 alone.
    for part in model.modules():
        if isinstance(part, peer.LayerNorm):
            part.float()
    model.config = config
    return model.eval().requires_grad_(False)


class VQGAN(nn.Module):
    """taming.models.vqgan.VQModel without its training, with quantize as VectorQuantizer2 computes it."""

    def __init__(self, config: dict):
        super().__init__()
        peer, network = module("taming_model.py"), config["network"]
        settings = dict(network["ddconfig"])
        groups = settings.pop("norm_groups", 32)
        peer.Normalize = lambda channels: nn.GroupNorm(groups, channels, eps=1e-6)
        with contextlib.redirect_stdout(io.StringIO()):  # it announces its latent's shape
            self.encoder, self.decoder = peer.Encoder(**settings), peer.Decoder(**settings)
        dimension, channels = network["embed_dim"], settings["z_channels"]
        self.quantizer = nn.ModuleDict({"embedding": nn.Embedding(network["n_embed"], dimension)})
        self.quant_conv = nn.Conv2d(channels, dimension, 1)
        self.post_quant_conv = nn.Conv2d(dimension, channels, 1)
        self.config = config

    @property
    def codebook(self) -> torch.Tensor:
        return self.quantizer["embedding"].weight

    def quantize(self, z: torch.Tensor) -> torch.Tensor:
        flat = z.permute(0, 2, 3, 1).flatten(0, 2)
        distances = (flat.square().sum(1, keepdim=True) + self.codebook.square().sum(1)
                     - 2 * flat @ self.codebook.t())
        chosen = self.codebook[distances.argmin(1)]
        chosen = chosen.view(z.shape[0], *z.shape[2:], -1).permute(0, 3, 1, 2)
        return z + (chosen - z).detach()

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(z))


def load_vqgan(archive: Path, device="cpu", dtype=torch.float32) -> VQGAN:
    weights, config = read(archive)
    model = VQGAN(config)
    model.load_state_dict(weights)
    # The layout of the weights is that of the Go package, which convolutions are fastest with.
    return model.eval().requires_grad_(False).to(device, dtype, memory_format=torch.channels_last)
