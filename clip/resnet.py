# CLIP's ResNet: a stem of three convolutions, average pools in place of strides, attention at the
# end.


# Its stride is an average pool, so that no activation goes unseen.
class Bottleneck:
    def forward(self, x: Tensor) -> Tensor:
        # The backward of batch normalization needs its input alone, so its output is overwritten.
        out = self.bn1(self.conv1(x)).relu_()
        out = self.bn2(self.conv2(out)).relu_()
        if self.stride > 1:
            out = torch.avg_pool2d(out, [self.stride, self.stride])
            x = torch.avg_pool2d(x, [self.stride, self.stride])
        return self.bn3(self.conv3(out)).add_(self.downsample(x)).relu_()


# Pools a feature map by one attention layer, whose query is the mean over the map.
class AttentionPool2d:
    def split_heads(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean([1], True), x], 1)
        x = x + self.positional_embedding.to(x.dtype)
        query = self.split_heads(self.q_proj(x[:, :1]))
        key, value = self.split_heads(self.k_proj(x)), self.split_heads(self.v_proj(x))
        pooled = torch.scaled_dot_product_attention(query, key, value)
        return self.c_proj(pooled.transpose(1, 2).flatten(1))


class ModifiedResNet:
    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu_()
        x = self.bn2(self.conv2(x)).relu_()
        x = self.bn3(self.conv3(x)).relu_()
        x = torch.avg_pool2d(x, [2, 2])
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.attnpool(x)
