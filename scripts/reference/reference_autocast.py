#!/usr/bin/env python3
"""Writes torch/optim/testdata/autocast.json: 20 steps of a small network under torch.autocast with
torch.amp.GradScaler, one of them with an overflow, for torch/optim's tests.

    python scripts/reference/reference_autocast.py
"""

import json
import pathlib

import torch
from torch import nn

OUTPUT = pathlib.Path(__file__).resolve().parents[2] / "torch" / "optim" / "testdata" / "autocast.json"
STEPS, OVERFLOW = 20, 7


def flat(tensor):
    return tensor.detach().double().flatten().tolist()


def run(dtype):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 8),
                        nn.LayerNorm(8), nn.Linear(8, 3))  # fmt: skip
    initial = {name: flat(value) for name, value in net.named_parameters()}
    shapes = {name: list(value.shape) for name, value in net.named_parameters()}
    x, labels = torch.randn(6, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=4)
    steps = []
    for step in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=dtype):
            output = net(x)
            loss = nn.functional.cross_entropy(output, labels)
        if step == OVERFLOW:
            loss = loss * 1e38
        scaler.scale(loss).backward()
        if step % 3 == 0:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        steps.append({"loss": float(loss), "output_dtype": str(output.dtype).removeprefix("torch."),
                      "scale": scaler.get_scale(),
                      "weight": flat(net[0].weight)})  # fmt: skip
    return {
        "shapes": shapes, "initial": initial, "x": flat(x), "labels": labels.tolist(),
        "overflow": OVERFLOW, "steps": steps, "state": scaler.state_dict(),
        "final": {name: flat(value) for name, value in net.named_parameters()},
    }  # fmt: skip


OUTPUT.write_text(json.dumps({"bfloat16": run(torch.bfloat16), "float16": run(torch.float16)}) + "\n")
print(OUTPUT)
