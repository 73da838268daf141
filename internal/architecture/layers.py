# Layers of torch.nn, with its names of parameters and attributes, in TorchScript.


class Identity:
    def forward(self, x: Tensor) -> Tensor:
        return x


class Sequential:
    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = layer(x)
        return x


class Linear:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "bias"):
            return torch.linear(x, self.weight, self.bias)
        return torch.linear(x, self.weight)


class Embedding:
    def forward(self, indices: Tensor) -> Tensor:
        return torch.embedding(self.weight, indices)


class Conv2d:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "bias"):
            return torch.conv2d(x, self.weight, self.bias, self.stride, self.padding, [1, 1], self.groups)
        return torch.conv2d(x, self.weight, None, self.stride, self.padding, [1, 1], self.groups)


class LayerNorm:
    # In float32 at least: half precision overflows in the variance.
    def forward(self, x: Tensor) -> Tensor:
        shape = self.weight.shape
        if x.dtype == torch.float64:
            return torch.layer_norm(x, shape, self.weight, self.bias, self.eps)
        weight, bias = self.weight.to(torch.float32), self.bias.to(torch.float32)
        return torch.layer_norm(x.to(torch.float32), shape, weight, bias, self.eps).to(x.dtype)


class GroupNorm:
    def forward(self, x: Tensor) -> Tensor:
        return torch.group_norm(x, self.groups, self.weight, self.bias, self.eps)


class BatchNorm2d:
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.num_batches_tracked.add_(1)
        return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var,
                                self.training, 0.1, self.eps, True)


class GELU:
    def forward(self, x: Tensor) -> Tensor:
        return torch.gelu(x)


# The approximation by tanh.
class GELUTanh:
    def forward(self, x: Tensor) -> Tensor:
        return torch.gelu(x, approximate="tanh")


# The approximation that OpenAI's CLIP was trained with.
class QuickGELU:
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)
