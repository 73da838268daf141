#!/usr/bin/env python3
"""Writes torch/jit/testdata/modules: the TorchScript archives that the tests of package torch/jit load, and what
Python computes with them.

    python scripts/reference/reference_modules.py

Needs PyTorch. Besides modules there are files that a user may give by mistake, and archives that
this machine cannot run.
"""

import enum
import json
import pathlib
import warnings
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from neutral_paths import take_out_paths

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "jit" / "testdata" / "modules"


class Point(NamedTuple):
    place: Tensor
    label: str


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.count = start


@torch.jit.script
class Pair:
    """An object that methods make, take and keep."""

    def __init__(self, left: Tensor, count: int):
        self.left = left
        self.count = count
        self.notes = ["a"]

    def total(self, scale: float = 2.0) -> Tensor:
        return self.left.sum() * scale + self.count

    def bump(self, by: int):
        self.count += by


class Objects(nn.Module):
    """Makes and takes objects of a scripted class."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))

    def forward(self, x: Tensor) -> Pair:
        return Pair(x * self.weight, 3)

    @torch.jit.export
    def use(self, pair: Pair) -> Tensor:
        return pair.left * pair.count

    @torch.jit.export
    def many(self, x: Tensor) -> Dict[str, List[Pair]]:
        return {"all": [Pair(x, 1), Pair(x, 2)]}

    @torch.jit.export
    def sum_of(self, pairs: List[Pair]) -> int:
        total = 0
        for pair in pairs:
            total += pair.count
        return total


class Values(nn.Module):
    """Each method hands back what it is given, so that every type crosses both ways."""

    names: List[str]
    sizes: Dict[str, int]
    absent: Optional[Tensor]
    __constants__ = ["limit"]

    def __init__(self):
        super().__init__()
        self.names = ["first", "second"]
        self.sizes = {"b": 2, "a": 1}
        self.rate = 0.5
        self.where = torch.device("cpu")
        self.absent = None
        self.limit = 7

    def forward(self, x: Tensor, scale: float = 2.0, shift: Optional[Tensor] = None) -> Tensor:
        y = x * scale
        return y if shift is None else y + shift

    @torch.jit.export
    def number(self, x: float) -> float:
        return x

    @torch.jit.export
    def whole(self, x: int) -> int:
        return x

    @torch.jit.export
    def truth(self, x: bool) -> bool:
        return x

    @torch.jit.export
    def text(self, x: str) -> str:
        return x

    @torch.jit.export
    def imaginary(self, x: complex) -> complex:
        return x

    @torch.jit.export
    def device(self, x: torch.device) -> torch.device:
        return x

    @torch.jit.export
    def dtype(self, x: torch.dtype) -> Tuple[Tensor, torch.dtype]:
        return torch.zeros([1], dtype=x), x

    @torch.jit.export
    def optional(self, x: Optional[int]) -> Optional[int]:
        return x

    @torch.jit.export
    def union(self, x: Union[int, str, List[int]]) -> Union[int, str, List[int]]:
        return x

    @torch.jit.export
    def anything(self, x: Any) -> Any:
        return x

    @torch.jit.export
    def tensors(self, x: List[Tensor]) -> List[Tensor]:
        return x

    @torch.jit.export
    def absentees(self, x: List[Optional[Tensor]]) -> List[Optional[Tensor]]:
        return x

    @torch.jit.export
    def wholes(self, x: List[int]) -> List[int]:
        return x

    @torch.jit.export
    def floats(self, x: List[float]) -> List[float]:
        return x

    @torch.jit.export
    def truths(self, x: List[bool]) -> List[bool]:
        return x

    @torch.jit.export
    def texts(self, x: List[str]) -> List[str]:
        return x

    @torch.jit.export
    def nested(self, x: List[List[Tuple[int, str]]]) -> List[List[Tuple[int, str]]]:
        return x

    @torch.jit.export
    def tuple(self, x: Tuple[int, Tuple[str, Tensor]]) -> Tuple[int, Tuple[str, Tensor]]:
        return x

    @torch.jit.export
    def point(self, x: Point) -> Point:
        return x

    @torch.jit.export
    def color(self, x: Color) -> Color:
        return x

    @torch.jit.export
    def by_name(self, x: Dict[str, Tensor]) -> Dict[str, Tensor]:
        return x

    @torch.jit.export
    def by_number(self, x: Dict[int, List[float]]) -> Dict[int, List[float]]:
        return x

    @torch.jit.export
    def counter(self) -> Counter:
        return Counter(3)

    @torch.jit.export
    def endless(self) -> List[Any]:
        x: List[Any] = []
        x.append(x)
        return x

    @torch.jit.export
    def warn(self, x: str) -> str:
        warnings.warn(x)
        return x

    @torch.jit.export
    def fail(self, x: Tensor) -> Tensor:
        if x.numel() >= 0:
            raise ValueError("this method always fails: Error: or so")
        return x


class Block(nn.Module):
    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.convolution(x)))


class Net(nn.Module):
    """A small network of the usual layers, with many small operations for the profiler to fuse."""

    def __init__(self):
        super().__init__()
        self.first = Block(2, 4)
        self.second = Block(4, 4)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)
        self.version = 3

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    @torch.jit.export
    def features(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x)).mean([2, 3])
        y = torch.tanh(y) * torch.sigmoid(y) + y * 0.5 - torch.exp(-y * y)
        return self.dropout(y)


def make_tiny() -> torch.jit.ScriptModule:
    """A linear layer, for the fuzzer: the less there is, the more of it is damaged."""
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        layer.bias.copy_(torch.tensor([-0.5, -0.5]))
    return torch.jit.script(layer)


def make_net() -> torch.jit.ScriptModule:
    torch.manual_seed(1)
    net = Net()
    for _ in range(3):  # running means that are not zero
        net(torch.randn(4, 2, 5, 5))
    return torch.jit.script(net.eval())


def rewrite(source: pathlib.Path, target: pathlib.Path, change) -> None:
    """Copies an archive with each file changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            # A new entry has a fixed date, so that the same archive comes out each time.
            new.writestr(zipfile.ZipInfo(entry.filename), change(entry.filename, old.read(entry)))


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data, (old, data)
    return data.replace(old, new)


