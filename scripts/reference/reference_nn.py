"""Writes what the layers of torch/nn are compared with: torch.nn's, on small inputs.

    python scripts/reference/reference_nn.py [torch/nn/testdata]

layers.pt is {case: {"initial", "state", "inputs", "outputs", "upstream", "gradients",
"input_gradients", "after", "evaluated"}}: the state dict that torch.manual_seed(7) gives, the one
that was used, what came of the inputs, one after another, in training mode, the gradients for the
upstream gradient at the last output, the state dict after it, and what evaluation makes of the last input.
initial.pt is {initializer: what it draws after torch.manual_seed(7)}. shown.json is {case: what print shows}.
"""

import json
import os
import sys

import torch
from torch import nn

SEED = 7


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + torch.relu(self.norm(self.conv1(x)))


class Network(nn.Module):
    """What the test's own Go structs are compared with."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.SiLU())
        self.blocks = nn.ModuleList([Block(4), Block(4)])
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)})
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("offset", torch.full((4,), 0.5))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = x.mean((2, 3)) * self.scale + self.offset
        return torch.cat([self.heads["a"](x), self.heads["b"](x)], 1)


def attention(layer, **options):
    def run(query, key, value):
        output, weights = layer(query, key, value, **options)
        return output if weights is None else torch.cat([output.flatten(), weights.flatten()])

    layer.run = run
    return layer


def cases():
    """Yields name, constructor, shapes of the inputs, number of steps."""
    yield "linear", lambda: nn.Linear(5, 3), [(2, 4, 5)], 1
    yield "linear_no_bias", lambda: nn.Linear(5, 3, bias=False), [(5,)], 1
    yield "conv1d", lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), [(2, 4, 9)], 1
    yield "conv1d_same", lambda: nn.Conv1d(2, 3, 4, padding="same", dilation=2), [(2, 2, 9)], 1
    yield "conv1d_circular", lambda: nn.Conv1d(2, 3, 3, padding=2, padding_mode="circular"), [
        (2, 2, 9)
    ], 1
    yield "conv2d", lambda: nn.Conv2d(3, 4, (3, 2), padding=(1, 0), dilation=(1, 2)), [
        (2, 3, 7, 8)
    ], 1
    yield "conv2d_depthwise", lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), [(4, 7, 7)], 1
    yield "conv2d_same_reflect", lambda: nn.Conv2d(
        2, 3, (4, 3), padding="same", dilation=(1, 2), padding_mode="reflect"
    ), [(1, 2, 7, 8)], 1
    yield "conv2d_replicate", lambda: nn.Conv2d(
        2, 3, 3, padding=(1, 2), stride=(1, 2), padding_mode="replicate"
    ), [(1, 2, 6, 7)], 1
    yield "conv_transpose2d", lambda: nn.ConvTranspose2d(4, 3, 3, stride=2), [(2, 4, 4, 5)], 1
    yield "conv_transpose2d_options", lambda: nn.ConvTranspose2d(
        4, 6, (3, 2), (2, 3), padding=1, output_padding=(1, 0), groups=2, bias=False, dilation=2
    ), [(2, 4, 4, 5)], 1
    yield "embedding", lambda: nn.Embedding(6, 3), [(2, 4)], 1
    yield "embedding_padding", lambda: nn.Embedding(6, 3, padding_idx=-2), [(2, 4)], 1
    yield "embedding_max_norm", lambda: nn.Embedding(6, 3, max_norm=1.0, norm_type=1.0), [(2, 4)], 1
    yield "layer_norm", lambda: nn.LayerNorm(6), [(2, 3, 6)], 1
    yield "layer_norm_options", lambda: nn.LayerNorm((3, 6), eps=1e-2, bias=False), [(2, 3, 6)], 1
    yield "layer_norm_plain", lambda: nn.LayerNorm(6, elementwise_affine=False), [(2, 3, 6)], 1
    yield "group_norm", lambda: nn.GroupNorm(2, 6), [(2, 6, 4)], 1
    yield "group_norm_plain", lambda: nn.GroupNorm(3, 6, eps=1e-2, affine=False), [(2, 6, 2, 3)], 1
    yield "batch_norm1d", lambda: nn.BatchNorm1d(3), [(5, 3)], 3
    yield "batch_norm1d_sequence", lambda: nn.BatchNorm1d(3, eps=1e-2, momentum=0.3), [(4, 3, 5)], 3
    yield "batch_norm2d", lambda: nn.BatchNorm2d(3, momentum=None), [(2, 3, 4, 4)], 3
    yield "batch_norm2d_plain", lambda: nn.BatchNorm2d(3, affine=False), [(2, 3, 4, 4)], 3
    yield "batch_norm2d_untracked", lambda: nn.BatchNorm2d(3, track_running_stats=False), [
        (2, 3, 4, 4)
    ], 2
    yield "attention", lambda: attention(nn.MultiheadAttention(8, 2)), [
        (3, 2, 8),
        (5, 2, 8),
        (5, 2, 8),
    ], 1
    yield "attention_no_weights", lambda: attention(
        nn.MultiheadAttention(8, 2, bias=False, batch_first=True), need_weights=False
    ), [(2, 3, 8), (2, 5, 8), (2, 5, 8)], 1
    yield "attention_sizes", lambda: attention(
        nn.MultiheadAttention(8, 4, kdim=5, vdim=6, add_bias_kv=True, add_zero_attn=True),
        attn_mask=MASK,
        average_attn_weights=False,
    ), [(3, 2, 8), (5, 2, 5), (5, 2, 6)], 1
    yield "attention_masks", lambda: attention(
        nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True),
        attn_mask=HEAD_MASK,
        key_padding_mask=PADDING,
    ), [(2, 3, 8), (2, 5, 8), (2, 5, 8)], 1
    yield "attention_masks_no_weights", lambda: attention(
        nn.MultiheadAttention(8, 2, batch_first=True),
        attn_mask=MASK,
        key_padding_mask=PADDING,
        need_weights=False,
    ), [(2, 3, 8), (2, 5, 8), (2, 5, 8)], 1
    yield "attention_unbatched", lambda: attention(nn.MultiheadAttention(8, 2)), [
        (3, 8),
        (5, 8),
        (5, 8),
    ], 1
    yield "attention_causal", lambda: attention(
        nn.MultiheadAttention(8, 2),
        attn_mask=torch.ones(4, 4).triu(1).bool(),
        is_causal=True,
        need_weights=False,
    ), [(4, 2, 8)] * 3, 1
    yield "prelu", lambda: nn.PReLU(3), [(2, 3, 4)], 1
    for name, layer in {
        "relu": nn.ReLU(),
        "relu6": nn.ReLU6(),
        "leaky_relu": nn.LeakyReLU(),
        "leaky_relu_slope": nn.LeakyReLU(0.2),
        "elu": nn.ELU(),
        "elu_alpha": nn.ELU(0.5),
        "selu": nn.SELU(),
        "gelu": nn.GELU(),
        "gelu_tanh": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "mish": nn.Mish(),
        "tanh": nn.Tanh(),
        "sigmoid": nn.Sigmoid(),
        "log_sigmoid": nn.LogSigmoid(),
        "hard_sigmoid": nn.Hardsigmoid(),
        "hard_swish": nn.Hardswish(),
        "softplus": nn.Softplus(),
        "softplus_options": nn.Softplus(2.0, 1.0),
        "glu": nn.GLU(1),
        "softmax": nn.Softmax(1),
        "log_softmax": nn.LogSoftmax(0),
        "flatten": nn.Flatten(),
        "unflatten": nn.Unflatten(1, (2, -1)),
        "identity": nn.Identity(),
        "max_pool2d": nn.MaxPool2d(2),
        "avg_pool2d": nn.AvgPool2d(2, stride=1, padding=1),
        "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d(2),
        "upsample": nn.Upsample(scale_factor=2),
    }.items():
        yield name, lambda layer=layer: layer, [(2, 4, 3, 5)], 1
    yield "network", Network, [(2, 3, 8, 8)], 3


MASK = torch.tensor([[0, 0, 1, 0, 1], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]).bool()
PADDING = torch.tensor([[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]).bool()
HEAD_MASK = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(2))


def run(name, make, shapes, steps):
    torch.manual_seed(SEED)
    layer = make()
    forward = getattr(layer, "run", layer)
    copy = lambda: {key: value.detach().clone() for key, value in layer.state_dict().items()}  # noqa: E731
    result = {"initial": copy()}
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    result["state"] = copy()
    result["inputs"], result["outputs"] = [], []
    for _ in range(steps):
        if name.startswith("embedding"):
            inputs = [torch.tensor([[0, 4, 2, 4], [5, 1, 1, 4]])]
        else:
            inputs = [(2 * torch.randn(shape) + 0.5).requires_grad_() for shape in shapes]
        layer.zero_grad()
        output = forward(*inputs)
        result["inputs"].append([each.detach() for each in inputs])
        result["outputs"].append(output.detach())
    upstream = torch.randn_like(output)
    output.backward(upstream)
    result["upstream"] = upstream
    result["gradients"] = {key: p.grad for key, p in layer.named_parameters() if p.grad is not None}
    result["input_gradients"] = [each.grad for each in inputs if each.grad is not None]
    result["after"] = copy()
    layer.eval()
    result["evaluated"] = forward(*inputs).detach()
    return result


def initial():
    weight = (5, 4, 3)
    for name, fill, shape in [
        ("uniform", lambda t: nn.init.uniform_(t, -1, 2), weight),
        ("normal", lambda t: nn.init.normal_(t, 1, 2), weight),
        ("constant", lambda t: nn.init.constant_(t, 0.3), weight),
        ("trunc_normal", lambda t: nn.init.trunc_normal_(t), (9, 9)),
        ("trunc_normal_bounds", lambda t: nn.init.trunc_normal_(t, 1, 2, 0.5, 4), (9, 9)),
        ("trunc_normal_tail", lambda t: nn.init.trunc_normal_(t, 0, 1, 2, 3), (9, 9)),
        ("xavier_uniform", lambda t: nn.init.xavier_uniform_(t), weight),
        ("xavier_uniform_gain", lambda t: nn.init.xavier_uniform_(t, 5.0 / 3), weight),
        ("xavier_normal", lambda t: nn.init.xavier_normal_(t), weight),
        ("kaiming_uniform", lambda t: nn.init.kaiming_uniform_(t), weight),
        ("kaiming_uniform_slope", lambda t: nn.init.kaiming_uniform_(t, 0.2, "fan_out"), weight),
        ("kaiming_normal", lambda t: nn.init.kaiming_normal_(t), weight),
        (
            "kaiming_normal_relu",
            lambda t: nn.init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"),
            weight,
        ),
        ("orthogonal", lambda t: nn.init.orthogonal_(t), weight),
        ("orthogonal_tall", lambda t: nn.init.orthogonal_(t, 2), (7, 2, 2)),
        ("eye", lambda t: nn.init.eye_(t), (3, 4)),
        ("dirac", lambda t: nn.init.dirac_(t), (5, 4, 3)),
        ("dirac_groups", lambda t: nn.init.dirac_(t, 2), (6, 2, 3, 3)),
    ]:
        torch.manual_seed(SEED)
        tensor = torch.full(shape, 9.0)
        fill(tensor)
        yield name, tensor


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "torch/nn/testdata"
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    torch.save({name: run(name, *rest) for name, *rest in cases()}, f"{folder}/layers.pt")
    torch.save(dict(initial()), f"{folder}/initial.pt")
    with open(f"{folder}/shown.json", "w") as file:
        json.dump({name: repr(make()) for name, make, *_ in cases()}, file, indent=1)
        file.write("\n")
    # A whole state dict as PyTorch saves it, with its metadata.
    torch.manual_seed(SEED)
    torch.save(Network().state_dict(), f"{folder}/network.pt")


if __name__ == "__main__":
    main()
