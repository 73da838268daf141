# The transformer of taming-transformers (mingpt.py there, after Karpathy's minGPT), with its names.
# One stream has the tokens of the condition and then those of the picture.


class CausalSelfAttention:
    def forward(self, x: Tensor, cache: Optional[Tensor], index: Tensor, mask: Optional[Tensor], length: int) -> Tensor:
        q = split_heads(self.query(x), self.n_head)
        k = split_heads(self.key(x), self.n_head)
        v = split_heads(self.value(x), self.n_head)
        if cache is not None:
            k = remember(cache[0], k, index, length)
            v = remember(cache[1], v, index, length)
        return self.proj(join_heads(torch.scaled_dot_product_attention(q, k, v, mask)))


class Block:
    def forward(self, x: Tensor, cache: Optional[Tensor], index: Tensor, mask: Optional[Tensor], length: int) -> Tensor:
        x = x + self.attn(self.ln1(x), cache, index, mask, length)
        return x + self.mlp(self.ln2(x))


class GPT:
    def cache(self, batch: int, tokens: int) -> List[Tensor]:
        weight = self.tok_emb.weight
        shape = [self.n_layer, 2, batch, self.n_head, self.prefix + tokens, weight.size(1) // self.n_head]
        return [torch.zeros(shape, dtype=weight.dtype, device=weight.device)]

    # The vectors [N, P, C] of a condition.
    def embed_prefix(self, tokens: Tensor, embedding: Optional[Tensor]) -> Tensor:
        x = self.tok_emb(tokens)
        if hasattr(self, "emb_proj"):
            first = self.null_embedding.expand(x.size(0), 1, x.size(2))
            if embedding is not None:
                first = self.emb_proj(embedding).unsqueeze(1)
            x = torch.cat([first, x], 1)
        return x

    # x are the vectors at the positions index of the stream.
    def transform(self, x: Tensor, index: Tensor, cache: Optional[Tensor], masked: bool, length: int) -> Tensor:
        x = x + self.pos_emb[0].index_select(0, index)
        mask: Optional[Tensor] = None
        if masked:
            mask = visible(index, self.n_unmasked, length)
        for (i, block) in enumerate(self.blocks):
            layer: Optional[Tensor] = None
            if cache is not None:
                layer = cache[i]
            x = block(x, layer, index, mask, length)
        return x

    def logits(self, x: Tensor) -> Tensor:
        return self.head(self.ln_f(x)).narrow(-1, 0, self.image_tokens)

    def begin(self, prefix: Tensor, embedding: Optional[Tensor], cache: List[Tensor]) -> Tensor:
        x = self.embed_prefix(prefix, embedding)
        x = self.transform(x, torch.arange(self.prefix, device=x.device), cache[0], True, self.prefix)
        return self.logits(x.select(1, -1))

    def step(self, tokens: Tensor, index: Tensor, seen: int, masked: bool, cache: List[Tensor]) -> Tensor:
        x = self.transform(self.tok_emb(tokens), index + self.prefix, cache[0], masked, self.prefix + seen)
        return self.logits(x.select(1, -1))

    def forward(self, prefix: Tensor, embedding: Optional[Tensor], tokens: Tensor) -> Tensor:
        x = torch.cat([self.embed_prefix(prefix, embedding), self.tok_emb(tokens.narrow(1, 0, tokens.size(1) - 1))], 1)
        x = self.transform(x, torch.arange(x.size(1), device=x.device), None, True, x.size(1))
        return self.logits(x.narrow(1, self.prefix - 1, tokens.size(1)))