def needs_operator(name: str, data: bytes) -> bytes:
    if not name.endswith(".py"):
        return data
    return replaced(data, b"torch.mul(x, scale)", b"ops.torchvision.nms(x, x, scale)")


def on_cuda(name: str, data: bytes) -> bytes:
    """As saved where the weights were on a GPU."""
    if not name.endswith("/data.pkl"):
        return data
    return replaced(data, b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")


def write_reference(net: torch.jit.ScriptModule) -> None:
    x = torch.linspace(-1, 1, 2 * 2 * 5 * 5).reshape(2, 2, 5, 5).requires_grad_()
    y = net(x)
    y.square().sum().backward()
    (OUTPUT / "net.json").write_text(
        json.dumps(
            {
                "shown": str(net),
                "output": y.detach().flatten().tolist(),
                "input_gradient": x.grad.flatten().tolist(),
                "head_gradient": net.head.weight.grad.flatten().tolist(),
                "parameters": [name for name, _ in net.named_parameters()],
                "buffers": [name for name, _ in net.named_buffers()],
                "modules": [name for name, _ in net.named_modules()],
                "children": [name for name, _ in net.named_children()],
            },
            indent=1,
        )
        + "\n"
    )


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    values = OUTPUT / "values.pt"
    torch.jit.script(Values()).save(str(values))
    torch.jit.script(Objects()).save(str(OUTPUT / "objects.pt"))
    net = make_net()
    net.save(str(OUTPUT / "net.pt"), _extra_files={"config.json": '{"kind": "net"}', "notes/empty": ""})
    write_reference(net)
    make_tiny().save(str(OUTPUT / "tiny.pt"), _extra_files={"note.txt": "a file beside the code"})

    rewrite(values, OUTPUT / "unknown_operator.pt", needs_operator)
    rewrite(OUTPUT / "net.pt", OUTPUT / "cuda.pt", on_cuda)
    for name in ("values", "objects", "net", "tiny", "unknown_operator", "cuda"):
        take_out_paths(OUTPUT / f"{name}.pt")

    layer = nn.Linear(2, 2)
    torch.save(layer.state_dict(), OUTPUT / "state_dict.pt")
    torch.save(layer.state_dict(), OUTPUT / "old_state_dict.pt", _use_new_zipfile_serialization=False)
    torch.save(layer, OUTPUT / "pickled.pt")
    torch.export.save(torch.export.export(layer, (torch.zeros(1, 2),)), OUTPUT / "exported.pt2")


if __name__ == "__main__":
    main()
