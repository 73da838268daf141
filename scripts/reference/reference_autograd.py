"""Writes torch/testdata/autograd.json: what PyTorch's autograd gives where Python defines the number.

    python scripts/reference/reference_autograd.py

Gradients clipped by torch.nn.utils, the products and matrices of torch.autograd.functional, and
gradients that hooks changed.
"""

import json
import math
from pathlib import Path

import torch
from torch.autograd import functional

OUTPUT = Path(__file__).resolve().parents[2] / "torch" / "testdata" / "autograd.json"

# The gradients of three parameters, the second of which has none.
GRADIENTS = [[[3.0, -4.0], [0.5, 12.0]], None, [[0.25, -0.125, 8.0]]]


def parameters(scale: float = 1.0) -> list:
    made = []
    for gradient in GRADIENTS:
        shape = (2, 2) if gradient is None else torch.tensor(gradient).shape
        parameter = torch.zeros(shape, requires_grad=True)
        parameter.grad = None if gradient is None else torch.tensor(gradient) * scale
        made.append(parameter)
    return made


def gradients(made: list) -> list:
    return [None if p.grad is None else p.grad.flatten().tolist() for p in made]


def clipped_norms() -> list:
    cases = []
    for order in (1.0, 2.0, 3.5, math.inf):
        for max_norm in (0.0, 1.0, 7.0, 1000.0):
            made = parameters()
            total = torch.nn.utils.clip_grad_norm_(made, max_norm, norm_type=order)
            cases.append({"norm_type": "inf" if math.isinf(order) else order, "max_norm": max_norm,
                          "total": total.item(), "gradients": gradients(made)})
    return cases


def clipped_values() -> list:
    cases = []
    for value in (0.3, 5.0, 100.0):
        made = parameters()
        torch.nn.utils.clip_grad_value_(made, value)
        cases.append({"value": value, "gradients": gradients(made)})
    return cases


X = torch.tensor([[0.3, -0.7], [1.1, 0.2]], dtype=torch.float64)
Y = torch.tensor([0.5, -1.5], dtype=torch.float64)
VECTORS = (torch.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=torch.float64),
           torch.tensor([0.25, -2.0], dtype=torch.float64))


def several(x, y):
    """Two outputs, the second of which does not depend on y."""
    return (x @ y).tanh(), x.exp().sum(0) * x.prod()


def one(x, y):
    return ((x @ y).sin() * y).sum() + (x ** 3).sum()


def flat(value):
    if isinstance(value, torch.Tensor):
        return value.flatten().tolist()
    return [flat(item) for item in value]


def hooks() -> dict:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 3
    y.register_hook(lambda gradient: gradient * 10)
    y.register_hook(lambda gradient: gradient + 1)
    x.register_hook(lambda gradient: gradient ** 2)
    y.retain_grad()
    (y ** 2).sum().backward()
    return {"x": x.grad.tolist(), "y": y.grad.tolist()}


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps({
        "clipped_norms": clipped_norms(),
        "clipped_values": clipped_values(),
        "jacobian": flat(functional.jacobian(several, (X, Y))),
        "jvp": flat(functional.jvp(several, (X, Y), VECTORS)[1]),
        "hessian": flat(functional.hessian(one, (X, Y))),
        "hvp": flat(functional.hvp(one, (X, Y), VECTORS)[1]),
        "hooks": hooks(),
    }, indent=1) + "\n")
