# The decoder of "MoVQ: Modulating Quantized Vectors for High-Fidelity Image Generation" (Zheng et al.
# 2022): its normalizations depend on the rows of the codebook that are decoded. Under the names of
# taming-transformers and diffusers' SpatialNorm.


class SpatialNorm:
    # x [N, C, H, W], rows [N, D, h, w].
    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        rows = torch.upsample_nearest2d(rows, [x.shape[2], x.shape[3]])
        return self.norm_layer(x) * self.conv_y(rows) + self.conv_b(rows)


class MoVQBlock:
    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        h = self.conv1(torch.silu(self.norm1(x, rows)))
        h = self.conv2(torch.silu(self.norm2(h, rows)))
        return self.nin_shortcut(x) + h


class MoVQIdentity:
    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        return x


class MoVQLevel:
    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        for (block, attention) in zip(self.block, self.attn):
            x = attention(block(x, rows), rows)
        return self.upsample(x)


class MoVQMiddle:
    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x, rows), rows), rows)


class MoVQDecoder:
    def forward(self, z: Tensor, rows: Tensor) -> Tensor:
        h = self.mid(self.conv_in(z), rows)
        for level in self.up:
            h = level(h, rows)
        image = self.conv_out(torch.silu(self.norm_out(h, rows)))
        if hasattr(self, "tanh_out"):
            return torch.tanh(image)
        return image
