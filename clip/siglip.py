# SigLIP's image encoder (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"): a vision
# transformer without a class token, pooled by attention, under timm's names.


class TimmAttention:
    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(x).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        x = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        return self.proj(x.transpose(1, 2).reshape(n, length, width))


class TimmPerceptron:
    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class TimmBlock:
    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TimmPatchEmbedding:
    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


# Pools by attention whose query is learned.
class AttentionPoolLatent:
    def split_heads(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        query = self.split_heads(self.q(self.latent.to(x.dtype).expand(x.shape[0], -1, -1)))
        key, value = self.kv(x).chunk(2, -1)
        x = torch.scaled_dot_product_attention(query, self.split_heads(key), self.split_heads(value))
        x = self.proj(x.transpose(1, 2).flatten(2))
        return (x + self.mlp(self.norm(x)))[:, 0]


class SigLIPTransformer:
    def forward(self, image: Tensor) -> Tensor:
        x = self.patch_embed(image)
        x = x + self.pos_embed.to(x.dtype)
        for block in self.blocks:
            x = block(x)
        return self.attn_pool(self.norm(x))


# open_clip's wrapper of a network of timm, with a projection that may be missing.
class TimmModel:
    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.trunk(image))
