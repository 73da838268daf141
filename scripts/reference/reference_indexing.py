#!/usr/bin/env python3
"""Writes torch/testdata/indexing.json.gz: what x[...] and x[...] = value give in Python, for At and SetAt.

The tensor of a case holds 0, 1, 2 ... Its gradient is that of sum(result * weights), with weights
((5 i) mod 7 - 3) / 4 for element i. Where Python raises, the case has an "error". Needs PyTorch.
"""

import gzip
import json
import pathlib
import random as stdlib_random

import torch

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "testdata" / "indexing.json.gz"

cases = []
random = stdlib_random.Random(7)


def encode(tensor):
    dtype = str(tensor.dtype).removeprefix("torch.")
    data = tensor.detach().reshape(-1).to(torch.float64).tolist()
    return {"dtype": dtype, "shape": list(tensor.shape), "data": data}


def encode_index(index):
    if index is None:
        return "newaxis"
    if index is ...:
        return "ellipsis"
    if isinstance(index, bool):
        return {"bool": index}
    if isinstance(index, int):
        return {"int": index}
    if isinstance(index, slice):
        return {"range": [index.start, index.stop, index.step]}
    if isinstance(index, list):
        return {"mask" if index and isinstance(index[0], bool) else "list": index}
    return {"tensor": encode(index)}


def numbered(shape, dtype):
    count = 1
    for size in shape:
        count *= size
    return torch.arange(count).reshape(shape).to(dtype)


def add(shape, index, value=None, dtype=torch.float32, transposed=False):
    """x[index], or x[index] = value."""
    case = {"shape": list(shape), "dtype": str(dtype).removeprefix("torch."),
            "transposed": transposed, "index": [encode_index(i) for i in index]}  # fmt: skip
    x = numbered(shape, dtype)
    if transposed:
        x = x.transpose(0, 1)
    try:
        if value is not None:
            case["value"] = encode(value) if isinstance(value, torch.Tensor) else value
            x[tuple(index)] = value
            case["result"] = encode(x)
        else:
            leaf = x.clone().requires_grad_(dtype.is_floating_point)
            result = leaf[tuple(index)]
            case["result"] = encode(result)
            if dtype.is_floating_point:
                weights = ((5 * torch.arange(result.numel())) % 7 - 3) / 4
                (result * weights.reshape(result.shape)).sum().backward()
                case["gradient"] = leaf.grad.reshape(-1).tolist()
            case["view"] = x[tuple(index)]._is_view() or result.data_ptr() == leaf.data_ptr() != 0
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        case["error"] = str(error).splitlines()[0]
    cases.append(case)


LONG, BOOL = torch.int64, torch.bool
T = torch.tensor
S = slice

# Each kind of index, alone and beside others.
x = (4, 5, 6)
for index in (
    [], [0], [3], [-1], [-4], [4], [-5], [0, 0, 0], [-1, -1, -1], [0, 0, 0, 0], [...], [0, ...],
    [..., 0], [0, ..., 0], [0, 0, 0, ...], [None], [None, None], [None, 0], [0, None], [..., None],
    [None, ..., None], [S(None)], [S(1, None)], [S(None, -1)], [S(-2, None)], [S(None, None, 2)],
    [S(1, 10, 3)], [S(3, 1)], [S(-100, 100)], [S(5, 9)], [S(0, 0)], [S(2, 3), S(1, 3), S(None, None, 5)],
    [S(None), S(None), S(None), S(None)], [S(1, None), ..., None], [..., S(None, -1)],
    [True], [False], [True, 0], [0, True], [..., False], [True, True], [True, None, S(1, 2)],
    [T([0, 2])], [T([[0, 1], [2, 3]])], [T([-1, -4])], [T([4])], [T([-5])], [T(2)], [T(-1)], [T(7)],
    [T([], dtype=LONG)], [T([0, 2]), T([1, 3])], [T([0, 2]), T([1, 3]), T([5, -6])],
    [T([0, 2]), T([1, 2, 3])], [T([[0], [2]]), T([1, 2, 3])], [T([0, 2]), S(None), T([1, 3])],
    [S(None), T([0, 2]), T([1, 3])], [T([0, 2]), 1, T([1, 3])], [T([0, 2]), None, T([1, 3])],
    [S(None), T([0, 2])], [S(None), S(None), T([0, 2])], [..., T([0, 2])], [T([0, 2]), ..., T([1, 3])],
    [T([0, 2]), ...], [0, T([0, 2])], [T([0, 2]), 0], [0, ..., T([0, 2])], [0, S(None), T([0, 2])],
    [None, T([0, 2])], [T([0, 2]), None], [S(None), None, T([0, 2])], [T([0, 2]), True],
    [[0, 2]], [[0, 2], [1, 3]], [S(None), [1, 1, 1]], [[]], [[True, False, True, False]],
    [[True, False, True]], [T([True, False, True, False])], [T([True] * 5)],
    [S(None), T([True, False, True, False, True])], [0, T([True, False, True, False, True])],
    [T([True, False, True, False]), T([0, 1])], [T([True, False, True, False]), T([0, 1, 2])],
    [T([True, False, True, False]), S(None), T([0, 1])], [T([False] * 4)], [T(True)], [T(False)],
    [T(True), 0], [numbered((4, 5), LONG) % 3 == 0], [numbered((4, 5, 6), LONG) % 7 == 0],
    [S(None), numbered((5, 6), LONG) % 4 == 1], [numbered((4, 6), LONG) > 3], [numbered((4, 5, 6, 1), LONG) > 3],
    [numbered((4, 5), LONG) % 3 == 0, T([0])], [numbered((4, 5), LONG) % 3 == 0, 2], [..., numbered((5, 6), LONG) > 20],
    [T([0.0, 1.0])], [T([0, 1], dtype=torch.int32)], [T([0, 1], dtype=torch.int16)], [T([1], dtype=torch.int8)],
    [T([0, 1], dtype=torch.complex64)],
):  # fmt: skip
    add(x, index)
    add(x, index, 7)
