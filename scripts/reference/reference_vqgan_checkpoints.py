"""Writes small VQGANs in the layouts in which models are published, and what the packages that define
them compute, into vqgan/testdata/checkpoints.

    python scripts/reference/reference_vqgan_checkpoints.py

Each folder has the files as published, and reference.json.gz: the latent of a picture, its tokens,
the picture decoded from them, and the gradient, in the picture that was encoded, of the sum of the
decoded one weighted by cos(i).
"""

import contextlib
import functools
import gzip
import io
import json
import shutil
import sys
import unittest.mock
import warnings
from collections.abc import Callable
from pathlib import Path

import attr
import torch
import torch.nn.functional as F
import yaml

warnings.simplefilter("ignore")
import dall_e  # noqa: E402
import diffusers  # noqa: E402
import pytorch_lightning  # noqa: E402
import pytorch_lightning.utilities.rank_zero  # noqa: E402

# Where taming, which is older, looks for it.
sys.modules["pytorch_lightning.utilities.distributed"] = pytorch_lightning.utilities.rank_zero
from pytorch_lightning.callbacks import ModelCheckpoint  # noqa: E402
from taming.models.vqgan import GumbelVQ, VQModel  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "vqgan" / "testdata" / "checkpoints"
SIZE = 32
# taming normalizes in 32 groups, so that a network has 32 channels at least.
DDCONFIG = dict(double_z=False, z_channels=4, resolution=32, in_channels=3, out_ch=3, ch=32,
                ch_mult=[1, 1, 2], num_res_blocks=1, attn_resolutions=[8], dropout=0.0)
CODEBOOK = 48


def picture() -> torch.Tensor:
    return torch.linspace(-1, 1, 2 * 3 * SIZE * SIZE).reshape(2, 3, SIZE, SIZE).mul(40).sin()


def scramble(model: torch.nn.Module) -> None:
    """Weights that make every part matter: fresh ones are zeros and ones in places."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        fan = parameter[0].numel() if parameter.dim() > 1 else 16
        parameter.data = torch.randn(parameter.shape, generator=generator) / fan ** 0.5
        if parameter.dim() == 1 and "weight" in name:
            parameter.data += 1  # of a normalization


@functools.cache
def storages() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    small = (0.2 * torch.randn(8192, generator=generator)).half()
    large = (0.06 * torch.randn(64 * 64 * 9 + 512, generator=generator)).half()
    return small, large, generator.get_state()


def pools() -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
    """The storages that all networks share, and the generator after them."""
    small, large, state = storages()
    generator = torch.Generator()
    generator.set_state(state)
    return small, large, generator


def share_weights(model: torch.nn.Module) -> None:
    """Makes the weights parts of a few storages in float16, which torch.save writes once, so that the
    file of a network with 32 channels is small. model.saved is the state dict."""
    small, large, generator = pools()
    model.saved = {}
    for name, value in model.state_dict().items():
        if name.endswith(("embedding.weight", "embed.weight")):
            model.saved[name] = value.half()
        elif value.is_floating_point():
            pool = small if value.dim() < 2 or value[0].numel() < 64 else large
            start = int(torch.randint(0, len(pool) - value.numel() + 1, (1,), generator=generator))
            model.saved[name] = pool[start:start + value.numel()].reshape(value.shape)
            if value.dim() == 1 and "norm" in name and name.endswith(("weight", "conv_y.bias")):
                model.saved[name] = 1 + model.saved[name]
        else:
            model.saved[name] = value
    model.load_state_dict(model.saved)


def spread_codebook(weight: torch.Tensor, z: torch.Tensor) -> None:
    """Puts the codebook where the encoder's outputs are, so that tokens vary and none is a tie."""
    generator = torch.Generator().manual_seed(2)
    rows = z.detach().permute(1, 0, 2, 3).flatten(1).t()
    chosen = rows[torch.randperm(len(rows), generator=generator)[:len(weight)]]
    weight.data = (chosen + 0.2 * rows.std() * torch.randn(weight.shape, generator=generator)).half().float()


