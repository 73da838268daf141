"""Writes files of tensors, by the packages that define their formats, for the tests of reading them.

    python scripts/reference/reference_io.py

torch/checkpoint/testdata/saved (torch.save), torch/safetensors/testdata and torch/numpy/testdata; beside the
files expected.json: dtype, shape and values of each tensor in them.
"""

import collections
import json
from pathlib import Path

import numpy
import safetensors.torch
import torch
from torch import nn

from neutral_paths import take_out_paths

ROOT = Path(__file__).resolve().parents[2] / "torch"
SAVED = ROOT / "checkpoint" / "testdata" / "saved"
SAFETENSORS = ROOT / "safetensors" / "testdata"
NUMPY = ROOT / "numpy" / "testdata"

# Every element type that the Go package has, with values that show its range.
VALUES = {
    "bool": [True, False, False, True, True, False],
    "uint8": [0, 1, 2, 127, 128, 255],
    "int8": [0, 1, -1, 2, 127, -128],
    "int16": [0, 1, -1, 300, 32767, -32768],
    "int32": [0, 1, -1, 70000, 2**31 - 1, -(2**31)],
    "int64": [0, 1, -1, 2**40, 2**53, -(2**53)],
    "float16": [0, 1, -1.5, 0.333251953125, 65504, float("-inf")],
    "bfloat16": [0, 1, -1.5, 0.333984375, 3.0e38, float("-inf")],
    "float32": [0, 1, -1.5, 0.1, 3.0e38, float("inf")],
    "float64": [0, 1, -1.5, 0.1, 1.0e300, float("inf")],
    "complex64": [0, 1, 1j, -1.5 + 2j, 0.1 - 0.1j, 3.0e38j],
    "complex128": [0, 1, 1j, -1.5 + 2j, 0.1 - 0.1j, 1.0e300j],
    "complex32": [0, 1, 1j, -1.5 + 2j, 0.0999755859375 - 4j, 65504j],
    "uint16": [0, 1, 2, 300, 32768, 65535],
    "uint32": [0, 1, 2, 70000, 2**31, 2**32 - 1],
    "uint64": [0, 1, 2, 2**40, 2**53, 2**63],
    "float8_e4m3fn": [0, 1, -1.5, 0.375, 448, -0.001953125],
    "float8_e4m3fnuz": [0, 1, -1.5, 0.375, 240, -0.0009765625],
    "float8_e5m2": [0, 1, -1.5, 0.375, 57344, float("-inf")],
    "float8_e5m2fnuz": [0, 1, -1.5, 0.375, 57344, -0.25],
    "float8_e8m0fnu": [1, 2, 0.5, 4, 2.0**100, 2.0**-100],
}

# What can only be held, by bytes.
BITS = ("float4_e2m1fn_x2", "bits1x8", "bits2x4", "bits4x2", "bits8", "bits16")

# What the format of torch.save has no form for beside the storages of old.
NO_NUMPY = {"bfloat16", "complex32", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
            "float8_e5m2fnuz", "float8_e8m0fnu", *BITS}


def every_dtype():
    """Each dtype as a matrix, without dimensions, and empty."""
    tensors = {}
    for name, values in VALUES.items():
        matrix = torch.tensor(values, dtype=getattr(torch, name)).reshape(2, 3)
        tensors[name] = matrix
        tensors[name + "_scalar"] = matrix[1, 1].clone()
        tensors[name + "_empty"] = matrix[:, :0].clone()
    for name in BITS:
        tensors[name] = torch.arange(24, dtype=torch.uint8).reshape(2, 12).view(getattr(torch, name))
    return tensors


def describe(tensor):
    """dtype, shape and values in row-major order, as JSON has them."""
    tensor = torch.as_tensor(tensor).detach().resolve_conj().resolve_neg()
    plain = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    if str(tensor.dtype).removeprefix("torch.") in BITS:
        plain = tensor.view(torch.uint8)
    elif plain.is_floating_point():
        plain = plain.double()
    values = [float(value) for value in plain.flatten().tolist()]
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "values": [value if abs(value) != float("inf") else str(value) for value in values],
    }


def write_expected(folder, expected):
    described = {
        file: {name: describe(tensor) for name, tensor in tensors.items()}
        for file, tensors in expected.items()
    }
    (folder / "expected.json").write_text(json.dumps(described, sort_keys=True) + "\n")