for shape, index in [
    ((), []), ((), [...]), ((), [None]), ((), [0]), ((), [S(None)]), ((), [True]), ((), [False]), ((), [T(True)]),
    ((), [T(False)]), ((), [T(0)]), ((), [T([0])]), ((0,), [0]), ((0,), [S(None)]), ((0,), [T([], dtype=LONG)]),
    ((0,), [T([0])]), ((0, 3), [S(None), 1]), ((0, 3), [T([], dtype=BOOL)]), ((0, 3), [numbered((0, 3), LONG) > 1]),
    ((0, 3), [0]), ((3, 0), [T([1, 1])]), ((3, 0), [..., 0]), ((3, 0), [S(1, None), S(None)]), ((3, 0), [None, T([5])]),
    ((1, 1), [0, 0]), ((1, 1), [T([[0, 0, 0]]), T([0])]), ((10,), [S(None, None, 3)]), ((10,), [S(9, None, 100)]),
]:  # fmt: skip
    add(shape, index)
    add(shape, index, -2)

# Numbers and tensors that are assigned, to every dtype.
for dtype in (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool):
    for value in (3, -1, 0, 2.75, -0.5, True, False, 300):
        for index in ([0], [S(1, None), ..., 2], [T([0, 2])], [T([True, False, True])], [...], []):
            add((3, 4), index, value, dtype)
    for value in (T(3), T(2.5), T([1, 2, 3, 4]), T([[9.0], [8.0]]), torch.ones(1, 1, 1, 4), torch.ones(5), torch.ones(2, 2, 4)):
        for index in ([0], [S(1, None)], [T([0, 2])], [S(None), T([0, 2])], [T([True, False, True])], [...], [None]):
            add((3, 4), index, value, dtype)
            add((3, 4), index, value.to(dtype), dtype)

# Expressions at random, mostly of the right length.
def random_index(size):
    kind = random.randrange(12)
    if kind < 3:
        return random.randint(-size - 1, size) if random.randrange(8) == 0 else random.randint(-size, max(size - 1, 0))
    if kind < 7:
        ends = [None] + list(range(-size - 1, size + 2))
        return S(random.choice(ends), random.choice(ends), random.choice([None, 1, 1, 2, 3]))
    if kind < 8:
        return None
    if kind < 10:
        shape = random.choice([(2,), (2,), (1,), (3,), (2, 2), (1, 2), (0,), ()])
        count = 1
        for n in shape:
            count *= n
        return T([random.randint(-size, max(size - 1, 0)) for _ in range(count)], dtype=LONG).reshape(shape)
    if kind < 11:
        return T([random.random() < 0.5 for _ in range(size)], dtype=BOOL)
    return random.choice([True, False, T(True), T(False)])


for number in range(700):
    shape = [random.choice([1, 2, 3, 3, 4, 0][: 5 + (number % 10 == 0)]) for _ in range(random.randint(0, 4))]
    transposed = len(shape) > 1 and random.randrange(3) == 0
    sizes = [shape[1], shape[0], *shape[2:]] if transposed else list(shape)
    index, place = [], 0
    while place < len(sizes) and random.randrange(5):
        index.append(random_index(sizes[place]))
        place += not (index[-1] is None or isinstance(index[-1], bool) or
                      (isinstance(index[-1], torch.Tensor) and index[-1].dtype == BOOL and index[-1].dim() == 0))  # fmt: skip
    if random.randrange(3) == 0:
        index.insert(random.randint(0, len(index)), ...)
    add(shape, index, transposed=transposed, dtype=random.choice([torch.float32, torch.float32, torch.int64]))
    add(shape, index, random.choice([5, -1.5, torch.tensor(4.0), torch.tensor([6.0])]), transposed=transposed)

# A step that is no whole number above 0; in Go the same, in other words.
add(x, [S(None, None, -1)])
add(x, [S(None, None, 0)])

lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
OUTPUT.write_bytes(gzip.compress(f"[\n{lines}\n]\n".encode(), mtime=0))
print(f"{OUTPUT}: {len(cases)} cases, {sum('error' in case for case in cases)} errors")