def check_margin(z: torch.Tensor, codebook: torch.Tensor) -> None:
    """Asserts that rounding decides no token."""
    nearest = torch.cdist(z.permute(0, 2, 3, 1).flatten(0, 2), codebook).topk(2, largest=False).values
    margin = ((nearest[:, 1] - nearest[:, 0]) / z.std()).min()
    assert margin > 2e-5, margin


def check_logits(logits: torch.Tensor) -> None:
    best = logits.topk(2, dim=1).values
    margin = ((best[:, 0] - best[:, 1]) / logits.std()).min()
    assert margin > 1e-5, margin


def record(folder: Path, encode: Callable, quantize: Callable, decode: Callable) -> None:
    """quantize gives the rows, with their gradient, and the tokens."""
    image = picture().requires_grad_(True)
    z = encode(image)
    rows, tokens = quantize(z)
    decoded = decode(rows)
    assert tokens.unique().numel() > 8, tokens.unique()
    weights = torch.arange(decoded.numel(), dtype=torch.float32).reshape(decoded.shape).cos()
    (decoded * weights).sum().backward()
    text = json.dumps({
        "size": SIZE, "tokens": tokens.flatten().tolist(),
        "latent": [round(x, 7) for x in z[0].flatten().tolist()],
        "decoded": [round(x, 7) for x in decoded[0, :, ::3, ::3].flatten().tolist()],
        "gradient": [round(x, 8) for x in image.grad[0, :, ::3, ::3].flatten().tolist()],
    })
    (folder / "reference.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{folder.relative_to(ROOT)}: {sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())} bytes,"
          f" {tokens.unique().numel()} tokens")


def fresh(name: str) -> Path:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# --- taming-transformers ---

def taming_settings(gumbel: bool, **changes) -> dict:
    """A model in the yaml of taming-transformers."""
    dd = {**DDCONFIG, **changes}
    params = dict(embed_dim=dd["z_channels"] if gumbel else 6, n_embed=CODEBOOK, ddconfig=dd,
                  lossconfig=dict(target="taming.modules.losses.vqperceptual.DummyLoss"))
    if gumbel:
        params.update(kl_weight=1e-8, temperature_scheduler_config=dict(
            target="taming.lr_scheduler.LambdaWarmUpCosineScheduler",
            params=dict(warm_up_steps=0, max_decay_steps=1000001, lr_start=0.9, lr_max=0.9, lr_min=1e-6)))
    return dict(base_learning_rate=4.5e-6,
                target="taming.models.vqgan." + ("GumbelVQ" if gumbel else "VQModel"), params=params)


def build_taming(settings: dict) -> torch.nn.Module:
    """The model, with weights of which all parts matter. taming announces its latent's shape."""
    made = GumbelVQ if settings["target"].endswith("GumbelVQ") else VQModel
    with contextlib.redirect_stdout(io.StringIO()):
        model = made(**settings["params"]).eval()
    share_weights(model)
    if made is VQModel:
        place_codebook(model)
    else:
        center_logits(model)
    return model


def center_logits(model: torch.nn.Module) -> None:
    """A bias without which a few tokens would always win."""
    with torch.no_grad():
        model.quantize.proj.weight.mul_(4)
        mean = model.quantize.proj(model.quant_conv(model.encoder(picture()))).mean((0, 2, 3))
        model.quantize.proj.bias.data = (model.quantize.proj.bias - mean).half().float()
    for name in ("weight", "bias"):
        model.saved["quantize.proj." + name] = getattr(model.quantize.proj, name).data.half()


def place_codebook(model: torch.nn.Module) -> None:
    with torch.no_grad():
        spread_codebook(model.quantize.embedding.weight, model.quant_conv(model.encoder(picture())))
    model.saved["quantize.embedding.weight"] = model.quantize.embedding.weight.data.half()


def save_lightning(state: dict, path: Path) -> None:
    """As Lightning saves a run: classes as keys, objects of them, and states of optimizers."""
    torch.save({
        "epoch": 12, "global_step": 3456, "pytorch-lightning_version": pytorch_lightning.__version__,
        "state_dict": state,
        "callbacks": {ModelCheckpoint: {"monitor": "val/rec_loss", "best_model_score": torch.tensor(0.5),
                                        "best_model_path": "last.ckpt"}},
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": []}],
        "lr_schedulers": [], "hparams_name": "kwargs",
        "hyper_parameters": pytorch_lightning.utilities.parsing.AttributeDict(learning_rate=4.5e-6),
    }, path)


