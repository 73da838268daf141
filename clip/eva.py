# The image encoders of EVA-CLIP (Sun et al. 2023, "EVA-CLIP: Improved Training Techniques for CLIP at
# Scale"), under timm's names. EVA-02 has rotary embeddings, SwiGLU perceptrons and normalizations within
# attention and perceptron.


class EvaAttention:
    # Turns pairs of features by the angles of the patch's position; the class token has none.
    def rotate(self, x: Tensor, sines: Tensor, cosines: Tensor) -> Tensor:
        patches = x[:, :, 1:]
        turned = torch.stack([-patches[..., 1::2], patches[..., ::2]], -1).flatten(-2)
        patches = (patches * cosines + turned * sines).to(x.dtype)
        return torch.cat([x[:, :, :1], patches], 2)

    def forward(self, x: Tensor, sines: Tensor, cosines: Tensor) -> Tensor:
        n, length, width = x.shape
        shape = [n, length, self.heads, width // self.heads]
        if hasattr(self, "qkv"):
            # The keys have no bias.
            bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
            query, key, value = torch.linear(x, self.qkv.weight, bias).chunk(3, -1)
        else:
            query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        query = query.reshape(shape).transpose(1, 2)
        key = key.reshape(shape).transpose(1, 2)
        value = value.reshape(shape).transpose(1, 2)
        if hasattr(self, "rotary"):
            query, key = self.rotate(query, sines, cosines), self.rotate(key, sines, cosines)
        x = torch.scaled_dot_product_attention(query, key, value)
        return self.proj(self.norm(x.transpose(1, 2).reshape(n, length, width)))


class SwiGLU:
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.norm(torch.silu(self.fc1_g(x)) * self.fc1_x(x)))


class EvaBlock:
    def forward(self, x: Tensor, sines: Tensor, cosines: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x), sines, cosines)
        return x + self.mlp(self.norm2(x))


# Normalizes after attention and perceptron.
class EvaBlockPostNorm:
    def forward(self, x: Tensor, sines: Tensor, cosines: Tensor) -> Tensor:
        x = x + self.norm1(self.attn(x, sines, cosines))
        return x + self.norm2(self.mlp(x))


class Eva:
    # The angles [patches, head width] of all patches: half of each head for the row, half for the column,
    # at positions that are scaled to the grid of the first training.
    def angles(self, image: Tensor) -> Tensor:
        side, bands = self.side, self.head_width // 4
        positions = torch.arange(side, dtype=torch.float32, device=image.device) * (16.0 / side)
        frequencies = torch.pow(10000.0, -torch.arange(bands, dtype=torch.float32, device=image.device) / bands)
        angles = positions.unsqueeze(1) * frequencies
        rows = angles.unsqueeze(1).expand(side, side, bands)
        columns = angles.unsqueeze(0).expand(side, side, bands)
        return torch.cat([rows, columns], -1).view(side * side, 2 * bands).repeat_interleave(2, -1)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patch_embed(image)
        x = torch.cat([self.cls_token.to(x.dtype).expand(x.shape[0], -1, -1), x], 1)
        x = x + self.pos_embed.to(x.dtype)
        angles = self.angles(image)
        sines, cosines = angles.sin(), angles.cos()
        for block in self.blocks:
            x = block(x, sines, cosines)
        return self.head(self.norm(x[:, 0]))
