#!/usr/bin/env python3
"""Writes torch/testdata/print.json.gz: what Python's print(tensor) shows, for package torch's String.

Each case is a tensor (dtype, shape, the bytes of its elements in base64), what is done to it
("steps"), the print options and the text. Needs PyTorch.
"""

import base64
import gzip
import itertools
import json
import math
import pathlib

import torch

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "testdata" / "print.json.gz"

cases = []
random = torch.Generator().manual_seed(4)

REALS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
COMPLEX = [torch.complex64, torch.complex128]

# What is done to a tensor before it is printed; the test has the same in Go.
STEPS = {
    "requires_grad": lambda x: x.requires_grad_(),
    "add": lambda x: torch.ops.aten.add.Scalar(x, 1),  # as AddScalar does; x + 1 is another node
    "transpose": lambda x: x.transpose(0, 1),
    "conj": lambda x: x.conj_physical(),
    "imaginary": lambda x: x.imag,
    "sum": lambda x: x.sum(),
    "first": lambda x: x[0],
    "add_in_place": lambda x: torch.ops.aten.add_.Scalar(x, 1),
    "expand": lambda x: x.expand(1000, 1000, 1000),
}


def add(tensor, steps=(), **options):
    flat = tensor.detach().contiguous().reshape(-1)
    data = bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""
    printed = tensor.clone()
    for step in steps:
        printed = STEPS[step](printed)
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    text = str(printed)
    torch.set_printoptions(profile="default")
    if options.get("threshold") == math.inf:
        options["threshold"] = 2**62
    cases.append(
        {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "data": base64.b64encode(data).decode(),
            "steps": list(steps),
            "options": options,
            "text": text,
        }
    )


def normal(*shape, dtype=torch.float32, scale=1.0):
    wide = torch.float64 if not dtype.is_complex else torch.complex128
    return (torch.randn(shape, generator=random, dtype=wide) * scale).to(dtype)


def integers(*shape, dtype=torch.int64, low=-100, high=100):
    info = torch.iinfo(dtype)
    values = torch.randint(max(low, info.min), min(high, info.max), shape, generator=random)
    return values.to(dtype)


SHAPES = [(), (1,), (5,), (40,), (0,), (0, 3), (3, 0), (1, 1), (2, 3), (3, 30), (2, 2, 3),
          (2, 1, 2, 2), (1, 0, 2)]  # fmt: skip

for shape in SHAPES:
    for dtype in REALS + COMPLEX:
        add(normal(*shape, dtype=dtype))
    for dtype in INTEGERS:
        add(integers(*shape, dtype=dtype))
    add(integers(*shape) > 0)

for dtype, power in itertools.product(REALS, [-42, -9, -5, -4, -3, 0, 3, 4, 7, 8, 9, 30]):
    add(normal(7, dtype=dtype, scale=10.0**power))
    add((normal(6, dtype=torch.float64, scale=10.0**power)).round().to(dtype))

special = [0.0, -0.0, math.inf, -math.inf, math.nan, -math.nan]
for extra in ([], [1.0], [-1.0], [0.5], [-0.5], [1e-5], [1e9], [1.0, 2000.0], [1.5, 1500.0],
              [1.5, 1501.0], [0.1, 123.456, -7e-3], [0.99995], [9.99995, 99.99995], [-1000.0],
              [100000.0], [1e8], [1.00000001e8], [2.5, 3.5, 0.12345], [0.00005], [1e-4]):  # fmt: skip
    for dtype in REALS:
        values = torch.tensor(extra, dtype=torch.float64).to(dtype)
        add(values)
        add(torch.cat([values, torch.tensor(special).to(dtype)]))
        for value in special[:5]:
            add(torch.cat([values, torch.tensor([value]).to(dtype)]))
    real = torch.tensor(extra + special, dtype=torch.float64)
    for imaginary in (0.0, -0.0, 1.0, -2.5, 1e-7, math.inf, -math.inf, math.nan):
        add(torch.complex(real, torch.full_like(real, imaginary)))
    add(torch.complex(real, real.flip(0)).to(torch.complex64))
for value in special + [1.0, -2.5, 1e-7, 1e10, 3e38, 123456.789]:
    for dtype in REALS + COMPLEX:
        add(torch.tensor(value, dtype=torch.float64).to(dtype))