def write_yaml(settings: dict, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({"model": settings, "data": {"target": "main.DataModuleFromConfig"}}))


def record_vq(folder: Path, model: torch.nn.Module) -> None:
    def quantize(z):
        check_margin(z, model.quantize.embedding.weight)
        rows, _, (_, _, tokens) = model.quantize(z)
        return rows, tokens
    record(folder, lambda image: model.quant_conv(model.encoder(image)), quantize, model.decode)


def write_taming() -> None:
    settings = taming_settings(gumbel=False)
    model = build_taming(settings)
    state = model.saved
    # With what only training has.
    state = {**state, "loss.discriminator.main.0.weight": torch.ones(2), "colorize": torch.zeros(1)}

    folder = fresh("taming")
    save_lightning(state, folder / "last.ckpt")
    write_yaml(settings, folder / "model.yaml")
    record_vq(folder, model)

    # Without its yaml, in the folders of a run, as the first stage of a transformer, and as
    # safetensors of other people.
    folder = fresh("taming_without_yaml")
    save_lightning(state, folder / "epoch=12.ckpt")
    record_vq(folder, model)

    folder = fresh("taming_composite")
    save_lightning({**{"first_stage_model." + name: value for name, value in state.items()},
                    **{"cond_stage_model." + name: value for name, value in state.items()},
                    "transformer.tok_emb.weight": torch.zeros(3, 2)}, folder / "net2net.ckpt")
    write_yaml(dict(target="taming.models.cond_transformer.Net2NetTransformer",
                    params=dict(first_stage_config=settings, cond_stage_config=settings)), folder / "net2net.yaml")
    record_vq(folder, model)

    settings = taming_settings(gumbel=False, ch_mult=[1, 1], resamp_with_conv=False, attn_resolutions=[32])
    model = build_taming(settings)
    folder = fresh("taming_pooled")
    (folder / "checkpoints").mkdir()
    save_lightning(model.saved, folder / "checkpoints" / "last.ckpt")
    write_yaml(settings, folder / "configs" / "2026-01-01T00-00-00-project.yaml")
    record_vq(folder, model)


@contextlib.contextmanager
def without_gumbel_noise():
    """GumbelQuantize draws noise in evaluation too. Gumbel noise is -log of exponential noise."""
    original = torch.Tensor.exponential_
    torch.Tensor.exponential_ = lambda self, *_: self.fill_(1)
    try:
        yield
    finally:
        torch.Tensor.exponential_ = original


