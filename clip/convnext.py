# ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s") as an image encoder, under timm's names.


# Normalizes over the channels of a picture.
class LayerNorm2d:
    # In float32 at least: half precision overflows in the variance.
    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        if x.dtype == torch.float64:
            out = torch.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        else:
            weight, bias = self.weight.to(torch.float32), self.bias.to(torch.float32)
            out = torch.layer_norm(x.to(torch.float32), weight.shape, weight, bias, self.eps).to(x.dtype)
        return out.permute(0, 3, 1, 2)


# The perceptron is over the channels, which come last for it.
class ConvNeXtBlock:
    def forward(self, x: Tensor) -> Tensor:
        out = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1))) * self.gamma
        return x + out.permute(0, 3, 1, 2)


class ConvNeXtStage:
    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.downsample(x))


class ConvNeXtHead:
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(x.mean([2, 3])))


class ConvNeXt:
    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.stages(self.stem(image)))
