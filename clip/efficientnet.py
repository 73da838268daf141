# EfficientNet (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
# Networks") in its Lite variant, without squeeze and excitation and with ReLU6, under timm's names.


# A convolution that pads as TensorFlow's SAME does: to ceil(side / stride) pixels, the odd one at the
# right and the bottom.
class SameConv2d:
    def padding_of(self, side: int) -> List[int]:
        total = ((side + self.stride - 1) // self.stride - 1) * self.stride + self.weight.size(2) - side
        if total < 0:
            total = 0
        return [total // 2, total - total // 2]

    def forward(self, x: Tensor) -> Tensor:
        x = torch.constant_pad_nd(x, self.padding_of(x.size(3)) + self.padding_of(x.size(2)), 0)
        return torch.conv2d(x, self.weight, None, [self.stride, self.stride], [0, 0], [1, 1], self.groups)


class DepthwiseSeparable:
    def forward(self, x: Tensor) -> Tensor:
        out = torch.hardtanh(self.bn1(self.conv_dw(x)), 0.0, 6.0)
        out = self.bn2(self.conv_pw(out))
        if self.skip:
            out = out + x
        return out


class InvertedResidual:
    def forward(self, x: Tensor) -> Tensor:
        out = torch.hardtanh(self.bn1(self.conv_pw(x)), 0.0, 6.0)
        out = torch.hardtanh(self.bn2(self.conv_dw(out)), 0.0, 6.0)
        out = self.bn3(self.conv_pwl(out))
        if self.skip:
            out = out + x
        return out


class EfficientNet:
    def forward(self, image: Tensor) -> Tensor:
        x = torch.hardtanh(self.bn1(self.conv_stem(image)), 0.0, 6.0)
        x = torch.hardtanh(self.bn2(self.conv_head(self.blocks(x))), 0.0, 6.0)
        return self.classifier(x.mean([2, 3]))
