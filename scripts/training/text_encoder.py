"""CLIP's text transformer, with the names that openai/CLIP gives its tensors, and CLIP's scale."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class QuickGELU(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width ** -0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(n, length, 3, self.heads, -1).unbind(2)
        out = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True)
        return self.out_proj(out.transpose(1, 2).reshape(n, length, width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, layers: int, quick: bool):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2, self.mlp = nn.LayerNorm(width), nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", QuickGELU() if quick else nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))
        nn.init.normal_(self.attn.out_proj.weight, std=width ** -0.5 * (2 * layers) ** -0.5)
        nn.init.normal_(self.mlp.c_fc.weight, std=(2 * width) ** -0.5)
        nn.init.normal_(self.mlp.c_proj.weight, std=width ** -0.5 * (2 * layers) ** -0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, heads: int, layers: int, quick: bool):
        super().__init__()
        self.resblocks = nn.Sequential(*[Block(width, heads, layers, quick) for _ in range(layers)])


class CLIP(nn.Module):
    """An image encoder (visual) and a text transformer. Embeddings are not normalized."""

    def __init__(self, visual: nn.Module, dimension: int, *, vocabulary: int, context: int, width: int, heads: int,
                 layers: int, quick_gelu: bool = False):
        super().__init__()
        self.visual, self.context = visual, context
        self.positional_embedding = nn.Parameter(torch.randn(context, width) * 0.01)
        self.text_projection = nn.Parameter(torch.randn(width, dimension) * width ** -0.5)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.token_embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.transformer = Transformer(width, heads, layers, quick_gelu)
        self.ln_final = nn.LayerNorm(width)

    def encode_image(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.visual(pictures)

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens is integral [N, L], L at most the context, padded with 0 after the end token."""
        ends = tokens.argmax(1)
        x = self.token_embedding(tokens.long()) + self.positional_embedding[:tokens.shape[1]]
        x = self.transformer.resblocks(x)
        return self.ln_final(x[torch.arange(len(x), device=x.device), ends]) @ self.text_projection
