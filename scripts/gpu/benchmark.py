#!/usr/bin/env python3
"""Speed of the Go packages beside plain PyTorch on the same GPU, in one run.

    python3 scripts/gpu/benchmark.py --programs build/gpu-bundle/programs

The models are the published architectures with fresh weights, written by the Go packages; the peers
are openai-clip's and taming-transformers' modules (peers.py), run eagerly and through
torch.compile(mode="reduce-overhead"), which captures graphs. A figure is the median of calls that each
wait for the GPU. benchmark.json and benchmark.txt are written anew after each row, so that a run that
is ended early loses nothing. What is left out at the deadline is the compiled peers first.

Beside the bundle, PyTorch and NumPy are all that must be installed.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS / "reference"))

from guided_step import ClampWithGradient, cutouts  # noqa: E402
from peers import load_clip, load_vqgan  # noqa: E402

ROOT = SCRIPTS.parent
WARM_UP, LEAST, MOST = 5, 10, 300


def archive_path(folder: Path, name: str) -> Path:
    return folder / (name.replace("/", "-") + ".pt")


def prepare(program: Path, folder: Path, clips: list, vqgan: str) -> None:
    """Writes the archives that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for family, name in [*(("clip", name) for name in clips), ("vqgan", vqgan)]:
        if not archive_path(folder, name).exists():
            subprocess.run([program, family, name, "0", archive_path(folder, name)], check=True)
            print(archive_path(folder, name))


class Measure:
    def __init__(self, device: str, seconds: float):
        self.device, self.seconds = torch.device(device), seconds
        self.is_cuda = self.device.type == "cuda"

    def wait(self) -> None:
        if self.is_cuda:
            torch.cuda.synchronize(self.device)

    def timed(self, call) -> float:
        started = time.perf_counter()
        call()
        self.wait()
        return 1000 * (time.perf_counter() - started)

    def __call__(self, call) -> dict:
        """Times calls, as scripts/gpu/benchmark does in Go."""
        if self.is_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        for _ in range(WARM_UP):
            last = self.timed(call)
        count = min(MOST, max(LEAST, int(1000 * self.seconds / last)))
        times = [self.timed(call) for _ in range(count)]
        return {"milliseconds": times,
                "peak_bytes": torch.cuda.max_memory_allocated(self.device) if self.is_cuda else 0}


def matrix_rate(measure: Measure, dtype: torch.dtype) -> float:
    """Operations a second of a large matrix product: what the GPU reaches, not what its sheet says."""
    side = 8192 if measure.is_cuda else 1024
    a, b = (torch.randn(side, side, device=measure.device, dtype=dtype) for _ in range(2))
    return 2 * side ** 3 / (statistics.median(measure(lambda: a @ b)["milliseconds"]) / 1000)


def image_encoder(model, device, dtype, batch: int):
    """The call of clip.Model.EncodePixels: normalize, then encode."""
    size = model.visual.input_resolution
    pixels = torch.rand(batch, 3, size, size, device=device, dtype=dtype)
    mean, std = (torch.tensor(values, device=device, dtype=dtype)[:, None, None]
                 for values in (model.config["mean"], model.config["std"]))
    return (lambda pixels: model.encode_image((pixels - mean) / std)), pixels


