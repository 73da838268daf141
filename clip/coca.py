# The attentional pooling of CoCa's image encoder (Yu et al. 2022, "CoCa: Contrastive Captioners are
# Image-Text Foundation Models"), under open_clip's names.


# The parameters of nn.MultiheadAttention with keys and values of another width than the queries, or of
# the same.
class CrossAttention:
    def split_heads(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, queries: Tensor, x: Tensor) -> Tensor:
        query_bias, key_bias, value_bias = self.in_proj_bias.chunk(3)
        if hasattr(self, "in_proj_weight"):
            query_weight, key_weight, value_weight = self.in_proj_weight.chunk(3)
        else:
            query_weight, key_weight, value_weight = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        query = self.split_heads(torch.linear(queries, query_weight, query_bias))
        key = self.split_heads(torch.linear(x, key_weight, key_bias))
        value = self.split_heads(torch.linear(x, value_weight, value_bias))
        x = torch.scaled_dot_product_attention(query, key, value)
        return self.out_proj(x.transpose(1, 2).flatten(2))


class AttentionalPooler:
    def forward(self, x: Tensor) -> Tensor:
        queries = self.ln_q(self.query.to(x.dtype)).expand(x.shape[0], -1, -1)
        return self.attn(queries, self.ln_k(x))
