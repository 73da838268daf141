"""Weights in a byte each: a row of a matrix or a convolution is int8 with one float scale. Vectors stay float16."""

import torch


def pack_weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    packed = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        if tensor.ndim < 2:
            packed[name] = tensor.half()
            continue
        rows = tensor.float().flatten(1)
        scale = rows.abs().amax(1).clamp(min=1e-12) / 127
        packed[name] = (rows / scale[:, None]).round().to(torch.int8).view(tensor.shape)
        packed[name + ".scale"] = scale
    return packed


def unpack_weights(packed: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The float32 tensors, under their names."""
    state = {}
    for name, tensor in packed.items():
        if tensor.dtype == torch.int8:
            scale = packed[name + ".scale"].float()
            state[name] = tensor.float() * scale.view(-1, *[1] * (tensor.ndim - 1))
        elif name.removesuffix(".scale") not in packed or not name.endswith(".scale"):
            state[name] = tensor.float()
    return state
