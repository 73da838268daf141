"""OpenAI's byte-pair vocabulary, whole or its first merges, through openai-clip's own tokenizer."""

import gzip
import os
import tempfile
import warnings

import torch

# 256 bytes, the same at a word's end, and the two special tokens.
TOKENS_BESIDE_MERGES = 514
PUBLISHED_MERGES = 48894


def openai_tokenizer():
    """openai-clip's module, which only who needs its vocabulary must have installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from clip import simple_tokenizer
    return simple_tokenizer


def read_merges(count: int = PUBLISHED_MERGES) -> list[str]:
    """The first merges of OpenAI's file, "a b" each, in order."""
    with gzip.open(openai_tokenizer().default_bpe(), "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")
    return lines[1:count + 1]


def make_tokenizer(merges: list[str]):
    """openai-clip's SimpleTokenizer with these merges."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "merges.gz")
        # The tokenizer skips a header line, and takes a line end at the close for one more merge.
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write("\n".join(["#version: 0.2", *merges]))
        return openai_tokenizer().SimpleTokenizer(path)


def tokenize(tokenizer, texts: list[str], context_length: int) -> torch.Tensor:
    """int64 [N, context_length]; a text too long is cut before its end token, as with
    clip.tokenize(truncate=True)."""
    start, end = tokenizer.encoder["<|startoftext|>"], tokenizer.encoder["<|endoftext|>"]
    result = torch.zeros(len(texts), context_length, dtype=torch.int64)
    for row, text in enumerate(texts):
        tokens = [start, *tokenizer.encode(text)[:context_length - 2], end]
        result[row, :len(tokens)] = torch.tensor(tokens)
    return result
