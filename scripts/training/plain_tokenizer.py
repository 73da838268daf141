"""CLIP's byte-pair tokenizer in plain Python, for texts that are clean already: lower case, without control characters.

It gives what openai-clip's does (test_plain_tokenizer.py compares them), and needs neither ftfy nor regex.
"""

import re
from functools import lru_cache

import numpy
import torch

SPECIALS = ("<|startoftext|>", "<|endoftext|>")
# Contractions, runs of letters, single digits, runs of anything else.
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


def byte_characters() -> dict[int, str]:
    """The character that stands for each byte: itself if it is printable, else one from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return dict(zip(printable + others, map(chr, printable + [256 + i for i in range(len(others))])))


class Tokenizer:
    def __init__(self, merges: list[str]):
        """merges are "a b" each, in order."""
        self.bytes = byte_characters()
        pairs = [tuple(merge.split()) for merge in merges]
        self.ranks = {pair: rank for rank, pair in enumerate(pairs)}
        characters = list(self.bytes.values())
        vocabulary = characters + [c + "</w>" for c in characters] + ["".join(pair) for pair in pairs] + list(SPECIALS)
        self.numbers = {token: number for number, token in enumerate(vocabulary)}
        self.size = len(vocabulary)
        self.start, self.end = self.numbers[SPECIALS[0]], self.numbers[SPECIALS[1]]
        self.word = lru_cache(maxsize=None)(self._word)

    def _word(self, word: str) -> list[int]:
        parts = [self.bytes[byte] for byte in word.encode("utf-8")]
        parts[-1] += "</w>"
        while len(parts) > 1:
            pair = min(zip(parts, parts[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if pair not in self.ranks:
                break
            merged, i = [], 0
            while i < len(parts):
                if tuple(parts[i:i + 2]) == pair:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged
        return [self.numbers[part] for part in parts]

    def encode(self, text: str) -> list[int]:
        return [number for word in WORDS.findall(text.lower()) for number in self.word(word)]

    def __call__(self, texts: list[str], length: int) -> torch.Tensor:
        """int32 [N, length], padded with 0. A text too long is cut before its end token."""
        result = numpy.zeros((len(texts), length), numpy.int32)
        for row, text in enumerate(texts):
            tokens = [self.start, *self.encode(text)[:length - 2], self.end]
            result[row, :len(tokens)] = tokens
        return torch.from_numpy(result)


def read_tokenizer(folder) -> Tokenizer:
    """The tokenizer of a training folder."""
    with open(f"{folder}/merges.txt", encoding="utf-8") as file:
        return Tokenizer(file.read().strip("\n").split("\n"))