class Net(nn.Module):
    """Parameters, buffers, a weight that two layers share, and layers that have versions."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Linear(4, 4)
        self.third = nn.Linear(4, 4)
        self.third.weight = self.second.weight

    def forward(self, x):
        return self.third(self.second(self.norm(self.first(x))))


def trained():
    """A module and an optimizer after two steps."""
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
    return net, optimizer


def write_saved():
    SAVED.mkdir(parents=True, exist_ok=True)
    expected = {}
    net, optimizer = trained()

    tensors = every_dtype()
    torch.save(tensors, SAVED / "dtypes.pt")
    expected["dtypes.pt"] = tensors

    torch.save(net.state_dict(), SAVED / "module.pt")
    expected["module.pt"] = net.state_dict()
    torch.save(optimizer.state_dict(), SAVED / "optimizer.pt")
    expected["optimizer.pt"] = {
        f"{index}.{name}": value
        for index, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }

    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    views = {
        "base": base,
        "transposed": base.t(),
        "slice": base[1:3, ::2],
        "row": base[2],
        "expanded": base[0, :1].expand(3),
        "empty": base[:0],
        "conjugate": torch.tensor([1 + 2j, 3 - 4j]).conj(),
        "negative": torch.tensor([1 + 2j, 3 - 4j]).conj().imag,
    }
    torch.save(views, SAVED / "views.pt")
    expected["views.pt"] = views

    shared = [1, 2]
    values = {
        "none": None,
        "bools": [True, False],
        "ints": [0, 255, 256, 65536, -1, 2**31, -(2**63), 2**63 - 1, 2**80, -(2**80)],
        "floats": [0.5, -1e300, float("inf")],
        "complex": 1 - 2j,
        "texts": ["", "ascii", "\u00e9\u4e2d\U0001f600"],
        "bytes": [b"a\xff\x00", bytearray(b"b\x80")],
        "tuples": ((), (1,), (1, (2, 3), "four"), (1, 2, 3, 4)),
        "lists": [shared, shared, []],
        "set": {7},
        "dtype": torch.bfloat16,
        "devices": [torch.device("cpu"), torch.device("cuda:1")],
        "size": torch.Size([2, 3]),
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "counter": collections.Counter({"x": 3}),
        "parameter": nn.Parameter(torch.ones(2)),
        3: "int key",
        (1, "t"): "tuple key",
        None: "none key",
        2.5: "float key",
    }
    torch.save(values, SAVED / "values.pt")
    expected["values.pt"] = {"parameter": values["parameter"]}

    legacy = {"w": base.t(), "row": base[2], "bf16": tensors["bfloat16"], "list": [1, "two"]}
    torch.save(legacy, SAVED / "legacy.pt", _use_new_zipfile_serialization=False)
    expected["legacy.pt"] = {name: legacy[name] for name in ("w", "row", "bf16")}

    torch.save([base[0].clone(), b"bytes"], SAVED / "protocol4.pt", pickle_protocol=4)
    expected["protocol4.pt"] = {"0": base[0]}

    # What is described and not read: a class of this script, and tensors that have no counterpart in Go.
    torch.save({"net": net}, SAVED / "class.pt")
    torch.save(torch.ones(2, 2).to_sparse(), SAVED / "sparse.pt")
    torch.save(net.norm.weight.untyped_storage(), SAVED / "storage.pt")
    torch.jit.script(nn.ReLU()).save(str(SAVED / "script.pt"))
    take_out_paths(SAVED / "script.pt")
    write_expected(SAVED, expected)


def write_safetensors():
    SAFETENSORS.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor
        for name, tensor in every_dtype().items()
        if tensor.dtype not in (torch.complex128, torch.complex32) and not name.startswith("bits")
    }
    metadata = {"format": "pt", "note": "one \"two\" \u00e9"}
    safetensors.torch.save_file(tensors, SAFETENSORS / "dtypes.safetensors", metadata)
    safetensors.torch.save_file({}, SAFETENSORS / "empty.safetensors")
    expected = {"dtypes.safetensors": tensors, "empty.safetensors": {}}

    weights = trained()[0].state_dict()
    del weights["third.weight"]  # shared with the second layer, which the format cannot say
    weights = {name: tensor.clone() for name, tensor in weights.items()}
    safetensors.torch.save_file(weights, SAFETENSORS / "module.safetensors")
    expected["module.safetensors"] = weights

    names = sorted(weights)
    places = {}
    for part, chosen in enumerate((names[:4], names[4:]), start=1):
        file = f"parts-{part:05}-of-00002.safetensors"
        safetensors.torch.save_file({name: weights[name] for name in chosen}, SAFETENSORS / file)
        places.update(dict.fromkeys(chosen, file))
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (SAFETENSORS / "parts.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    expected["parts.safetensors.index.json"] = weights
    write_expected(SAFETENSORS, expected)


def write_numpy():
    NUMPY.mkdir(parents=True, exist_ok=True)
    arrays = {
        name: tensor.numpy()
        for name, tensor in every_dtype().items()
        if str(tensor.dtype).removeprefix("torch.") not in NO_NUMPY
    }
    expected = {}
    numpy.savez(NUMPY / "stored.npz", **arrays)
    numpy.savez_compressed(NUMPY / "compressed.npz", **arrays)
    expected["stored.npz"] = expected["compressed.npz"] = arrays

    # bool_big and the like: numbers with their highest byte first.
    big = {name: array.astype(array.dtype.newbyteorder(">")) for name, array in arrays.items()}
    numpy.savez(NUMPY / "big_endian.npz", **big)
    expected["big_endian.npz"] = arrays

    cube = numpy.arange(24, dtype="float32").reshape(2, 3, 4)
    single = {"matrix": arrays["float64"], "scalar": arrays["int64_scalar"]}
    single["fortran"] = numpy.asfortranarray(cube)
    single["fortran_big"] = numpy.asfortranarray(cube.astype(">f4"))
    single["strided"] = cube[:, ::2, 1:]
    for name, array in single.items():
        numpy.save(NUMPY / f"{name}.npy", array)
        expected[f"{name}.npy"] = {"": numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("="))}
        if array.ndim == 0:
            expected[f"{name}.npy"] = {"": array}
    for version in (2, 3):
        with open(NUMPY / f"version{version}.npy", "wb") as file:
            numpy.lib.format.write_array(file, cube, version=(version, 0))
        expected[f"version{version}.npy"] = {"": cube}

    # What is refused.
    numpy.save(NUMPY / "objects.npy", numpy.array([None, {}], dtype=object), allow_pickle=True)
    numpy.save(NUMPY / "records.npy", numpy.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))
    numpy.save(NUMPY / "text.npy", numpy.array(["a", "bc"]))
    write_expected(NUMPY, expected)


if __name__ == "__main__":
    write_saved()
    write_safetensors()
    write_numpy()