for value in (2**63 - 1, -(2**63), 0, -1):
    add(torch.tensor(value))
    add(torch.tensor([value, 5]))
add(torch.tensor(True))
add(torch.tensor([[True], [True]]))

# The threshold, and what is left out above it.
for shape in [(1000,), (1001,), (500, 2), (501, 2), (2, 501), (7, 143), (6, 167), (10, 10, 10),
              (10, 10, 11), (3, 7, 50), (2, 3, 4, 50), (1001, 1), (1, 1001), (2, 2, 2, 2, 2, 40)]:
    add(integers(*shape))
    add(normal(*shape))
    add(normal(*shape, dtype=torch.float16))
add(normal(1001, dtype=torch.complex64))
add(normal(20, 60, dtype=torch.complex64))
add(normal(1100) > 0)
spread = normal(2000)
spread[1000] = 1e20  # not shown, so it has no say in the format
add(spread)
add(torch.tensor([1.5]), ["expand"])

# Options.
wide, long, cube = normal(4, 30), normal(1100), integers(9, 9, 13)
for options in (
    {"precision": 0}, {"precision": 1}, {"precision": 8}, {"threshold": 5}, {"threshold": 0},
    {"threshold": math.inf}, {"edgeitems": 1}, {"edgeitems": 5}, {"edgeitems": 0},
    {"linewidth": 1}, {"linewidth": 40}, {"linewidth": 120}, {"sci_mode": True},
    {"sci_mode": False}, {"profile": "short"}, {"profile": "full"},
    {"precision": 2, "threshold": 10, "edgeitems": 2, "linewidth": 50, "sci_mode": True},
):  # fmt: skip
    named = {key: value for key, value in options.items() if key != "profile"}
    if options.get("profile") == "short":
        named = {"precision": 2, "edgeitems": 2}
    if options.get("profile") == "full":
        named = {"threshold": math.inf}
    for tensor in (wide, long, cube, torch.tensor(-2.75), torch.tensor([1.0, 2.0]),
                   torch.tensor([1e-8, 1e8]), normal(4, 5, dtype=torch.complex64),
                   torch.zeros(0, 2), integers(3) > 0):  # fmt: skip
        add(tensor, **named)

# Views, gradients, and where what follows the elements goes.
for shape in [(3,), (2, 3), (2, 9), (2, 10), (2, 11), (8,), (9,), (0, 2), (30, 40)]:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        add(normal(*shape, dtype=dtype), ["requires_grad"])
        add(normal(*shape, dtype=dtype), ["requires_grad", "add"])
        add(normal(*shape, dtype=dtype), ["requires_grad", "sum"])
        add(normal(*shape, dtype=dtype), ["requires_grad", "add", "add_in_place"])
    add(normal(*shape, dtype=torch.complex64), ["requires_grad", "conj"])
    add(normal(*shape, dtype=torch.complex64), ["conj"])
    add(normal(*shape, dtype=torch.complex64), ["imaginary"])
for shape in [(2, 3), (5, 2, 2), (40, 30)]:
    add(normal(*shape), ["transpose"])
    add(normal(*shape), ["requires_grad", "transpose", "add"])
    add(normal(*shape), ["requires_grad", "add", "first", "add_in_place"])
    add(integers(*shape), ["transpose", "first"])

# Types without arithmetic, and those that are only held.
for name in ("uint16", "uint32", "uint64", "complex32", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz",
             "float8_e4m3fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"):  # fmt: skip
    # Python's own choice of digits overflows for the powers of two of float8_e8m0fnu.
    if name != "float8_e8m0fnu":
        for count in (8, 64, 1600):
            raw = torch.randint(0, 256, (count,), generator=random, dtype=torch.uint8)
            add(raw.view(getattr(torch, name)))
        add(torch.zeros(2, 8, dtype=torch.uint8).view(getattr(torch, name)))
    add(torch.empty(0, dtype=getattr(torch, name)))
    if not name.startswith(("float4", "uint")):
        add(torch.tensor([1.0, 0.5, 2.0, 4.0]).to(getattr(torch, name)))

lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
OUTPUT.write_bytes(gzip.compress(f"[\n{lines}\n]\n".encode(), mtime=0))
print(f"{OUTPUT}: {len(cases)} cases")
