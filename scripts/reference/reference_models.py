"""Writes the reference files that the Go tests of clip, vqgan and vqgan/guided compare with.

    python scripts/reference/reference_models.py

The embedded models' weights are put into the packages that define the behavior (openai-clip for
CLIP and its tokens and pixels, taming-transformers-rom1504 for VQGAN, PyTorch for the guided
loss), and these are run for real, in float32.

A file is JSON: a name -> {"shape": [...], "dtype": "float32" | "int64", "data": base64 of the
little-endian elements}, beside plain values.
"""

import base64
import gzip
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import clip.clip
import clip.model
import clip.simple_tokenizer
import numpy as np
import PIL
import taming.modules.diffusionmodules.model as taming_model
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from taming.modules.vqvae.quantize import VectorQuantizer2
from torch import nn

from guided_step import ClampWithGradient, cutouts

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ["a slice of pizza", "red heart", "a photo of a cat.", "rocket", "don't panic: 42 café"]


def packed(array) -> dict:
    array = array.detach().numpy() if isinstance(array, torch.Tensor) else np.asarray(array)
    dtype = "int64" if array.dtype.kind == "i" else "float32"
    data = np.ascontiguousarray(array.astype("<i8" if dtype == "int64" else "<f4"))
    return {"shape": list(array.shape), "dtype": dtype,
            "data": base64.b64encode(data.tobytes()).decode()}


def write(path: Path, values: dict) -> None:
    versions = {"torch": torch.__version__, "pillow": PIL.__version__}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"made_by": "scripts/reference/reference_models.py", "versions": versions,
                                     **values}, indent=1, ensure_ascii=False) + "\n")
    os.replace(temporary, path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def load_archive(path: Path):
    """An archive's weights in float32 and its extra files."""
    files = {"config.json": "", "bpe_merges.txt": ""}
    module = torch.jit.load(str(path), map_location="cpu", _extra_files=files)
    weights = {name: value.float() if value.is_floating_point() else value
               for name, value in module.state_dict().items()}
    texts = {name: text.decode() if isinstance(text, bytes) else text for name, text in files.items()}
    return weights, json.loads(texts["config.json"]), texts["bpe_merges.txt"]


# --- CLIP: openai-clip ---

def tokenizer_of(merges: str):
    """OpenAI's tokenizer with the archive's merges. Its file has a header line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "merges.txt.gz"
        path.write_bytes(gzip.compress(("#version\n" + merges.rstrip("\n")).encode()))
        return clip.simple_tokenizer.SimpleTokenizer(str(path))


def tokenize(tokenizer, texts, length: int) -> torch.Tensor:
    """clip.tokenize, whose context length is an argument but whose tokenizer is a global."""
    clip.clip._tokenizer = tokenizer
    return clip.clip.tokenize(texts, context_length=length).long()


def build_clip(weights: dict) -> nn.Module:
    # build_model drops these from what it is given.
    model = clip.model.build_model(dict(weights)).float().eval()
    for name, value in model.state_dict().items():
        assert torch.equal(value.float(), weights[name].float()), name
    return model.requires_grad_(False)


def pictures() -> dict:
    """Synthetic pictures of several sizes: smooth parts, edges, fine detail."""
    def draw(width, height, seed):
        random = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width]
        smooth = np.stack([x * 255 / width, y * 255 / height, 128 + 127 * np.sin((x + y) / 9)], -1)
        image = Image.fromarray(smooth.astype(np.uint8))
        pen = ImageDraw.Draw(image)
        for _ in range(8):
            box = sorted(random.integers(0, width, 2)), sorted(random.integers(0, height, 2))
            color = tuple(int(c) for c in random.integers(0, 256, 3))
            pen.ellipse([box[0][0], box[1][0], box[0][1], box[1][1]], fill=color)
        pixels = np.array(image).astype(int) + random.integers(-20, 21, (height, width, 3))
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return {"square.png": draw(64, 64, 1), "wide.png": draw(200, 90, 2), "tall.png": draw(70, 143, 3)}


def preprocess(image: Image.Image, config: dict) -> torch.Tensor:
    """openai-clip's own transform, with the archive's constants."""
    transform = clip.clip._transform(config["image_size"])
    transform.transforms[-1].mean, transform.transforms[-1].std = config["mean"], config["std"]
    return transform(image)


def clip_references() -> nn.Module:
    weights, config, merges = load_archive(ROOT / "models/clip.pt")
    folder = ROOT / "clip/testdata/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    images = pictures()
    for name, image in images.items():
        image.save(folder / name)
    model = build_clip(weights)
    tokens = tokenize(tokenizer_of(merges), PROMPTS, config["context_length"])
    pixels = torch.stack([preprocess(image, config) for image in images.values()])
    with torch.no_grad():
        image_embeddings, text_embeddings = model.encode_image(pixels), model.encode_text(tokens)
        logits, _ = model(pixels, tokens)
    write(ROOT / "clip/testdata/reference.json", {
        "prompts": PROMPTS, "pictures": list(images), "tokens": packed(tokens),
        "pixels": packed(pixels), "image_embeddings": packed(image_embeddings),
        "text_embeddings": packed(text_embeddings), "logits_per_image": packed(logits),
        "probabilities": packed(logits.softmax(-1))})
    model.tokens = tokens
    model.constants = config
    return model


# --- VQGAN: taming-transformers ---

class TamingVQModel(nn.Module):
    """taming.models.vqgan.VQModel without its training loop, which needs Lightning."""

    def __init__(self, network: dict):
        """network has the settings in an archive's config.json."""
        super().__init__()
        settings = dict(network["ddconfig"])
        groups = settings.pop("norm_groups", 32)
        # The package fixes 32 groups; the small model has fewer channels.
        taming_model.Normalize = lambda channels: nn.GroupNorm(groups, channels, eps=1e-6)
        self.encoder = taming_model.Encoder(**settings)
        self.decoder = taming_model.Decoder(**settings)
        dimension, channels = network["embed_dim"], settings["z_channels"]
        self.quantizer = VectorQuantizer2(network["n_embed"], dimension, beta=0.25,
                                          sane_index_shape=True)
        self.quant_conv = nn.Conv2d(channels, dimension, 1)
        self.post_quant_conv = nn.Conv2d(dimension, channels, 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x))

    def quantize(self, z):
        quantized, loss, (_, _, indices) = self.quantizer(z)
        return quantized, indices, loss

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