def encode_gumbel(model: torch.nn.Module, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of the tokens, with their gradient, and the tokens."""
    with without_gumbel_noise():
        z = model.quant_conv(model.encoder(image))
        check_logits(model.quantize.proj(z))
        rows, _, (_, _, tokens) = model.quantize(z)
    return rows, tokens


def record_gumbel(folder: Path, model: torch.nn.Module) -> None:
    def encode(image):
        rows, encode.tokens = encode_gumbel(model, image)
        return rows
    record(folder, encode, lambda rows: (rows, encode.tokens), model.decode)


def write_gumbel() -> None:
    settings = taming_settings(gumbel=True)
    model = build_taming(settings)
    folder = fresh("taming_gumbel")
    save_lightning(model.saved, folder / "last.ckpt")
    write_yaml(settings, folder / "model.yaml")
    record_gumbel(folder, model)


# --- latent-diffusion: the modules of taming-transformers, with configurations of its own ---

def ldm_settings(target: str, **changes) -> dict:
    settings = taming_settings(gumbel=False, **changes)
    settings["target"] = target
    settings["params"]["lossconfig"] = dict(target="torch.nn.Identity")
    return settings


def write_ldm() -> None:
    settings = ldm_settings("ldm.models.autoencoder.VQModel", z_channels=3, attn_resolutions=[])
    settings["params"]["embed_dim"] = 3
    model = build_taming({**settings, "target": "taming.models.vqgan.VQModel"})
    folder = fresh("latent_diffusion")
    torch.save({"state_dict": {**model.saved, "loss.logvar": torch.zeros(1)}}, folder / "model.ckpt")
    write_yaml(settings, folder / "config.yaml")
    record_vq(folder, model)

    # VQModelInterface as the first stage of a diffusion model, without attention.
    settings = ldm_settings("ldm.models.autoencoder.VQModelInterface", attn_type="none", attn_resolutions=[],
                            tanh_out=True)
    model = build_taming({**settings, "target": "taming.models.vqgan.VQModel"})
    model.encoder.mid.attn_1 = model.decoder.mid.attn_1 = torch.nn.Identity()
    decode = model.decode
    model.decode = lambda rows: torch.tanh(decode(rows))
    place_codebook(model)
    folder = fresh("latent_diffusion_composite")
    torch.save({"state_dict": {
        "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(2), "betas": torch.zeros(4),
        "model_ema.diffusion_modelinput_blocks00weight": torch.zeros(2),
        **{"first_stage_model." + name: value for name, value in model.saved.items()
           if "attn_1" not in name}}}, folder / "model.ckpt")
    write_yaml(dict(target="ldm.models.diffusion.ddpm.LatentDiffusion", params=dict(
        linear_start=0.0015, first_stage_config=settings,
        cond_stage_config="__is_first_stage__")), folder / "config.yaml")
    record_vq(folder, model)


# --- diffusers ---

def build_diffusers(**settings) -> diffusers.VQModel:
    model = diffusers.VQModel(**settings).eval()
    scramble(model)
    model.half().float()  # values that float16 has, in which some of the files are
    with torch.no_grad():
        spread_codebook(model.quantize.embedding.weight, model.encode(picture()).latents)
    return model


def record_diffusers(folder: Path, model: diffusers.VQModel) -> None:
    def quantize(z):
        check_margin(z, model.quantize.embedding.weight)
        rows, _, (_, _, tokens) = model.quantize(z)
        return rows, tokens

    def decode(rows):
        # Of the quantized latent; lookup_from_codebook takes tokens here.
        conditions = (rows,) if model.config.norm_type == "spatial" else ()
        return model.decoder(model.post_quant_conv(rows), *conditions)
    record(folder, lambda image: model.encode(image).latents, quantize, decode)


def write_diffusers() -> None:
    common = dict(latent_channels=4, num_vq_embeddings=CODEBOOK, norm_num_groups=4, layers_per_block=1)
    model = build_diffusers(
        **common, block_out_channels=(8, 8, 12), vq_embed_dim=6, sample_size=64,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "AttnUpDecoderBlock2D", "UpDecoderBlock2D"))
    folder = fresh("diffusers")
    model.save_pretrained(folder)
    record_diffusers(folder, model)
    # The names of attention in earlier versions, with PyTorch's file, in float16.
    folder = fresh("diffusers_bin")
    model.save_pretrained(folder, safe_serialization=False)
    weights = folder / "diffusion_pytorch_model.bin"
    state = torch.load(weights)
    for old, new in (("to_q.", "query."), ("to_k.", "key."), ("to_v.", "value."), ("to_out.0.", "proj_attn.")):
        state = {name.replace(old, new): value.half() for name, value in state.items()}
    torch.save(state, weights)
    record_diffusers(folder, model)

    # As in aMUSEd's pipeline.
    model = build_diffusers(
        **common, block_out_channels=(8, 12), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, mid_block_add_attention=False, lookup_from_codebook=True,
        force_upcast=True)
    folder = fresh("diffusers_pipeline")
    (folder / "model_index.json").write_text(json.dumps({
        "_class_name": "AmusedPipeline", "vqvae": ["diffusers", "VQModel"]}))
    model.save_pretrained(folder / "vqvae")
    record_diffusers(folder, model)


def write_movq() -> None:
    """Kandinsky's MoVQ, in its pipeline. diffusers normalizes in 32 groups there."""
    model = diffusers.VQModel(
        latent_channels=4, vq_embed_dim=4, num_vq_embeddings=CODEBOOK, layers_per_block=1, norm_type="spatial",
        block_out_channels=(32, 32, 64), down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D")).eval()
    share_weights(model)
    with torch.no_grad():
        spread_codebook(model.quantize.embedding.weight, model.encode(picture()).latents)
    model.saved["quantize.embedding.weight"] = model.quantize.embedding.weight.data.half()
    folder = fresh("diffusers_movq")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "KandinskyV22Pipeline", "movq": ["diffusers", "VQModel"]}))
    model.save_config(folder / "movq")
    torch.save(model.saved, folder / "movq" / "diffusion_pytorch_model.bin")
    record_diffusers(folder, model)


