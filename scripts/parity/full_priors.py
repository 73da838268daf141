"""Priors of full size with random weights, in the layouts in which they are published, and how their
packages draw with them. test_prior.py and scripts/benchmark/benchmark_priors.py use it.
"""

import json
import sys
from pathlib import Path

import torch
import yaml

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCRIPTS / "reference"))

from reference_priors import Recorded, min_dalle  # noqa: E402
from taming.models.cond_transformer import Net2NetTransformer  # noqa: E402
from taming.modules.transformer.mingpt import GPT  # noqa: E402

GRID = 16


def scramble(model: torch.nn.Module) -> torch.nn.Module:
    """Weights of which all parts matter, and whose logits are spread."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(False)
        if parameter.dim() == 1:
            parameter.normal_(1 if name.endswith("weight") else 0, 0.1, generator=generator)
        else:
            parameter.normal_(0, 0.04 if parameter.shape[0] < 16000 else 0.2, generator=generator)
    return model.eval()


class Taming:
    """taming-transformers' transformer for FFHQ: 24 layers of width 1024, over 16 x 16 tokens of 1024."""

    name, package, given = "transformer of FFHQ, 24 x 1024", "taming-transformers", True

    def __init__(self, folder: Path, layers: int = 24):
        self.task = dict(top_k=250, temperature=1.0, guidance=1)
        self.path = folder / "taming"
        self.path.mkdir()
        settings = dict(vocab_size=1024, block_size=GRID * GRID, n_layer=layers, n_head=16, n_embd=1024)
        self.gpt = scramble(GPT(**settings))
        torch.save({"state_dict": {"transformer." + name: value for name, value in self.gpt.state_dict().items()
                                   if not name.endswith("mask")}}, self.path / "last.ckpt")
        (self.path / "model.yaml").write_text(yaml.safe_dump({"model": {"params": {
            "transformer_config": {"target": "taming.modules.transformer.mingpt.GPT", "params": settings},
            "cond_stage_config": "__is_unconditional__", "sos_token": 0}}}))
        self.model = Net2NetTransformer.__new__(Net2NetTransformer)
        torch.nn.Module.__init__(self.model)
        self.model.transformer, self.model.pkeep = self.gpt, 1.0

    def read(self) -> list:
        """The weights that a step reads."""
        return [p for name, p in self.gpt.named_parameters() if "emb" not in name]

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        stream = torch.cat([torch.zeros(1, 1, dtype=torch.long), tokens[None, :-1]], 1)
        with torch.no_grad():
            return self.gpt(stream)[0][0]

    def draw(self, start: torch.Tensor, steps: int, numbers: torch.Tensor) -> torch.Tensor:
        """The steps after start, [n, tokens]."""
        begin = torch.zeros(len(start), 1, dtype=torch.long)
        with Recorded(numbers):
            return self.model.sample(start, begin, steps, temperature=self.task["temperature"], sample=True, top_k=self.task["top_k"])


class DalleMini:
    """DALL-E mini in min-dalle's layout: 12 + 12 layers of width 1024."""

    name, package = "DALL-E mini, 12 + 12 x 1024", "min-dalle"
    # Its steps all take as long, and start at the first token.
    given = False

    def __init__(self, folder: Path, layers: int = 12):
        self.path = folder / "mini"
        self.path.mkdir()
        self.layers, self.width = layers, 1024
        sizes = dict(layer_count=layers, embed_count=self.width, attention_head_count=16, glu_embed_count=2730, device="cpu")
        self.encoder = scramble(min_dalle.models.DalleBartEncoder(text_vocab_count=50264, text_token_count=64, **sizes))
        self.decoder = scramble(min_dalle.models.DalleBartDecoder(image_vocab_count=16384, **sizes))
        torch.save(self.encoder.state_dict(), self.path / "encoder.pt")
        torch.save(self.decoder.state_dict(), self.path / "decoder.pt")
        symbols = ["<s>", "<pad>", "</s>", "<unk>", "Ġ", *"abcdefghijklmnopqrstuvwxyz"]
        (self.path / "vocab.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
        (self.path / "merges.txt").write_text("#version: 0.2\n")
        prompt = "red apple"
        self.task = dict(prompt=prompt, top_k=256, temperature=1.0, guidance=4.0)
        row = [0, *(symbols.index(c) for word in prompt.split() for c in ["Ġ", *word]), 2]
        self.text = torch.ones(2, 64, dtype=torch.long)
        self.text[0, :2] = torch.tensor([0, 2])
        self.text[1, :len(row)] = torch.tensor(row)

    def read(self) -> list:
        """The weights that a step reads: not those of the text's keys and values."""
        return [p for name, p in self.decoder.named_parameters()
                if "embed_" not in name and "encoder_attn.k" not in name and "encoder_attn.v" not in name]

    def steps(self, pictures: int, count: int, choose) -> torch.Tensor:
        """As MinDalle.generate_raw_image_stream."""
        with torch.no_grad():
            expanded = [0] * pictures + [1] * pictures
            state = self.encoder(self.text)[expanded]
            mask = self.text[expanded].not_equal(1)[:, None, None, :]
            cache = torch.zeros(self.layers, pictures * 4, 256, self.width)
            image = torch.full((pictures, count + 1), 2 ** 14 - 1, dtype=torch.long)
            for i in range(count):
                image[:, i + 1] = choose(i, dict(
                    attention_mask=mask, encoder_state=state, attention_state=cache,
                    prev_tokens=image[:, [i]], token_index=torch.arange(256)[[i]]))
            return image[:, 1:]

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        previous = torch.cat([torch.tensor([2 ** 14 - 1]), tokens[:-1]])
        with torch.no_grad():
            state = self.encoder(self.text)
            made, _ = self.decoder(
                attention_mask=self.text.not_equal(1)[:, None, None, :], encoder_state=state,
                attention_state=torch.zeros(self.layers, 4, 256, self.width), prev_tokens=previous[None],
                token_index=torch.arange(256))
        return made[1, :, :2 ** 14]

    def draw(self, start: torch.Tensor, steps: int, numbers: torch.Tensor) -> torch.Tensor:
        settings = torch.tensor([self.task["temperature"], self.task["top_k"], self.task["guidance"]])
        with Recorded(numbers):
            return self.steps(len(start), steps, lambda i, arguments: self.decoder.sample_tokens(settings=settings, **arguments)[0])