def vqgan_references() -> nn.Module:
    weights, config, _ = load_archive(ROOT / "models/vqgan.pt")
    model = TamingVQModel(config["network"]).eval().requires_grad_(False)
    model.load_state_dict(weights)
    image = pictures()["square.png"]
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
    latent = model.encode(x)
    quantized, tokens, loss = model.quantize(latent)
    write(ROOT / "vqgan/testdata/reference.json", {
        "pixels": packed(x), "latent": packed(latent), "quantized": packed(quantized),
        "tokens": packed(tokens), "loss": packed(loss), "decoded": packed(model.decode(quantized))})
    return model


# --- the guided step: PyTorch ---

def guided_references(scorer: nn.Module, vqgan: nn.Module) -> None:
    side, config = scorer.constants["image_size"], scorer.constants
    random = np.random.default_rng(11)
    count, size = 4, 16
    start = torch.from_numpy(random.integers(0, vqgan.quantizer.n_e, (1, size, size)))
    latent = vqgan.quantizer.embedding(start).permute(0, 3, 1, 2).contiguous()
    # Off the codebook, so that the straight-through gradient is not trivially right.
    latent = latent + 0.05 * torch.from_numpy(random.standard_normal(latent.shape)).float()
    latent = latent.detach().requires_grad_(True)
    warps = torch.eye(3).repeat(count, 1, 1) + torch.from_numpy(
        random.uniform(-0.1, 0.1, (count, 3, 3))).float()
    colors = torch.eye(3, 4).repeat(count, 1, 1) + torch.from_numpy(
        random.uniform(-0.1, 0.1, (count, 3, 4))).float()
    levels = torch.from_numpy(random.uniform(0, 0.1, count)).float()
    noise = torch.from_numpy(random.standard_normal((count, 3, side, side))).float()

    quantized, _, _ = vqgan.quantize(latent)
    picture = ClampWithGradient.apply((vqgan.decode(quantized) + 1) / 2)
    cut = cutouts(picture, warps, colors, levels, noise, side)
    mean, std = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))
    embeddings = F.normalize(scorer.encode_image((cut - mean) / std), dim=-1)
    prompts = [{"text": PROMPTS[0], "weight": 1.0, "stop": None},
               {"text": PROMPTS[1], "weight": -0.3, "stop": None}]
    targets = F.normalize(scorer.encode_text(scorer.tokens[:2]), dim=-1)
    variation = 0.7
    total = 0
    for prompt, target in zip(prompts, targets):
        distance = 2 * ((embeddings - target).norm(dim=-1) / 2).arcsin() ** 2
        total = total + abs(prompt["weight"]) * (math.copysign(1, prompt["weight"]) * distance).mean()
    smooth = ((picture[..., 1:, :] - picture[..., :-1, :]) ** 2).mean() + (
        (picture[..., 1:] - picture[..., :-1]) ** 2).mean()
    loss = total + variation * smooth
    loss.backward()
    write(ROOT / "vqgan/guided/testdata/reference.json", {
        "prompts": prompts, "total_variation": variation, "latent": packed(latent),
        "warps": packed(warps), "colors": packed(colors), "levels": packed(levels),
        "noise": packed(noise), "picture": packed(picture), "cutouts": packed(cut[:2]),
        "loss": packed(loss), "gradient": packed(latent.grad)})


def main() -> None:
    torch.manual_seed(0)
    scorer = clip_references()
    guided_references(scorer, vqgan_references())


if __name__ == "__main__":
    main()
