"""The CLIP for drawings and photographs: EfficientNet-Lite0 as image encoder, and a small text transformer."""

from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from efficientnet_lite import FEATURES, MEAN, STAGES, STD, EfficientNetLite0, load_trunk
from plain_tokenizer import read_tokenizer
from text_encoder import CLIP

ARCHITECTURE = "efficientnet-lite0"
DIMENSION, CONTEXT, WIDTH, HEADS, LAYERS = 256, 32, 224, 4, 3
SIDE = 160


class ImageEncoder(nn.Module):
    """The trunk's features and a projection without bias. Its normalizations keep the published statistics, so it
    stays in inference mode."""

    def __init__(self, trunk: EfficientNetLite0, dimension: int):
        super().__init__()
        self.trunk = trunk
        self.proj = nn.Linear(FEATURES, dimension, bias=False)
        nn.init.normal_(self.proj.weight, std=FEATURES ** -0.5)

    def train(self, mode: bool = True):
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(self.trunk.features(x))


def create(folder: Path, vocabulary: int, layers: int = LAYERS) -> CLIP:
    trunk = load_trunk(f"{folder}/efficientnet_lite0.pt", classes=0).requires_grad_()
    return CLIP(ImageEncoder(trunk, DIMENSION), DIMENSION, vocabulary=vocabulary, context=CONTEXT, width=WIDTH,
                heads=HEADS, layers=layers)


def timm_names() -> dict[str, str]:
    """timm's names of the trunk's modules (tf_efficientnet_lite0 there)."""
    names = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    number = 0
    for stage, (repeats, *_, expansion, _) in enumerate(STAGES):
        for i in range(repeats):
            ours, theirs = f"_blocks.{number}.", f"blocks.{stage}.{i}."
            if expansion > 1:
                pairs = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                         "_project_conv": "conv_pwl", "_bn2": "bn3"}
            else:
                pairs = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
            names.update({ours + a: theirs + b for a, b in pairs.items()})
            number += 1
    return names


def open_clip_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict under the names of open_clip, with timm's for the trunk."""
    names, result = timm_names(), {}
    for name, tensor in state.items():
        if name.startswith("visual.trunk."):
            module, _, leaf = name.removeprefix("visual.trunk.").rpartition(".")
            name = f"visual.trunk.{names[module]}.{leaf}"
        result[name.replace("visual.proj.", "visual.head.proj.")] = tensor
    return result


def own_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of open_clip_state."""
    names, result = {theirs: ours for ours, theirs in timm_names().items()}, {}
    for name, tensor in state.items():
        if name.startswith("visual.trunk."):
            module, _, leaf = name.removeprefix("visual.trunk.").rpartition(".")
            name = f"visual.trunk.{names[module]}.{leaf}"
        result[name.replace("visual.head.proj.", "visual.proj.")] = tensor
    return result


def read_checkpoint(path, device) -> tuple[CLIP, dict]:
    """The CLIP of a checkpoint of train_picture_clip.py, for inference, and the checkpoint."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    state = own_state(saved["state_dict"])
    layers = 1 + max(int(name.split(".")[2]) for name in state if name.startswith("transformer.resblocks."))
    model = CLIP(ImageEncoder(EfficientNetLite0(classes=0), DIMENSION), DIMENSION, context=CONTEXT, width=WIDTH,
                 heads=HEADS, layers=layers, vocabulary=len(state["token_embedding.weight"]))
    model.load_state_dict(state)
    return model.to(device).eval().requires_grad_(False), saved


def normalize_pictures(pictures: torch.Tensor) -> torch.Tensor:
    return ((pictures - MEAN) / STD).to(memory_format=torch.channels_last)


def load_image_encoder(path, device):
    """(encode, size): encode takes pictures float [n, 3, S, S] in [0, 1] on the device, and gives unit embeddings
    [n, size]."""
    model, _ = read_checkpoint(path, device)

    @torch.no_grad()
    def encode(pictures: torch.Tensor) -> torch.Tensor:
        resized = F.interpolate(pictures.float(), size=SIDE, mode="bicubic", antialias=True).clamp(0, 1)
        return F.normalize(model.encode_image(normalize_pictures(resized)).float(), dim=-1)
    return encode, DIMENSION


def load_text_encoder(path, device, folder):
    """(encode, size): encode takes a list of texts, and gives unit embeddings [n, size]. folder is the training folder."""
    model, _ = read_checkpoint(path, device)
    tokenizer = read_tokenizer(folder)

    @torch.no_grad()
    def encode(texts: list[str]) -> torch.Tensor:
        return F.normalize(model.encode_text(tokenizer(texts, CONTEXT).to(device)).float(), dim=-1)
    return encode, DIMENSION
