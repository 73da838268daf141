"""The CLIP that guides pictures: OpenAI's architecture, small, adversarially trained (emoji-RN in clip/networks.go)."""

import torch

from modified_resnet import ModifiedResNet
from packed_weights import unpack_weights
from text_encoder import CLIP

ARCHITECTURE = "emoji-RN"
SIDE, DIMENSION, CONTEXT = 64, 256, 32
# OpenAI's mean and deviation of pixels in [0, 1].
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def create(vocabulary: int) -> CLIP:
    visual = ModifiedResNet((2, 2, 2, 2), 24, SIDE, DIMENSION)
    return CLIP(visual, DIMENSION, vocabulary=vocabulary, context=CONTEXT, width=192, heads=3, layers=3, quick_gelu=True)


def load_start(model: CLIP, path) -> None:
    """Gives the model the weights of a training folder's guide_start.pt."""
    missing, unexpected = model.load_state_dict(
        unpack_weights(torch.load(path, map_location="cpu", weights_only=True)), strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + list(unexpected)
    if wrong:
        raise SystemExit(f"error: {path} does not fit {ARCHITECTURE}: {wrong[0]}")