# --- DALL-E ---

def build_dvae(**settings) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Its classes refuse small sizes, but compute with them."""
    attr.validators.set_disabled(True)
    sizes = dict(vocab_size=64, n_hid=8, n_blk_per_group=1)
    encoder = dall_e.Encoder(**{**sizes, **settings}).eval()
    decoder = dall_e.Decoder(**{**sizes, "n_init": 8, **settings}).eval()
    generator = torch.Generator().manual_seed(3)
    for name, parameter in [*encoder.named_parameters(), *decoder.named_parameters()]:
        if parameter.dim() == 1:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
        elif name.endswith("id_path.w") or name.endswith("input.w") or name.endswith("output.conv.w"):
            parameter.data = torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5
        else:
            # A path adds little by its gain: make it matter.
            parameter.data = 2 * torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5
    output = encoder.blocks.output.conv
    with torch.no_grad():
        output.w.mul_(4)
        output.b.sub_(encoder(dall_e.map_pixels((picture() + 1) / 2)).mean((0, 2, 3)))
    # Values that float16 has, in which one of the files is.
    return encoder.half().float(), decoder.half().float()


def encode_dvae(logits: torch.Tensor, decoder: torch.nn.Module) -> tuple:
    """The one-hot vectors of the tokens, with the gradient of the softmax, the columns of the
    decoder's first convolution for them, and the tokens."""
    check_logits(logits)
    tokens = logits.argmax(1)
    hard = F.one_hot(tokens, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    soft = logits.softmax(1)
    one_hot = hard - soft.detach() + soft
    return one_hot, torch.einsum("bnhw,dn->bdhw", one_hot, decoder.blocks.input.w[:, :, 0, 0]), tokens


def record_dvae(folder: Path, encoder: torch.nn.Module, decoder: torch.nn.Module) -> None:
    def encode(image):
        encode.one_hot, rows, encode.tokens = encode_dvae(encoder(dall_e.map_pixels((image + 1) / 2)), decoder)
        return rows

    def decode(_):
        statistics = decoder(encode.one_hot)
        return 2 * dall_e.unmap_pixels(torch.sigmoid(statistics[:, :3])) - 1
    record(folder, encode, lambda rows: (rows, encode.tokens), decode)


def write_dvae() -> None:
    encoder, decoder = build_dvae()
    folder = fresh("dalle")
    torch.save(encoder, folder / "encoder.pkl")
    # In the format before PyTorch 1.6, without the source of the classes, which it keeps otherwise.
    with unittest.mock.patch("inspect.getsourcelines", side_effect=OSError):
        torch.save(decoder, folder / "decoder.pkl", _use_new_zipfile_serialization=False)
    record_dvae(folder, encoder, decoder)

    folder = fresh("dalle_state_dict")
    torch.save({"hparams": {"dim": 4}, "weights": {
        **{"vae.enc." + name: value.half() for name, value in encoder.state_dict().items()},
        **{"vae.dec." + name: value.half() for name, value in decoder.state_dict().items()},
        "transformer.layers.0.weight": torch.zeros(2)}}, folder / "dalle.pt")
    record_dvae(folder, encoder, decoder)


WRITERS = {"taming": write_taming, "gumbel": write_gumbel, "ldm": write_ldm, "diffusers": write_diffusers, "movq": write_movq,
           "dalle": write_dvae}


def main() -> None:
    torch.manual_seed(0)
    for name in sys.argv[1:] or WRITERS:
        WRITERS[name]()


if __name__ == "__main__":
    main()
