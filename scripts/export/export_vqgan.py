"""Exports a VQGAN to a TorchScript archive that the Go package vqgan loads.

    python scripts/export/export_vqgan.py --checkpoint .cache/vqgan_checkpoint.pt -o models/vqgan.pt
    python scripts/export/export_vqgan.py --checkpoint last.ckpt --config model.yaml -o vqgan_f16.pt
    python scripts/export/export_vqgan.py --random f16-16384 --seed 0 -o vqgan_random.pt

The first is a checkpoint of train_vqgan.py; the second one of taming-transformers (VQModel or
GumbelVQ) with its yaml configuration; the third has random weights, for tests and benchmarks.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

import torch
import torch.nn as nn

from architectures.vqgan import (ARCHITECTURES, VQGAN, arguments_from_taming,
                                 state_dict_from_taming)


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_checkpoint(path: Path, trusted: bool):
    try:
        return torch.load(path, map_location="cpu", weights_only=not trusted)
    except OSError:
        raise
    except Exception as error:  # torch.load raises whatever its unpickler stumbles over
        hint = "" if trusted else " (if you trust its origin, --trust-pickle reads more)"
        raise ValueError(f"{path} cannot be read as a PyTorch checkpoint{hint}") from error


def load_trained(path: Path):
    saved = read_checkpoint(path, trusted=False)
    if not isinstance(saved, dict) or "architecture" not in saved:
        raise ValueError(f"{path} is no checkpoint of train_vqgan.py; "
                         "for one of taming-transformers give its yaml file with --config")
    arguments = ARCHITECTURES[saved["architecture"]]
    model = VQGAN(**arguments)
    model.load_state_dict(saved["model"])
    model.normalize_latent_scale()
    return model, arguments, saved["architecture"]


def load_taming(path: Path, config_path: Path, trusted: bool):
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(OmegaConf.load(config_path), resolve=True)
    arguments = arguments_from_taming(config)
    # The published checkpoints pickle Lightning's callback objects beside the weights.
    saved = read_checkpoint(path, trusted)
    model = VQGAN(**arguments)
    model.load_state_dict(state_dict_from_taming(saved["state_dict"]))
    factor = model.downsampling_factor
    kind = "gumbel-" if arguments["gumbel"] else ""
    return model, arguments, f"{kind}f{factor}-{arguments['codebook_size']}"


def build_random(name: str, seed: int):
    torch.manual_seed(seed)
    arguments = ARCHITECTURES[name]
    model = VQGAN(**arguments)
    # The codebook's start, uniform in +-1/size, would make all pictures alike.
    nn.init.normal_(model.quantizer.embedding.weight)
    return model, arguments, name


def save_archive(model: VQGAN, config: dict, path: Path) -> None:
    model = model.eval().requires_grad_(False)
    if config["storage"] == "float16":
        model = model.half()
    temporary = path.with_name(path.name + ".tmp")
    torch.jit.save(torch.jit.script(model), str(temporary),
                   _extra_files={"config.json": json.dumps(config, indent=1)})
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--checkpoint", type=Path)
    what.add_argument("--random", choices=ARCHITECTURES, help="architecture with random weights")
    parser.add_argument("--config", type=Path, help="yaml file of a taming-transformers checkpoint")
    parser.add_argument("--trust-pickle", action="store_true",
                        help="let the checkpoint run code while it loads, as torch.load warns of")
    parser.add_argument("--seed", type=int, default=0, help="of --random")
    parser.add_argument("--storage", choices=["float16", "float32"],
                        help="of the weights; default float16 for --checkpoint without --config")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    try:
        if options.random:
            model, arguments, name = build_random(options.random, options.seed)
            source, digest = f"random weights, seed {options.seed}", ""
        elif options.config:
            model, arguments, name = load_taming(options.checkpoint, options.config,
                                                 options.trust_pickle)
            source, digest = options.checkpoint.name, sha256(options.checkpoint)
        else:
            model, arguments, name = load_trained(options.checkpoint)
            source, digest = "scripts/training/train_vqgan.py", sha256(options.checkpoint)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        sys.exit(f"export_vqgan: {error}")
    trained_here = options.checkpoint and not options.config
    config = {
        "kind": "vqgan",
        "version": 1,
        "architecture": name,
        "downsampling_factor": model.downsampling_factor,
        "codebook_size": arguments["codebook_size"],
        "embedding_dimension": arguments["embedding_dimension"],
        "image_size": arguments["resolution"],
        "storage": options.storage or ("float16" if trained_here else "float32"),
        "source": source,
        "source_sha256": digest,
    }
    save_archive(model, config, options.output)
    print(f"{options.output}: {name}, {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
