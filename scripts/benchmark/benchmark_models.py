"""Speed of the Go packages beside plain PyTorch and onnxruntime, in one run.

    make bench            (or: python scripts/benchmark/benchmark_models.py [--rounds 3] [--quick])

The peers are the packages that define the models: openai-clip and taming-transformers run eagerly
by PyTorch, in float32, and onnxruntime on openai-clip's image encoder. Go and its peers take turns,
and each figure is the median over all rounds; a ratio above 1 means that Go is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS / "reference"))

import fresh  # noqa: E402
from reference_models import (ROOT, ClampWithGradient, TamingVQModel, build_clip, cutouts,  # noqa: E402
                              load_archive, tokenize, tokenizer_of)

WARM_UP = 3
PROGRAM = ROOT / "build/benchmark"


def run_go(*arguments) -> list:
    done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def timed(call, repetitions: int) -> list:
    times = []
    for i in range(WARM_UP + repetitions):
        started = time.perf_counter()
        call()
        if i >= WARM_UP:
            times.append(1000 * (time.perf_counter() - started))
    return times


def embedding_peer(model, config: dict, batch: int):
    """openai-clip's image encoder on pictures in [0, 1]."""
    pixels = torch.rand(batch, 3, config["image_size"], config["image_size"])
    mean, std = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))

    @torch.inference_mode()
    def call():
        model.encode_image((pixels - mean) / std)
    return call


def onnx_peer(model, config: dict, batch: int, folder: str):
    """onnxruntime on the same encoder, without the normalization."""
    import onnxruntime

    path = Path(folder) / f"image_{batch}.onnx"
    pixels = torch.rand(batch, 3, config["image_size"], config["image_size"])
    torch.backends.mha.set_fastpath_enabled(False)
    torch.onnx.export(model.visual, (pixels,), str(path), dynamo=False, opset_version=17)
    torch.backends.mha.set_fastpath_enabled(True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options)
    name, array = session.get_inputs()[0].name, pixels.numpy()
    return lambda: session.run(None, {name: array})


def guided_peer(scorer, config: dict, merges: str, vqgan, count: int):
    """The step of scripts/reference/reference_models.py with random pieces, then Adam and the clamp."""
    side = config["image_size"]
    codebook = vqgan.quantizer.embedding.weight
    lowest, highest = (bound.reshape(1, -1, 1, 1) for bound in (codebook.min(0)[0], codebook.max(0)[0]))
    tokens = torch.randint(0, len(codebook), (1, 16, 16))
    latent = vqgan.quantizer.embedding(tokens).permute(0, 3, 1, 2).contiguous().requires_grad_(True)
    optimizer = torch.optim.Adam([latent], lr=0.1)
    mean, std = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))
    prompt = tokenize(tokenizer_of(merges), ["a slice of pizza"], config["context_length"])
    target = F.normalize(scorer.encode_text(prompt), dim=-1)

    def call():
        optimizer.zero_grad()
        quantized, _, _ = vqgan.quantize(latent)
        picture = ClampWithGradient.apply((vqgan.decode(quantized) + 1) / 2)
        warps = torch.eye(3) + 0.1 * (2 * torch.rand(count, 3, 3) - 1)
        colors = torch.eye(3, 4) + 0.1 * (2 * torch.rand(count, 3, 4) - 1)
        cut = cutouts(picture, warps, colors, 0.1 * torch.rand(count),
                      torch.randn(count, 3, side, side), side)
        embeddings = F.normalize(scorer.encode_image((cut - mean) / std), dim=-1)
        loss = (2 * ((embeddings - target).norm(dim=-1) / 2).arcsin() ** 2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            latent.clamp_(lowest, highest)
        loss.item()
    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the embedded models only")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    subprocess.run(["go", "build", "-o", PROGRAM, "./scripts/benchmark/models"], cwd=ROOT, check=True)

    with tempfile.TemporaryDirectory() as folder:
        weights, config, merges = load_archive(ROOT / "models/clip.pt")
        scorer = build_clip(weights)
        vqgan_weights, vqgan_config, _ = load_archive(ROOT / "models/vqgan.pt")
        vqgan = TamingVQModel(vqgan_config["network"]).eval().requires_grad_(False)
        vqgan.load_state_dict(vqgan_weights)

        rows = []  # name, Go's arguments, peers by name
        for batch, repetitions in ((1, 60), (32, 15)):
            rows.append((f"small CLIP, batch {batch}", ("embed", "embedded", batch, repetitions),
                         {"PyTorch": embedding_peer(scorer, config, batch)}, repetitions))
        rows.append(("guided step, 32 cutouts", ("guided", 32, 10),
                     {"PyTorch": guided_peer(scorer, config, merges, vqgan, 32)}, 10))
        if not arguments.quick:
            path = Path(folder) / "vit_b_32.pt"
            fresh.write("clip", "ViT-B/32", 0, path)
            weights, config, _ = load_archive(path)
            large = build_clip(weights)
            for batch, repetitions in ((1, 12), (8, 5), (32, 3)):
                rows.append((f"ViT-B/32, batch {batch}", ("embed", path, batch, repetitions),
                             {"PyTorch": embedding_peer(large, config, batch),
                              "onnxruntime": onnx_peer(large, config, batch, folder)}, repetitions))
        measure(rows, arguments.rounds)


def measure(rows, rounds: int) -> None:
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, float32, "
          f"median of {rounds} rounds in turn, ms a call\n")
    print(f"{'':28}{'Go':>10}{'PyTorch':>10}{'ratio':>8}{'onnxruntime':>13}{'ratio':>8}")
    for name, go_arguments, peers, repetitions in rows:
        times = {"Go": []} | {peer: [] for peer in peers}
        for _ in range(rounds):
            times["Go"] += run_go(*go_arguments)
            for peer, call in peers.items():
                times[peer] += timed(call, repetitions)
        medians = {who: statistics.median(values) for who, values in times.items()}
        line = f"{name:28}{medians['Go']:10.1f}{medians['PyTorch']:10.1f}" \
               f"{medians['PyTorch'] / medians['Go']:8.2f}"
        if "onnxruntime" in medians:
            line += f"{medians['onnxruntime']:13.1f}{medians['onnxruntime'] / medians['Go']:8.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