class GuidedStep:
    """A step of vqgan/guided: the networks in dtype, the latent and the cutouts in float32."""

    def __init__(self, scorer, vqgan, device, dtype, size: int, count: int):
        self.scorer, self.vqgan, self.dtype, self.count, self.device = scorer, vqgan, dtype, count, device
        codebook = vqgan.codebook.float()
        self.lowest, self.highest = (bound.reshape(1, -1, 1, 1)
                                     for bound in (codebook.amin(0), codebook.amax(0)))
        side = size // vqgan.config["downsampling_factor"]
        tokens = torch.randint(0, len(codebook), (1, side, side), device=device)
        self.latent = codebook[tokens].permute(0, 3, 1, 2).contiguous().requires_grad_(True)
        self.optimizer = torch.optim.Adam([self.latent], lr=0.1)
        self.mean, self.std = (torch.tensor(values, device=device)[:, None, None]
                               for values in (scorer.config["mean"], scorer.config["std"]))
        prompt = torch.zeros(1, scorer.context_length, dtype=torch.int64, device=device)
        with torch.no_grad():
            self.target = F.normalize(scorer.encode_text(prompt).float(), dim=-1)
        self.loss = self.plain_loss

    def plain_loss(self, latent, warps, colors, levels, noise):
        quantized = self.vqgan.quantize(latent.to(self.dtype))
        picture = ClampWithGradient.apply((self.vqgan.decode(quantized).float() + 1) / 2)
        cut = cutouts(picture, warps, colors, levels, noise, self.scorer.visual.input_resolution)
        embeddings = self.scorer.encode_image(((cut - self.mean) / self.std).to(self.dtype)).float()
        distance = (F.normalize(embeddings, dim=-1) - self.target).norm(dim=-1) / 2
        return (2 * distance.clamp(max=1 - 1e-6).arcsin() ** 2).mean()

    def compile(self) -> None:
        self.loss = torch.compile(self.plain_loss, mode="reduce-overhead")

    def __call__(self) -> float:
        # As in Go, the noise alone is drawn on the GPU.
        count, side = self.count, self.scorer.visual.input_resolution
        drawn = (torch.eye(3) + 0.1 * (2 * torch.rand(count, 3, 3) - 1),
                 torch.eye(3, 4) + 0.1 * (2 * torch.rand(count, 3, 4) - 1), 0.1 * torch.rand(count))
        noise = torch.randn(count, 3, side, side, device=self.device)
        self.optimizer.zero_grad()
        loss = self.loss(self.latent, *(part.to(self.device) for part in drawn), noise)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.latent.clamp_(self.lowest, self.highest)
        return loss.item()


def operations(call) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


class Table:
    """The rows, written to files as they come."""

    def __init__(self, folder: Path, head: dict):
        self.folder, self.content, self.started = folder, {**head, "rows": []}, time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        self.rate = head["matrix_operations_per_second"]

    def add(self, name: str, who: str, result: dict, operation_count: int = 0) -> None:
        row = {"name": name, "who": who, **result}
        if times := row.pop("milliseconds", None):
            row["median_ms"], row["lowest_ms"], row["calls"] = statistics.median(times), min(times), len(times)
            if operation_count:
                row["share_of_matrix_rate"] = operation_count / (row["median_ms"] / 1000) / self.rate
        self.content["rows"].append(row)
        self.content["seconds"] = round(time.monotonic() - self.started, 1)
        self.write()
        print(self.line(row), flush=True)

    def line(self, row: dict) -> str:
        text = f"{row['name']:40}{row['who']:20}"
        if "median_ms" in row:
            text += f"{row['median_ms']:10.3f} ms{row['peak_bytes'] / 2**20:9.0f} MiB"
            eager = [r["median_ms"] for r in self.content["rows"]
                     if (r["name"], r["who"]) == (row["name"], "PyTorch eager") and "median_ms" in r]
            text += f"{eager[0] / row['median_ms']:8.2f} x eager" if eager else " " * 16
            if "share_of_matrix_rate" in row:
                text += f"{row['share_of_matrix_rate']:8.1%} of the matrix rate"
        if row.get("error"):
            text += "  " + row["error"].splitlines()[0][:200]
        return text

    def write(self) -> None:
        head = [f"{key}: {value}" for key, value in self.content.items() if key != "rows"]
        text = "\n".join([*head, "", *map(self.line, self.content["rows"])]) + "\n"
        for name, data in (("benchmark.json", json.dumps(self.content, indent=1)), ("benchmark.txt", text)):
            temporary = self.folder / f".{name}"
            temporary.write_text(data)
            temporary.rename(self.folder / name)


def run_go(program: Path, arguments: list, timeout: float, add) -> None:
    """Adds the rows that the Go program writes, and a row for its failure."""
    if timeout < 1:
        return add("", 0, {"error": "left out: no time was left"})
    command = [str(program), *map(str, arguments)]
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout)
        output, failure = done.stdout, done.stderr.strip() if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        failure = f"ended after {timeout:.0f} s"
    for line in output.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            add(row.pop("mode"), row.pop("batch"), row)
    if failure:
        add("", 0, {"error": failure})


def attempt(table: Table, name: str, who: str, measured, operation_count: int = 0) -> None:
    try:
        result = measured()
    except Exception as problem:  # a peer that fails must not end the run
        result = {"error": f"{type(problem).__name__}: {problem}"}
    table.add(name, who, result, operation_count)


