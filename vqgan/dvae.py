# DALL-E's discrete VAE (Ramesh et al. 2021, "Zero-Shot Text-to-Image Generation"), under the names
# of openai/DALL-E. Its tokens are the largest logits. Its decoder begins with a convolution of their
# one-hot vectors by a kernel of size 1, whose columns are the codebook here.


class ReLU:
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x)


class MaxPool:
    def forward(self, x: Tensor) -> Tensor:
        return torch.max_pool2d(x, [2, 2], [2, 2])


class DVAEBlock:
    def forward(self, x: Tensor) -> Tensor:
        return self.id_path(x) + self.post_gain * self.res_path(x)


class DVAEDecoder:
    def forward(self, rows: Tensor) -> Tensor:
        return self.blocks(rows + self.bias.reshape(1, -1, 1, 1))


class DVAEEncoder:
    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(image)


class DVAE:
    # image [N, 3, H, W] in [-1, 1] -> the rows of the tokens, [N, C, h, w], with the gradient of the
    # mean row under the softmax of the logits.
    def encode(self, image: Tensor) -> Tensor:
        # dall_e.map_pixels of (image + 1) / 2.
        return self.quantizer.choose(self.encoder(0.4 * image + 0.5))

    # z [N, C, h, w] -> the nearest rows, with the gradient passed straight through, their indices
    # [N, h, w], and the codebook loss.
    def quantize(self, z: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return self.quantizer(z)

    # indices [N, h, w] -> rows [N, C, h, w].
    def embed(self, indices: Tensor) -> Tensor:
        return self.quantizer.embed(indices)

    # [N, C, h, w] -> image [N, 3, H, W] in [-1, 1].
    def decode(self, z: Tensor) -> Tensor:
        # The first half of the channels are the means of the logits of pixels; then
        # dall_e.unmap_pixels, and [0, 1] to [-1, 1].
        statistics = self.decoder(z)
        pixels = torch.sigmoid(statistics[:, :statistics.shape[1] // 2])
        return 2 * ((pixels - 0.1) / 0.8).clamp(0, 1) - 1

    # The reconstruction, the indices and the codebook loss.
    def forward(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        rows, indices, loss = self.quantize(self.encode(image))
        return self.decode(rows), indices, loss
