# The autoencoder of "Taming Transformers for High-Resolution Image Synthesis" (Esser, Rombach and
# Ommer 2021), under the names of taming-transformers. Only its `quantize`, which is a method here,
# is called `quantizer`.


class ResidualBlock:
    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(torch.silu(self.norm1(x)))
        h = self.conv2(torch.silu(self.norm2(h)))
        return self.nin_shortcut(x) + h


# Self-attention with one head over all positions.
class SpatialAttention:
    # rows are those that MoVQ's decoder decodes, on which its normalization depends.
    def forward(self, x: Tensor, rows: Optional[Tensor] = None) -> Tensor:
        if hasattr(self.norm, "conv_y"):
            assert rows is not None
            h = self.norm(x, rows)
        else:
            h = self.norm(x)
        q = self.q(h).flatten(2).transpose(1, 2).unsqueeze(1)
        k = self.k(h).flatten(2).transpose(1, 2).unsqueeze(1)
        v = self.v(h).flatten(2).transpose(1, 2).unsqueeze(1)
        h = torch.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.squeeze(1).transpose(1, 2).reshape(x.shape))


class Downsample:
    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "conv"):
            # One row below and one column on the right: the weights were trained with this asymmetry.
            return self.conv(torch.constant_pad_nd(x, [0, 1, 0, 1]))
        return torch.avg_pool2d(x, [2, 2], [2, 2])


class Upsample:
    def forward(self, x: Tensor) -> Tensor:
        x = torch.upsample_nearest2d(x, None, [2.0, 2.0])
        if hasattr(self, "conv"):
            return self.conv(x)
        return x


# The blocks of one resolution in the encoder.
class DownLevel:
    def forward(self, x: Tensor) -> Tensor:
        for (block, attention) in zip(self.block, self.attn):
            x = attention(block(x))
        return self.downsample(x)


# The blocks of one resolution in the decoder.
class UpLevel:
    def forward(self, x: Tensor) -> Tensor:
        for (block, attention) in zip(self.block, self.attn):
            x = attention(block(x))
        return self.upsample(x)


# The blocks at the lowest resolution.
class Middle:
    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder:
    def forward(self, image: Tensor) -> Tensor:
        h = self.conv_in(image)
        for level in self.down:
            h = level(h)
        return self.conv_out(torch.silu(self.norm_out(self.mid(h))))


class Decoder:
    def forward(self, z: Tensor) -> Tensor:
        h = self.mid(self.conv_in(z))
        # Its levels are numbered from the highest resolution, but stand in the order of their use.
        for level in self.up:
            h = level(h)
        image = self.conv_out(torch.silu(self.norm_out(h)))
        if hasattr(self, "tanh_out"):
            return torch.tanh(image)
        if hasattr(self, "unit_range"):
            # It was trained on images in [0, 1].
            return 2 * image - 1
        return image


# The nearest row of the codebook, with the gradient passed straight through.
class Quantizer:
    # indices [N, h, w] -> rows [N, C, h, w].
    def embed(self, indices: Tensor) -> Tensor:
        return self.embedding(indices).permute(0, 3, 1, 2).contiguous()

    # z [N, C, h, w] -> rows of the same shape, their indices [N, h, w], and the loss.
    def forward(self, z: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        n, channels, height, width = z.shape
        flat = z.permute(0, 2, 3, 1).reshape(-1, channels)
        codebook = self.embedding.weight
        distances = flat.square().sum([1], True) + codebook.square().sum([1]) - 2 * torch.mm(flat, codebook.t())
        indices = distances.argmin(1).reshape(n, height, width)
        rows = self.embed(indices)
        loss = (self.commitment_weight * (rows.detach() - z).square().mean()
                + self.codebook_weight * (rows - z.detach()).square().mean())
        return z + (rows - z).detach(), indices, loss

    # logits [N, K, h, w] -> the rows of the largest, [N, C, h, w], with the gradient of the mean
    # row under the softmax. From these rows, forward finds the same indices.
    def choose(self, logits: Tensor) -> Tensor:
        mean = torch.einsum("bnhw,nd->bdhw", [logits.softmax(1), self.embedding.weight])
        return mean + (self.embed(logits.argmax(1)) - mean).detach()


class VQGAN:
    # image [N, 3, H, W] in [-1, 1] -> z [N, C, h, w], not quantized. Models with a Gumbel softmax
    # choose rows by their logits; their z are these rows.
    def encode(self, image: Tensor) -> Tensor:
        if hasattr(self, "encoder"):
            z = self.quant_conv(self.encoder(image))
            if hasattr(self, "proj"):
                return self.quantizer.choose(self.proj(z))
            return z
        raise ValueError("this model has no encoder")

    # z [N, C, h, w] -> the nearest rows, with the gradient passed straight through, their indices
    # [N, h, w], and the codebook loss.
    def quantize(self, z: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return self.quantizer(z)

    # indices [N, h, w] -> rows [N, C, h, w].
    def embed(self, indices: Tensor) -> Tensor:
        return self.quantizer.embed(indices)

    # [N, C, h, w] -> image [N, 3, H, W], about in [-1, 1].
    def decode(self, z: Tensor) -> Tensor:
        if hasattr(self.decoder.norm_out, "conv_y"):
            return self.decoder(self.post_quant_conv(z), z)
        return self.decoder(self.post_quant_conv(z))

    # The reconstruction, the indices and the codebook loss.
    def forward(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        rows, indices, loss = self.quantize(self.encode(image))
        return self.decode(rows), indices, loss
