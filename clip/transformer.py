# CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
# Supervision") with transformers as encoders, under the names of openai/CLIP and open_clip.


# The parameters of nn.MultiheadAttention.
class SelfAttention:
    # mask [N, 1, L, L] tells which positions see which, in place of what causal tells.
    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        n, length, width = x.shape
        qkv = torch.linear(x, self.in_proj_weight, self.in_proj_bias)
        qkv = qkv.view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        causal = self.causal and mask is None
        x = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], mask, 0.0, causal)
        return self.out_proj(x.transpose(1, 2).reshape(n, length, width))


class Perceptron:
    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.gelu(self.c_fc(x)))


class LayerScale:
    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class ResidualAttentionBlock:
    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        x = x + self.ls_1(self.attn(self.ln_1(x), mask))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


class Transformer:
    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class VisionTransformer:
    def forward(self, image: Tensor) -> Tensor:
        x = self.conv1(image).flatten(2).transpose(1, 2)
        class_token = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([class_token, x], 1) + self.positional_embedding.to(x.dtype)
        x = self.transformer(self.ln_pre(x))
        if hasattr(self, "attn_pool"):
            x = self.ln_post(self.attn_pool(x))
            if hasattr(self, "average_pool"):
                x = x[:, 1:].mean([1])
            else:
                x = x[:, 0]
        elif hasattr(self, "average_pool"):
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

    # Which of the tokens and of CoCa's class token after them see which: padding is not seen.
    def class_mask(self, tokens: Tensor) -> Tensor:
        n, length = tokens.shape
        if hasattr(self, "correct_class_mask"):
            seen = torch.cat([tokens != 0, torch.ones_like(tokens[:, :1]).to(torch.bool)], 1)
        else:
            # The published models were trained with a mask that is off by one.
            seen = torch.cat([torch.ones_like(tokens[:, :1]).to(torch.bool), tokens != 0], 1)
        mask = seen.view(n, 1, 1, length + 1)
        if hasattr(self, "causal_class_mask"):
            square = torch.ones([length + 1, length + 1], dtype=torch.bool, device=tokens.device)
            return mask & square.tril()
        return mask

    # tokens [N, L] -> [N, D], not of unit length.
    def encode_text(self, tokens: Tensor) -> Tensor:
        if hasattr(self, "token_embedding"):
            x = self.token_embedding(tokens)
            mask: Optional[Tensor] = None
            if hasattr(self, "cls_emb"):
                x = torch.cat([x, self.cls_emb.to(x.dtype).expand(x.shape[0], 1, -1)], 1)
                mask = self.class_mask(tokens)
            x = x + self.positional_embedding[:x.shape[1]].to(x.dtype)
            x = self.ln_final(self.transformer(x, mask))
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
            elif hasattr(self, "text_projection"):
                return x @ self.text_projection
            else:
                return x
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

