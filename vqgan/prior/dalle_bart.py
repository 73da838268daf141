# DALL-E mini and mega: an encoder of texts, and a decoder of image tokens that attends to it. The names
# are those of min-dalle (dalle_bart_encoder.py and dalle_bart_decoder.py).


class GLU:
    def forward(self, z: Tensor) -> Tensor:
        z = self.ln0(z)
        return self.fc2(self.ln1(torch.gelu(self.fc0(z)) * self.fc1(z)))


class EncoderSelfAttention:
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q = split_heads(self.q_proj(x), self.heads)
        k = split_heads(self.k_proj(x), self.heads)
        v = split_heads(self.v_proj(x), self.heads)
        return self.out_proj(join_heads(torch.scaled_dot_product_attention(q, k, v, mask)))


class EncoderLayer:
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.self_attn_layer_norm(self.self_attn(self.pre_self_attn_layer_norm(x), mask))
        return x + self.glu(x)


class DalleBartEncoder:
    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        x = self.embed_tokens(tokens) + self.embed_positions.weight.narrow(0, 0, tokens.size(1))
        x = self.layernorm_embedding(x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.final_ln(x)


class DecoderSelfAttention:
    def forward(self, x: Tensor, cache: Optional[Tensor], index: Tensor, mask: Optional[Tensor], length: int) -> Tensor:
        q = split_heads(self.q_proj(x), self.heads)
        k = split_heads(self.k_proj(x), self.heads)
        v = split_heads(self.v_proj(x), self.heads)
        if cache is not None:
            k = remember(cache[0], k, index, length)
            v = remember(cache[1], v, index, length)
        return self.out_proj(join_heads(torch.scaled_dot_product_attention(q, k, v, mask)))


class DecoderCrossAttention:
    # The keys and values of a text: [2, N, heads, L, C / heads].
    def remember(self, text: Tensor) -> Tensor:
        return torch.stack([split_heads(self.k_proj(text), self.heads), split_heads(self.v_proj(text), self.heads)])

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        q = split_heads(self.q_proj(x), self.heads)
        return self.out_proj(join_heads(torch.scaled_dot_product_attention(q, text[0], text[1], mask)))


class DecoderLayer:
    def forward(self, x: Tensor, cache: Optional[Tensor], index: Tensor, mask: Optional[Tensor], length: int,
                text: Tensor, text_mask: Tensor) -> Tensor:
        attended = self.self_attn(self.pre_self_attn_layer_norm(x), cache, index, mask, length)
        x = x + self.self_attn_layer_norm(attended)
        attended = self.encoder_attn(self.pre_encoder_attn_layer_norm(x), text, text_mask)
        x = x + self.encoder_attn_layer_norm(attended)
        return x + self.glu(x)


class DalleBartDecoder:
    # The keys and values of a text in all layers: [layers, 2, N, heads, L, C / heads].
    def remember(self, text: Tensor) -> Tensor:
        made: List[Tensor] = []
        for layer in self.layers:
            made.append(layer.encoder_attn.remember(text))
        return torch.stack(made)

    def forward(self, tokens: Tensor, index: Tensor, cache: Optional[Tensor], masked: bool, length: int,
                text: Tensor, text_mask: Tensor) -> Tensor:
        x = self.embed_tokens(tokens) + self.embed_positions(index)
        x = self.layernorm_embedding(x)
        mask: Optional[Tensor] = None
        if masked:
            mask = visible(index, 0, length)
        for (i, layer) in enumerate(self.layers):
            own: Optional[Tensor] = None
            if cache is not None:
                own = cache[i]
            x = layer(x, own, index, mask, length, text[i], text_mask)
        return x


class DalleBart:
    # Those of the decoder, of the text, and which of the text's positions are no padding.
    def cache(self, batch: int, tokens: int) -> List[Tensor]:
        weight = self.decoder.embed_tokens.weight
        width = weight.size(1) // self.heads
        layers, length = self.layers, self.text_length
        own = torch.zeros([layers, 2, batch, self.heads, 1 + tokens, width], dtype=weight.dtype, device=weight.device)
        text = torch.zeros([layers, 2, batch, self.heads, length, width], dtype=weight.dtype, device=weight.device)
        mask = torch.zeros([1, 1, batch, 1, length], dtype=torch.bool, device=weight.device)
        return [own, text, mask]

    # The keys and values of texts, and their mask [N, 1, 1, L].
    def encode(self, text: Tensor) -> Tuple[Tensor, Tensor]:
        mask = text.ne(self.padding).unsqueeze(1).unsqueeze(1)
        return self.decoder.remember(self.encoder(text, mask)), mask

    def logits(self, x: Tensor) -> Tensor:
        return self.decoder.lm_head(self.decoder.final_ln(x)).narrow(-1, 0, self.image_tokens)

    def begin(self, prefix: Tensor, embedding: Optional[Tensor], cache: List[Tensor]) -> Tensor:
        text, mask = self.encode(prefix)
        cache[1].copy_(text)
        cache[2].copy_(mask.squeeze(1))
        start = torch.full([prefix.size(0), 1], self.start, dtype=torch.int64, device=prefix.device)
        index = torch.zeros([1], dtype=torch.int64, device=prefix.device)
        x = self.decoder(start, index, cache[0], False, 1, text, mask)
        return self.logits(x.select(1, -1))

    def step(self, tokens: Tensor, index: Tensor, seen: int, masked: bool, cache: List[Tensor]) -> Tensor:
        mask = cache[2][0, 0].unsqueeze(1)
        x = self.decoder(tokens, index + 1, cache[0], masked, 1 + seen, cache[1], mask)
        return self.logits(x.select(1, -1))

    def forward(self, prefix: Tensor, embedding: Optional[Tensor], tokens: Tensor) -> Tensor:
        text, mask = self.encode(prefix)
        start = torch.full([tokens.size(0), 1], self.start, dtype=torch.int64, device=tokens.device)
        tokens = torch.cat([start, tokens.narrow(1, 0, tokens.size(1) - 1)], 1)
        index = torch.arange(tokens.size(1), device=tokens.device)
        return self.logits(self.decoder(tokens, index, None, True, tokens.size(1), text, mask))
