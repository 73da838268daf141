"""The text positions of the prior's stream."""

import torch

from plain_tokenizer import Tokenizer
from prior_network import Shape


class TextPositions:
    """Texts to rows of tok_emb: the text's tokens after the image tokens, and for each position that the text leaves
    free the padding token of that position. The empty text, all padding, is the null prompt."""

    def __init__(self, merges: list[str], shape: Shape):
        self.merges, self.tokenizer, self.shape = merges, Tokenizer(merges), shape
        if self.tokenizer.size != shape.text_tokens:
            raise ValueError(f"{len(merges)} merges make {self.tokenizer.size} text tokens, wanted {shape.text_tokens}")
        self.padding = [shape.image_tokens + shape.text_tokens + i for i in range(shape.text_length)]

    def row(self, text: str) -> list[int]:
        length = self.shape.text_length
        tokens = [self.shape.image_tokens + token for token in self.tokenizer.encode(text)[:length]]
        return tokens + self.padding[len(tokens):]

    def tensor(self, texts: list[str]) -> torch.Tensor:
        """int64 [N, L]."""
        return torch.tensor([self.row(text) for text in texts]).view(len(texts), self.shape.text_length)

    def null(self, count: int) -> torch.Tensor:
        return torch.tensor(self.padding).expand(count, -1)
