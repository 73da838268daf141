"""Writes a CLIP as one TorchScript archive, which the Go package clip loads.

    python scripts/export/export_clip.py .cache/clip.checkpoint.pt --output models/clip.pt
    python scripts/export/export_clip.py ViT-B-32.pt --output vit-b-32.pt --storage float32
    python scripts/export/export_clip.py --random ViT-B/32 --seed 0 --output random.pt --storage float32

The source is a checkpoint of train_clip.py, one of OpenAI's files (a TorchScript archive, or a state
dict with openai/CLIP's names), or random weights of a published architecture, for benchmarks.
"""

import argparse
import hashlib
import json
import os
import warnings

import torch

from architectures.clip import ARCHITECTURES, CLIP, MEAN, STD, arguments_from_state_dict
from clip_tokens import TOKENS_BESIDE_MERGES, read_merges

# Numbers that OpenAI's archives keep among the weights.
NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size")


def read_source(path: str) -> dict:
    """The file's {"state_dict", and what else a checkpoint of ours has}."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {"state_dict": torch.jit.load(path, map_location="cpu").state_dict()}
    except RuntimeError:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    return loaded if "state_dict" in loaded else {"state_dict": loaded}


def sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(state: dict) -> str:
    """The published architecture that has these shapes, else what the shapes say."""
    arguments = arguments_from_state_dict(state)
    for name, published in ARCHITECTURES.items():
        if arguments == published:
            return name
    layers = arguments["vision_layers"]
    if isinstance(layers, list):
        return f"RN{layers}x{arguments['vision_width']}@{arguments['image_size']}"
    return f"ViT-{layers}x{arguments['vision_width']}/{arguments['vision_patch_size']}"


def export(state: dict, merges: list[str], output: str, storage: str, activation: str,
           source: str, source_sha256: str):
    state = {key: value.float() if value.is_floating_point() else value
             for key, value in state.items() if key not in NOT_WEIGHTS}
    arguments = arguments_from_state_dict(state)
    if len(merges) + TOKENS_BESIDE_MERGES != arguments["vocabulary_size"]:
        raise ValueError(f"{len(merges)} merges make {len(merges) + TOKENS_BESIDE_MERGES} tokens, "
                         f"but the model has {arguments['vocabulary_size']}")
    model = CLIP(**arguments, activation=activation)
    model.load_state_dict(state)
    model = model.eval().requires_grad_(False).to(getattr(torch, storage))
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} does not fit {storage}; export with --storage float32")
    config = {
        "kind": "clip",
        "version": 1,
        "architecture": describe(state),
        "image_size": arguments["image_size"],
        "mean": MEAN,
        "std": STD,
        "interpolation": "bicubic",
        "context_length": arguments["context_length"],
        "vocabulary_size": arguments["vocabulary_size"],
        "embedding_dimension": arguments["embedding_dimension"],
        "activation": activation,
        "tokenizer": "openai-bpe",
        "storage": storage,
        "source": source,
        "source_sha256": source_sha256,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(model)
    extra = {"config.json": json.dumps(config, indent=1), "bpe_merges.txt": "\n".join(merges) + "\n"}
    torch.jit.save(scripted, output + ".partial", _extra_files=extra)
    os.replace(output + ".partial", output)
    print(f"{output}: {config['architecture']}, {storage}, {os.path.getsize(output) / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", help="checkpoint, state dict or OpenAI's archive")
    parser.add_argument("--random", choices=sorted(ARCHITECTURES), help="random weights instead")
    parser.add_argument("--seed", type=int, default=0, help="of the random weights")
    parser.add_argument("--output", required=True)
    parser.add_argument("--storage", choices=("float16", "float32"), default="float16")
    parser.add_argument("--activation", choices=("quickgelu", "gelu"), default="quickgelu",
                        help="OpenAI's weights and ours need quickgelu; a wrong one fails silently")
    arguments = parser.parse_args()
    if (arguments.source is None) == (arguments.random is None):
        parser.error("give either a source or --random")

    if arguments.random:
        torch.manual_seed(arguments.seed)
        architecture = ARCHITECTURES[arguments.random]
        merges = read_merges(architecture["vocabulary_size"] - TOKENS_BESIDE_MERGES)
        state, source, digest = CLIP(**architecture).state_dict(), f"random, seed {arguments.seed}", ""
    else:
        loaded = read_source(arguments.source)
        state = loaded["state_dict"]
        merges = loaded.get("merges") or read_merges()
        source, digest = os.path.basename(arguments.source), sha256(arguments.source)
    export(state, merges, arguments.output, arguments.storage, arguments.activation, source, digest)


if __name__ == "__main__":
    main()