def build_programs() -> Path:
    folder = ROOT / "build"
    for name, source in (("gpu-benchmark", "./scripts/gpu/benchmark"), ("fresh", "./scripts/training/fresh")):
        subprocess.run([os.environ.get("GO", "go"), "build", "-o", folder / name, source], cwd=ROOT, check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--programs", type=Path, help="folder of gpu-benchmark and fresh; default: built now by go")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("OUT") or "gpu-report"))
    parser.add_argument("--models", type=Path, default=ROOT / "build/gpu-models", help="where the archives go")
    parser.add_argument("--prepare", action="store_true", help="write the archives, and no more")
    parser.add_argument("--clips", default="ViT-B/32,ViT-L/14")
    parser.add_argument("--vqgan", default="f16-16384")
    parser.add_argument("--batches", default="1,32,256")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--cutouts", type=int, default=32)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long each thing is measured")
    parser.add_argument("--deadline", type=float, default=300, help="seconds for everything (default 300)")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.deadline
    clips = arguments.clips.split(",")
    programs = arguments.programs or build_programs()
    prepare(programs / "fresh", arguments.models, clips, arguments.vqgan)
    if arguments.prepare:
        return
    program = programs / "gpu-benchmark"

    device, dtype = arguments.device, getattr(torch, arguments.dtype)
    measure = Measure(device, arguments.seconds)
    table = Table(arguments.output, {
        "gpu": torch.cuda.get_device_name(device) if measure.is_cuda else "none",
        "pytorch": torch.__version__, "dtype": arguments.dtype,
        "matrix_operations_per_second": matrix_rate(measure, dtype)})
    common = ["-device", device, "-dtype", arguments.dtype, "-seconds", arguments.seconds]
    batches = [int(batch) for batch in arguments.batches.split(",")]
    compiled = []  # what is measured last

    for name in clips:
        title = lambda batch: f"{name} images, batch {batch}"
        model = load_clip(archive_path(arguments.models, name), device, dtype)
        with torch.inference_mode():
            call, pixels = image_encoder(model, device, dtype, 1)
            count = operations(lambda: call(pixels))
            for batch in batches:
                call, pixels = image_encoder(model, device, dtype, batch)
                attempt(table, title(batch), "PyTorch eager", lambda: measure(lambda: call(pixels)), count * batch)
        del model, call, pixels
        run_go(program, ["embed", "-clip", archive_path(arguments.models, name), *common,
                         "-batches", arguments.batches], end - time.monotonic(),
               lambda mode, batch, row: table.add(title(batch), f"Go {mode}", row, count * batch))
        for place, batch in enumerate(batches):
            compiled.append((2 * place, title(batch), functools.partial(compiled_encoder, archive_path(arguments.models, name), batch), count * batch))

    name = f"guided step, {arguments.size}x{arguments.size}, {arguments.cutouts} cutouts"
    guided = [*(archive_path(arguments.models, part) for part in (arguments.vqgan, clips[0])), device, dtype, arguments.size, arguments.cutouts]
    attempt(table, name, "PyTorch eager", lambda: measure(guided_step(*guided)))
    run_go(program, ["guided", "-clip", archive_path(arguments.models, clips[0]),
                     "-vqgan", archive_path(arguments.models, arguments.vqgan), *common,
                     "-size", arguments.size, "-cutouts", arguments.cutouts], end - time.monotonic(),
           lambda mode, _, row: table.add(name, f"Go {mode}", row))
    compiled.append((1, name, lambda *_: measure(guided_step(*guided, compile=True)), 0))

    # The smallest batches first, where there is most to gain and compiling takes seconds; then the guided
    # step, which takes a minute.
    compiled.sort(key=lambda peer: peer[0])
    for _, name, call, count in ([] if arguments.no_compile else compiled):
        if end - time.monotonic() < 25:
            table.add(name, "PyTorch compiled", {"error": "left out: no time was left"})
            continue
        attempt(table, name, "PyTorch compiled", lambda: call(measure, dtype), count)


def guided_step(vqgan: Path, clip: Path, device, dtype, size: int, count: int, compile=False) -> GuidedStep:
    step = GuidedStep(load_clip(clip, device, dtype), load_vqgan(vqgan, device, dtype), device, dtype, size, count)
    if compile:
        step.compile()
    return step


def compiled_encoder(archive: Path, batch: int, measure: Measure, dtype) -> dict:
    model = load_clip(archive, measure.device, dtype)
    call, pixels = image_encoder(model, measure.device, dtype, batch)
    with torch.inference_mode():
        fast = torch.compile(call, mode="reduce-overhead")
        return measure(lambda: fast(pixels))


if __name__ == "__main__":
    main()
