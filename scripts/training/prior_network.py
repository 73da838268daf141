"""The prior in plain PyTorch: a decoder over one stream of an embedding, text tokens and image tokens.

The layers and their names are those of minGPT in taming-transformers (taming/modules/transformer/mingpt.py); the
text before the image tokens, with a padding token for each text position, is DALL-E's ("Zero-Shot Text-to-Image
Generation", Ramesh et al. 2021); the projected embedding at the first position is after DALL-E 2's ("Hierarchical
Text-Conditional Image Generation with CLIP Latents", Ramesh et al. 2022, section 2.1).
"""

import dataclasses

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclasses.dataclass
class Shape:
    image_tokens: int = 2048  # entries of the codebook
    text_tokens: int = 2050  # size of the text's vocabulary
    text_length: int = 24
    rows: int = 16
    columns: int = 16
    embedding_size: int = 0  # of the CLIP; 0: no position for an embedding
    layers: int = 6
    heads: int = 7
    width: int = 224

    @property
    def prefix(self) -> int:
        """Positions before the first image token."""
        return self.text_length + (self.embedding_size > 0)

    @property
    def image_length(self) -> int:
        return self.rows * self.columns

    @property
    def vocabulary(self) -> int:
        """Image tokens, text tokens, and a padding token for each text position."""
        return self.image_tokens + self.text_tokens + self.text_length


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        for name in ("key", "query", "value", "proj"):
            setattr(self, name, nn.Linear(shape.width, shape.width))

    def forward(self, x: torch.Tensor, past: list | None = None) -> torch.Tensor:
        """past holds the keys and values of the positions before, [] at the first call, and gets those of x. After
        the first call x is one position."""
        n, length, width = x.shape
        q, k, v = (each(x).view(n, length, self.heads, -1).transpose(1, 2) for each in (self.query, self.key, self.value))
        if past:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        if past is not None:
            past[:] = [k, v]
        h = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        return self.proj(h.transpose(1, 2).reshape(n, length, width))


class Block(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attn = Attention(shape)
        self.mlp = nn.Sequential(nn.Linear(shape.width, 4 * shape.width), nn.GELU(), nn.Linear(4 * shape.width, shape.width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, past: list | None = None) -> torch.Tensor:
        x = x + self.dropout(self.attn(self.ln1(x), past))
        return x + self.dropout(self.mlp(self.ln2(x)))


class Prior(nn.Module):
    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.tok_emb = nn.Embedding(shape.vocabulary, shape.width)
        self.pos_emb = nn.Parameter(torch.zeros(1, shape.prefix + shape.image_length, shape.width))
        if shape.embedding_size > 0:
            self.emb_proj = nn.Linear(shape.embedding_size, shape.width)
            self.null_embedding = nn.Parameter(torch.zeros(shape.width))
        self.blocks = nn.Sequential(*(Block(shape, dropout) for _ in range(shape.layers)))
        self.ln_f = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, shape.image_tokens, bias=False)
        self.apply(self._initialize)
        for block in self.blocks:
            for last in (block.attn.proj, block.mlp[2]):
                last.weight.data /= (2 * shape.layers) ** 0.5

    @staticmethod
    def _initialize(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def prefix(self, text: torch.Tensor, embedding: torch.Tensor | None = None,
               with_embedding: torch.Tensor | None = None) -> torch.Tensor:
        """What stands before the image tokens, [N, P, C]: text int64 [N, L], rows of tok_emb; embedding [N, D] of unit
        length, and bool [N] that tells where it is given (None: nowhere)."""
        x = self.tok_emb(text)
        if self.shape.embedding_size > 0:
            first = self.null_embedding.expand(len(text), -1)
            if embedding is not None:
                given = self.emb_proj(embedding * self.shape.embedding_size ** 0.5)
                first = torch.where(with_embedding[:, None], given.to(first.dtype), first)
            x = torch.cat([first[:, None], x], 1)
        return x

    def forward(self, text: torch.Tensor, image: torch.Tensor, embedding: torch.Tensor | None = None,
                with_embedding: torch.Tensor | None = None) -> torch.Tensor:
        """As prefix, and image int64 [N, i], the tokens so far -> logits [N, i + 1, K], the last of which are those of
        the next token."""
        x = torch.cat([self.prefix(text, embedding, with_embedding), self.tok_emb(image)], 1)
        x = self.blocks(x + self.pos_emb[:, :x.shape[1]])
        return self.head(self.ln_f(x[:, self.shape.prefix - 1:]))

    def next_logits(self, x: torch.Tensor, at: int, past: list[list]) -> torch.Tensor:
        """x [N, t, C], prefix's or tok_emb's of one token, at the position `at`, and a list for each block's keys and
        values, empty at first -> the logits of the next token, [N, K]."""
        x = x + self.pos_emb[:, at:at + x.shape[1]]
        for block, each in zip(self.blocks, past):
            x = block(x, each)
        return self.head(self.ln_f(x[:, -1]))

    def config(self) -> dict:
        """What is saved beside the weights."""
        shape = self.shape
        return {"vocab_size": shape.vocabulary, "image_tokens": shape.image_tokens, "text_tokens": shape.text_tokens,
                "text_length": shape.text_length, "grid": [shape.rows, shape.columns],
                "embedding_size": shape.embedding_size, "n_layer": shape.layers, "n_head": shape.heads,
                "n_embd": shape.width, "block_size": shape.prefix + shape.image_length}


def shape_of(config: dict) -> Shape:
    """The shape that a saved config tells."""
    rows, columns = config["grid"]
    return Shape(config["image_tokens"], config["text_tokens"], config["text_length"], rows, columns,
                 config["embedding_size"], config["n_layer"], config["n_head"], config["n_embd"])
