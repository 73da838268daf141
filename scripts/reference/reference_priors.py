"""Writes small transformers over tokens in the layouts in which models are published, and what the
packages that define them compute, into vqgan/prior/testdata.

    python scripts/reference/reference_priors.py

Each folder has the files as published, and reference.json.gz: a condition, the logits of a picture given
it (of the whole sequence, and of the package's own cached steps), random numbers and the tokens that the
package samples with them, and the picture that the first stage decodes from these.

Where the packages call torch.multinomial, the random numbers are looked up in the sums of the
probabilities from the largest, as vqgan/prior does.
"""

import contextlib
import gzip
import io
import json
import shutil
import sys
import types
import unittest.mock
import warnings
from pathlib import Path

import torch

warnings.simplefilter("ignore")
# No recorded prompt has emoji.
sys.modules.setdefault("emoji", types.SimpleNamespace(demojize=lambda text, delimiters: text))

from reference_vqgan_checkpoints import (  # noqa: E402
    CODEBOOK, DDCONFIG, picture, place_codebook, save_lightning, share_weights, taming_settings, write_yaml)
import min_dalle.models  # noqa: E402
import transformers  # noqa: E402, F401
from min_dalle.text_tokenizer import TextTokenizer  # noqa: E402
# What taming's mingpt.py imports and transformers no longer has; it is called with a top_p alone, which is
# not recorded.
sys.modules["transformers"].top_k_top_p_filtering = None
from taming.models.cond_transformer import Net2NetTransformer  # noqa: E402
from taming.modules.misc.coord import CoordStage  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "vqgan" / "prior" / "testdata"


def fresh(name: str) -> Path:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Recorded:
    """Random numbers [pictures, tokens] in place of those of torch.multinomial."""

    def __init__(self, numbers: torch.Tensor):
        self.numbers = numbers
        self.step = 0

    def multinomial(self, probabilities: torch.Tensor, count: int = 1, num_samples: int = 1) -> torch.Tensor:
        values, order = probabilities.float().sort(descending=True, stable=True)
        sums = values.cumsum(-1)
        number = self.numbers[:, self.step, None] * sums[:, -1:]
        self.step += 1
        margin = ((sums - number).abs().min(-1).values / sums[:, -1]).min()
        assert margin > 1e-6, f"rounding would decide step {self.step}: {margin}"
        return order.gather(1, (sums <= number).sum(-1, keepdim=True))

    def __enter__(self):
        self.patch = unittest.mock.patch("torch.multinomial", self.multinomial)
        self.patch.start()
        return self

    def __exit__(self, *_):
        self.patch.stop()


def numbers(pictures: int, tokens: int) -> torch.Tensor:
    return torch.rand(pictures, tokens, generator=torch.Generator().manual_seed(5))


def rounded(tensor: torch.Tensor) -> list[float]:
    return [float(f"{x:.7g}") for x in tensor.flatten().tolist()]


