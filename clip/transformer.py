# CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
# Supervision") with transformers as encoders, under the names of openai/CLIP and open_clip.


# The parameters of nn.MultiheadAttention.
class SelfAttention:
    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = torch.linear(x, self.in_proj_weight, self.in_proj_bias)
        qkv = qkv.view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        x = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=self.causal)
        return self.out_proj(x.transpose(1, 2).reshape(n, length, width))


class Perceptron:
    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.gelu(self.c_fc(x)))


class LayerScale:
    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class ResidualAttentionBlock:
    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls_1(self.attn(self.ln_1(x)))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


class Transformer:
    def forward(self, x: Tensor) -> Tensor:
        for block in self.resblocks:
            x = block(x)
        return x


class VisionTransformer:
    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image).flatten(2).transpose(1, 2)
        class_token = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([class_token, x], 1) + self.positional_embedding.to(x.dtype)
        x = self.transformer(self.ln_pre(x))
        if hasattr(self, "average_pool"):
            if hasattr(self, "norm_after_pool"):
                x = self.ln_post(x[:, 1:].mean([1]))
            else:
                x = self.ln_post(x)[:, 1:].mean([1])
        else:
            x = self.ln_post(x[:, 0])
        return x @ self.proj


# One of the encoders may be missing, if they were published apart.
class CLIP:
    # image [N, 3, S, S], normalized -> [N, D], not of unit length.
    def encode_image(self, image: Tensor) -> Tensor:
        if hasattr(self, "visual"):
            return self.visual(image)
        else:
            raise Exception("the model has no image encoder")

    # tokens [N, L] -> [N, D], not of unit length.
    def encode_text(self, tokens: Tensor) -> Tensor:
        if hasattr(self, "token_embedding"):
            x = self.token_embedding(tokens)
            x = x + self.positional_embedding[:tokens.shape[1]].to(x.dtype)
            x = self.ln_final(self.transformer(x))
            if hasattr(self, "pool_last"):
                x = x[:, -1]
            else:
                # OpenAI's end token has the highest number; another one is named.
                ends = tokens.argmax(-1)
                if hasattr(self, "end_token"):
                    ends = (tokens == self.end_token).to(torch.int32).argmax(-1)
                x = x[torch.arange(x.shape[0], device=x.device), ends]
            if hasattr(self, "linear_projection"):
                return self.text_projection(x)
            return x @ self.text_projection
        else:
            raise Exception("the model has no text encoder")

    # Logits [N, M] of each picture over the texts, and their transpose.
    def forward(self, image: Tensor, tokens: Tensor) -> Tuple[Tensor, Tensor]:
        images, texts = self.encode_image(image), self.encode_text(tokens)
        images = images / images.norm(2, [-1], True)
        texts = texts / texts.norm(2, [-1], True)
        if hasattr(self, "logit_scale"):
            images = self.logit_scale.exp() * images
        logits = images @ texts.t()
        if hasattr(self, "logit_bias"):
            logits = logits + self.logit_bias
        return logits, logits.t()

