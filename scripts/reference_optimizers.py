"""Writes torch/testdata/optimizers.json: where PyTorch's optimisers stand after each of 50 steps.

    python scripts/reference_optimizers.py
"""

import json
from pathlib import Path

import torch

OUTPUT = Path(__file__).resolve().parent.parent / "torch" / "testdata" / "optimizers.json"
STEPS = 50

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.001),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.0005, momentum=0.9, weight_decay=0.01,
                                              nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adam_amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-6,
                                               weight_decay=0.02, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.05),
}


def trajectory(make) -> list:
    point = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True)
    optimizer = make([point])
    places = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        x, y = point
        ((1 - x) ** 2 / 100 + (y - x ** 2) ** 2).backward()
        optimizer.step()
        places.append(point.tolist())
    return places


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps({name: trajectory(make) for name, make in OPTIMIZERS.items()},
                                 indent=1) + "\n")