def write(folder: Path, **reference) -> None:
    text = json.dumps({name: rounded(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else
                       value.flatten().tolist() if isinstance(value, torch.Tensor) else value
                       for name, value in reference.items()})
    (folder / "reference.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder.relative_to(ROOT)}: {size} bytes, {reference['sampled'].unique().numel()} tokens")


# --- taming-transformers ---

SIDE = 8  # tokens of pictures of 32 pixels
TOP_K, TEMPERATURE = 20, 0.9


def transformer_settings(block: int, **changes) -> dict:
    return dict(target="taming.modules.transformer.mingpt.GPT",
                params=dict(vocab_size=64, block_size=block, n_layer=2, n_head=2, n_embd=32, **changes))


def scramble_transformer(gpt: torch.nn.Module) -> dict:
    """Weights of which all parts matter, and which float16 has."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in gpt.named_parameters():
        value = torch.randn(parameter.shape, generator=generator)
        scale = 0.3 if parameter.dim() < 3 else 0.5
        parameter.data = (scale * value + (1 if parameter.dim() == 1 and "ln" in name and "weight" in name else 0)).half().float()
    state = gpt.state_dict()
    mask = state["blocks.0.attn.mask"]  # of all blocks; torch.save writes it once
    return {name: mask if name.endswith("mask") else value.half() for name, value in state.items()}


def build_net2net(condition, block: int, **changes) -> tuple[Net2NetTransformer, dict, dict]:
    params = dict(transformer_config=transformer_settings(block, **changes.pop("transformer", {})),
                  first_stage_config=taming_settings(gumbel=False), cond_stage_config=condition, **changes)
    with contextlib.redirect_stdout(io.StringIO()):
        model = Net2NetTransformer(**params).eval()
    share_weights(model.first_stage_model)
    place_codebook(model.first_stage_model)
    state = {"first_stage_model." + name: value for name, value in model.first_stage_model.saved.items()}
    state.update({"transformer." + name: value for name, value in scramble_transformer(model.transformer).items()})
    return model, dict(target="taming.models.cond_transformer.Net2NetTransformer", params=params), state


def record_net2net(name: str, model: Net2NetTransformer, settings: dict, state: dict, condition: torch.Tensor, **more) -> None:
    folder = fresh(name)
    save_lightning(state, folder / "last.ckpt")
    write_yaml(settings, folder / "model.yaml")
    tokens = torch.randint(0, CODEBOOK, (1, SIDE * SIDE), generator=torch.Generator().manual_seed(6))
    length = condition.shape[1]
    with torch.no_grad():
        stream = torch.cat([condition, tokens], 1)[:, :-1]
        logits = model.transformer(stream)[0][:, length - 1:, :CODEBOOK]
        past, stepped = None, []
        if not settings["params"]["transformer_config"]["params"].get("n_unmasked"):
            for i in range(stream.shape[1]):
                # Its cache is that of single tokens.
                step, _, present = model.transformer.forward_with_past(
                    stream[:, i:i + 1], past=past, past_length=i if past is not None else None)
                if past is None:
                    past = []
                past.append(present)
                stepped.append(step)
            stepped = [torch.cat(stepped, 1)[:, length - 1:, :CODEBOOK]]
        # Tokens beyond the codebook are not drawn.
        original = model.transformer.forward

        def cut(*arguments, **named):
            made, loss = original(*arguments, **named)
            return made[..., :CODEBOOK], loss
        model.transformer.forward = cut
        with Recorded(numbers(2, SIDE * SIDE)) as random:
            both = condition.repeat(2, 1)
            sampled = model.sample(both[:, :0], both, SIDE * SIDE, temperature=TEMPERATURE, sample=True, top_k=TOP_K)
        shape = (1, 6, SIDE, SIDE)
        decoded = model.decode_to_img(sampled[:1], shape)
    if stepped:
        difference = (stepped[0] - logits).abs().max() / logits.abs().max()
        assert difference < 1e-5, difference
    # Of the logits, every third position: the file is small.
    write(folder, condition=condition, tokens=tokens, logits=logits[0, ::3], uniforms=random.numbers, sampled=sampled,
          decoded=decoded[0, :, ::3, ::3], top_k=TOP_K, temperature=TEMPERATURE, guidance=1, **more)


def write_taming() -> None:
    labels = dict(target="taming.modules.util.Labelator", params=dict(n_classes=10))
    model, settings, state = build_net2net(labels, SIDE * SIDE, cond_stage_key="class_label")
    record_net2net("taming_class", model, settings, state, torch.tensor([[7]]))

    model, settings, state = build_net2net("__is_unconditional__", SIDE * SIDE, sos_token=3)
    record_net2net("taming_unconditional", model, settings, state, torch.tensor([[3]]))

    coordinates = dict(target="taming.modules.misc.coord.CoordStage", params=dict(n_embed=64, down_factor=4))
    model, settings, state = build_net2net(coordinates, 2 * SIDE * SIDE, cond_stage_key="coord")
    pixels = 4 * SIDE
    numbers = (torch.arange(pixels * pixels, dtype=torch.float32) / (pixels * pixels)).reshape(1, 1, pixels, pixels)
    condition = CoordStage(64, 4).encode(numbers)[2][2].reshape(1, -1)
    record_net2net("taming_coordinates", model, settings, state, condition)

    # A segmentation of 5 labels, whose tokens see each other.
    stage = taming_settings(gumbel=False, in_channels=5, out_ch=5)
    stage["target"] = "taming.models.vqgan.VQSegmentationModel"
    stage["params"].update(n_labels=5, n_embed=30)
    model, settings, state = build_net2net(stage, 2 * SIDE * SIDE, cond_stage_key="segmentation",
                                           transformer=dict(n_unmasked=SIDE * SIDE))
    share_weights(model.cond_stage_model)
    labels = (picture()[0, 0] * 2.5 + 2.5).long().clamp(0, 4)
    segmentation = torch.nn.functional.one_hot(labels, 5).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        z = model.cond_stage_model.quant_conv(model.cond_stage_model.encoder(segmentation))
        rows = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(2))[:30]]
        codebook = (chosen + 0.2 * rows.std() * torch.randn(chosen.shape, generator=torch.Generator().manual_seed(4))).half()
        model.cond_stage_model.quantize.embedding.weight.data = codebook.float()
        model.cond_stage_model.saved["quantize.embedding.weight"] = codebook
        _, condition = model.encode_to_c(segmentation)
    state.update({"cond_stage_model." + name: value for name, value in model.cond_stage_model.saved.items()})
    record_net2net("taming_segmentation", model, settings, state, condition.reshape(1, -1), labels=labels)


# --- min-dalle ---

class Overlapping:
    """Weights whose rows are parts of one small storage, which torch.save writes once."""

    def __init__(self):
        self.pool = (0.25 * torch.randn(40000, generator=torch.Generator().manual_seed(8))).half()
        self.start = 0

    def __call__(self, name: str, shape: torch.Size) -> torch.Tensor:
        if len(shape) == 1:
            self.start = (self.start + 101) % 20000
            return self.pool[self.start:self.start + shape[0]] + (1 if "weight" in name else 0)
        self.start = (self.start + 977) % 2000
        return self.pool.as_strided(shape, (1 if shape[0] > 1000 else 37, 1), self.start)


def write_min_dalle() -> None:
    folder = fresh("min_dalle")
    width, heads, layers, text_length, glu = 128, 2, 2, 16, 40
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for symbol in ["Ġ", *"abcdefghijklmnopqrstuvwxyz,.", "Ġa", "re", "red", "Ġred", "pp", "app", "le", "apple", "Ġapple", "Ġt"]:
        vocabulary[symbol] = len(vocabulary)
    merges = ["Ġ a", "r e", "re d", "Ġ red", "p p", "a pp", "l e", "app le", "Ġ apple", "Ġ t"]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf8")
    lines = (folder / "merges.txt").read_text(encoding="utf8").split("\n")[1:-1]
    tokenizer = TextTokenizer(vocabulary, lines)

    encoder = min_dalle.models.DalleBartEncoder(
        layer_count=layers, embed_count=width, attention_head_count=heads, text_vocab_count=len(vocabulary),
        text_token_count=text_length, glu_embed_count=glu, device="cpu").eval()
    decoder = min_dalle.models.DalleBartDecoder(
        image_vocab_count=2 ** 14 + 31, embed_count=width, attention_head_count=heads, glu_embed_count=glu,
        layer_count=layers, device="cpu").eval()
    weights = Overlapping()
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        state = {key: weights(key, value.shape) for key, value in model.state_dict().items()}
        model.load_state_dict({key: value.float() for key, value in state.items()})
        torch.save(state, folder / f"{name}.pt")

    prompt = "a red Apple, the  tree"
    tokens = tokenizer.tokenize(prompt)
    text = torch.ones(2, text_length, dtype=torch.long)
    text[0, :2] = torch.tensor([tokens[0], tokens[-1]])
    text[1, :len(tokens)] = torch.tensor(tokens)
    pictures, guidance, top_k = 2, 4.0, 64
    given = torch.randint(0, 2 ** 14, (1, 256), generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        state = encoder(text)
        expanded = [0] * pictures + [1] * pictures

        def run(choose):
            """As MinDalle.generate_raw_image_stream."""
            cache = torch.zeros(layers, pictures * 4, 256, width)
            image = torch.full((pictures, 257), 2 ** 14 - 1, dtype=torch.long)
            for i in range(256):
                image[:, i + 1] = choose(i, dict(
                    attention_mask=text[expanded].not_equal(1)[:, None, None, :], encoder_state=state[expanded],
                    attention_state=cache, prev_tokens=image[:, [i]], token_index=torch.arange(256)[[i]]))
            return image[:, 1:]

        def teach(i, arguments):
            logits, _ = decoder(**arguments)
            taught.append(logits[:, -1, :2 ** 14])
            return given[0, i].repeat(pictures)

        taught = []
        run(teach)
        logits = torch.stack(taught, 1)
        settings = torch.tensor([TEMPERATURE, top_k, guidance])
        with Recorded(numbers(pictures, 256)) as random:
            sampled = run(lambda i, arguments: decoder.sample_tokens(settings=settings, **arguments)[0])
    write(folder, condition=text[1], null=text[0], prompt=prompt, tokens=given, logits=logits[pictures, ::17, ::199],
          null_logits=logits[0, ::17, ::199], uniforms=random.numbers, sampled=sampled, top_k=top_k, temperature=TEMPERATURE,
          guidance=guidance)


def write_detokenizer() -> None:
    """The decoder of min-dalle, which has one size: its weights are parts of one small storage, which torch.save
    writes once."""
    folder = fresh("min_dalle_detokenizer")
    model = min_dalle.models.VQGanDetokenizer().eval()
    pool = (0.02 * torch.randn(24000, generator=torch.Generator().manual_seed(9))).half()
    state = {}
    for i, (name, value) in enumerate(model.state_dict().items()):
        start = 131 * i % 5000
        strides = {1: (1,), 2: (1, 1), 4: (13, 7, 3, 1)}[value.dim()]
        state[name] = pool.as_strided(value.shape, strides, start)
        if "norm" in name and name.endswith("weight"):
            state[name] = 1 + state[name]
    model.load_state_dict({name: value.float() for name, value in state.items()})
    torch.save(state, folder / "detoker.pt")
    sampled = torch.randint(0, 2 ** 14, (1, 64), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        z = model.embedding(sampled).view(1, 8, 8, 256).permute(0, 3, 1, 2)
        image = model.decoder(model.post_quant_conv(z))  # before it is held between 0 and 1
    write(folder, sampled=sampled, decoded=2 * image[0, :, ::9, ::9] - 1)


if __name__ == "__main__":
    torch.manual_seed(0)
    write_taming()
    write_min_dalle()
    write_detokenizer()
