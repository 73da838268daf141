"""What every training in the prepared folder needs: a clock that ends it, a learning rate that follows
the clock, averaged weights, curves as CSV, and files that are whole or not there."""

import copy
import json
import math
import time
from pathlib import Path

import torch


class Clock:
    """The share of the minutes that has passed since the start of the program."""

    def __init__(self, minutes: float, started: float | None = None):
        self.seconds, self.started = minutes * 60, time.monotonic() if started is None else started

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def passed(self) -> float:
        return self.elapsed() / self.seconds


def choose_device(name: str = "auto") -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def learning_rate(peak: float, step: int, passed: float, warm_up: int = 200) -> float:
    """Rises over the first steps, then falls with the clock along a cosine to a hundredth."""
    return peak * min(1, (step + 1) / warm_up) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min(passed, 1))))


class Average:
    """Exponentially averaged weights of a module: what is saved and judged."""

    def __init__(self, module: torch.nn.Module, decay: float = 0.999):
        self.module = copy.deepcopy(module).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - decay)
        for mine, other in zip(self.module.buffers(), module.buffers()):
            mine.copy_(other)


class Snapshot:
    """The last state of modules and optimizers that was finite: one step on a not finite gradient must
    not cost the run."""

    def __init__(self, *parts):
        self.parts = parts
        self.keep()

    def keep(self) -> None:
        self.states = [copy.deepcopy(part.state_dict()) for part in self.parts]

    def restore(self) -> None:
        for part, state in zip(self.parts, self.states):
            part.load_state_dict(copy.deepcopy(state))


class Curves:
    """Means of the values that were added since the last row, appended to a CSV file. Values are summed
    where they were computed, so that adding does not wait for the device."""

    def __init__(self, path: Path, columns: list[str], go_on: bool):
        self.path, self.columns, self.sums, self.counts = path, columns, {}, {}
        if not (go_on and path.exists()):
            path.write_text(",".join(["step", "seconds", *columns]) + "\n", encoding="utf-8")

    def add(self, **values) -> None:
        for name, value in values.items():
            value = value.detach().float() if isinstance(value, torch.Tensor) else value
            self.sums[name] = self.sums.get(name, 0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def write(self, step: int, seconds: float) -> dict[str, float]:
        """Writes a row, and returns its values."""
        means = {name: float(self.sums[name]) / self.counts[name] for name in self.columns if name in self.sums}
        row = [f"{means[name]:.5g}" if name in means else "" for name in self.columns]
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(",".join([str(step), f"{seconds:.1f}", *row]) + "\n")
        self.sums, self.counts = {}, {}
        return means


def halved(state: dict) -> dict:
    """A state dict with float16 in place of float32, on the CPU."""
    return {name: value.detach().to("cpu", torch.float16 if value.is_floating_point() else value.dtype).contiguous()
            for name, value in state.items()}


def save_whole(value, path: Path) -> None:
    """torch.save by a temporary file, so that the path never holds half a file."""
    temporary = path.with_name(path.name + ".tmp")
    torch.save(value, temporary)
    temporary.replace(path)


def save_json(value, path: Path) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
