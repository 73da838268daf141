"""Full-size VQGANs with random weights, saved by the package that defines them in its published
layout, opened by package vqgan: the same latents, tokens, decoded images and gradients.

    python scripts/parity/test_vqgan.py                # all, some minutes
    python scripts/parity/test_vqgan.py Published.test_dalle
    PARITY_WRITE=1 python scripts/parity/test_vqgan.py # and write docs/parity.md
"""

import contextlib
import gc
import io
import sys
import tempfile
import unittest
from pathlib import Path

import torch

from parity import COSINE, DIFFERENCE, ROOT, compare, run_go, write_row

sys.path.insert(0, str(ROOT / "scripts/reference"))
import dall_e  # noqa: E402
import diffusers  # noqa: E402
from fresh import load, make_trainable, write  # noqa: E402
from reference_vqgan_checkpoints import (  # noqa: E402
    encode_dvae, encode_gumbel, save_lightning, write_yaml)
from taming.models.vqgan import GumbelVQ, VQModel  # noqa: E402

SECTION = "VQGAN"
IMAGE_SIZE = 128


def scramble(model: torch.nn.Module) -> None:
    """Norms and biases that are not ones and zeros, so that each of them matters."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            noise = 0.1 * torch.randn(parameter.shape, generator=generator)
            parameter.data.copy_(1 + noise if name.endswith("weight") else noise)


def spread_codebook(weight: torch.Tensor, z: torch.Tensor) -> None:
    """Puts the codebook where the encoder's outputs are, so that tokens vary."""
    with torch.no_grad():
        weight.copy_(z.mean((0, 2, 3)) + z.std((0, 2, 3)) * torch.randn_like(weight))


class Published(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(gc.collect)
        self.folder = Path(folder.name)
        # Smooth, so that its latents differ from place to place.
        self.images = torch.nn.functional.interpolate(
            torch.rand(1, 3, 16, 16) * 2 - 1, IMAGE_SIZE, mode="bicubic").clamp(-1, 1)

    def check(self, name: str, package: str, checkpoint: Path, encode, decode, dtype=torch.float32):
        """encode gives the latent, the rows of its tokens, and the tokens."""
        images = self.images.to(dtype, copy=True).requires_grad_(True)
        latent, rows, tokens = encode(images)
        decoded = decode(rows)
        weights = torch.arange(decoded.numel(), dtype=dtype).reshape(decoded.shape).cos()
        (decoded * weights).sum().backward()
        got = run_go("vqgan_outputs", checkpoint, self.folder, {"images": images.detach(), "weights": weights},
                     {"dtype": str(dtype).removeprefix("torch.")})
        self.assertGreater(tokens.unique().numel(), 16, "the tokens must vary to test anything")
        self.assertTrue(torch.equal(got["tokens"].flatten(), tokens.flatten()), "tokens")
        columns = [package, str(dtype).removeprefix("torch."), str(tokens.unique().numel())]
        for what, wanted in (("latent", latent), ("decoded", decoded), ("gradient", images.grad)):
            self.assertGreater(wanted.abs().max(), 1e-6, what)
            cosine, difference = compare(wanted, got[what])
            columns.append(f"{difference:.1e}")
            self.assertGreater(cosine, COSINE, what)
            self.assertLess(difference, DIFFERENCE, what)
        write_row(SECTION, name, columns)

    def by_distance(self, model, encode):
        """The encoding of a model that chooses tokens by distance."""
        with torch.no_grad():
            spread_codebook(model.quantize.embedding.weight, encode(self.images))

        def all_of(images):
            latent = encode(images)
            rows, _, (_, _, tokens) = model.quantize(latent)
            return latent, rows, tokens
        return all_of

    def taming(self, name: str, made, settings: dict):
        settings["lossconfig"] = dict(target="taming.modules.losses.vqperceptual.DummyLoss")
        with contextlib.redirect_stdout(io.StringIO()):  # taming announces its latent's shape
            model = made(**settings).eval()
        scramble(model)
        if made is GumbelVQ:
            with torch.no_grad():
                # Logits of which others than a few are the largest.
                model.quantize.proj.bias -= model.quantize.proj(
                    model.quant_conv(model.encoder(self.images))).mean((0, 2, 3))

            def encode(images):
                rows, tokens = encode_gumbel(model, images)
                return rows, rows, tokens
        else:
            encode = self.by_distance(model, lambda images: model.quant_conv(model.encoder(images)))
        save_lightning(model.state_dict(), self.folder / "last.ckpt")
        write_yaml(dict(target=f"taming.models.vqgan.{made.__name__}", params=settings), self.folder / "model.yaml")
        self.check(name, "taming-transformers", self.folder, encode, model.decode)

    @staticmethod
    def settings(codebook: int, dimension: int, multipliers: list[int], attention: list[int]) -> dict:
        return dict(embed_dim=dimension, n_embed=codebook, ddconfig=dict(
            double_z=False, z_channels=dimension, resolution=256, in_channels=3, out_ch=3, ch=128,
            ch_mult=multipliers, num_res_blocks=2, attn_resolutions=attention, dropout=0.0))

    def test_taming_f16_16384(self):
        self.taming("VQModel, f16, 16384 tokens", VQModel, self.settings(16384, 256, [1, 1, 2, 2, 4], [16]))

    def test_taming_gumbel_f8(self):
        settings = self.settings(8192, 256, [1, 1, 2, 4], [32])
        settings.update(kl_weight=1e-8, temperature_scheduler_config=dict(
            target="taming.lr_scheduler.LambdaWarmUpCosineScheduler",
            params=dict(warm_up_steps=0, max_decay_steps=1000001, lr_start=0.9, lr_max=0.9, lr_min=1e-6)))
        self.taming("GumbelVQ, f8, 8192 tokens", GumbelVQ, settings)

    def test_latent_diffusion_vq_f8(self):
        # Its autoencoder is made of taming's modules.
        self.taming("latent-diffusion's VQ-f8", VQModel, self.settings(16384, 4, [1, 2, 2, 4], [32]))

    def test_diffusers(self):
        # The settings of amused-256's vqvae.
        model = diffusers.VQModel(
            act_fn="silu", block_out_channels=[128, 256, 256, 512, 768],
            down_block_types=["DownEncoderBlock2D"] * 5, up_block_types=["UpDecoderBlock2D"] * 5,
            latent_channels=64, layers_per_block=2, lookup_from_codebook=True, mid_block_add_attention=False,
            norm_num_groups=32, num_vq_embeddings=8192, sample_size=32, force_upcast=True).eval()
        scramble(model)
        encode = self.by_distance(model, lambda images: model.encode(images).latents)
        model.save_pretrained(self.folder)
        self.check("VQModel of aMUSEd, f16, 8192 tokens", "diffusers", self.folder, encode,
                   lambda rows: model.decoder(model.post_quant_conv(rows)))

    def test_movq(self):
        # The settings of kandinsky-2-2-decoder's movq.
        model = diffusers.VQModel(
            block_out_channels=[128, 256, 256, 512], latent_channels=4, layers_per_block=2, norm_type="spatial",
            down_block_types=["DownEncoderBlock2D"] * 3 + ["AttnDownEncoderBlock2D"],
            up_block_types=["AttnUpDecoderBlock2D"] + ["UpDecoderBlock2D"] * 3,
            num_vq_embeddings=16384, vq_embed_dim=4).eval()
        scramble(model)
        encode = self.by_distance(model, lambda images: model.encode(images).latents)
        model.save_pretrained(self.folder / "movq")
        self.check("VQModel of Kandinsky (MoVQ), f8, 16384 tokens", "diffusers", self.folder, encode,
                   lambda rows: model.decoder(model.post_quant_conv(rows), rows))

    def test_dalle(self):
        # In float64: in float32 the rounding turns ReLUs of activations near zero on or off, in
        # either package. dall_e casts to float32, and refuses other images.
        self.addCleanup(setattr, dall_e.utils.Conv2d, "forward", dall_e.utils.Conv2d.forward)
        dall_e.utils.Conv2d.forward = lambda conv, x: torch.nn.functional.conv2d(
            x, conv.w, conv.b, padding=(conv.kw - 1) // 2)
        encoder, decoder = dall_e.Encoder().eval(), dall_e.Decoder().eval()
        scramble(encoder)
        scramble(decoder)
        eps = dall_e.utils.logit_laplace_eps

        def logits(images):
            return encoder.blocks((1 - 2 * eps) * (images + 1) / 2 + eps)

        with torch.no_grad():
            encoder.blocks.output.conv.b -= logits(self.images).mean((0, 2, 3))
        torch.save(encoder, self.folder / "encoder.pkl")
        torch.save(decoder, self.folder / "decoder.pkl")
        encoder.double()
        decoder.double()

        def encode(images):
            encode.one_hot, rows, tokens = encode_dvae(logits(images), decoder)
            return rows, rows, tokens

        def decode(_):
            pixels = torch.sigmoid(decoder.blocks(encode.one_hot)[:, :3])
            return 2 * ((pixels - eps) / (1 - 2 * eps)).clamp(0, 1) - 1
        self.check("discrete VAE, f8, 8192 tokens", "DALL-E", self.folder, encode, decode, torch.float64)


class WrittenByGo(unittest.TestCase):
    """Archives with fresh weights, as training starts from them."""

    def create(self, architecture: str) -> torch.jit.ScriptModule:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.pt"
            write("vqgan", architecture, 1, path)
            return load(path)[0]

    def test_names_shapes_and_initial_weights_are_those_of_taming(self):
        for architecture, made, arguments in (
                ("f16-1024", VQModel, (1024, 256, [1, 1, 2, 2, 4], [16])),
                ("gumbel-f8-8192", GumbelVQ, (8192, 256, [1, 1, 2, 4], [32]))):
            settings = Published.settings(*arguments)
            settings["lossconfig"] = dict(target="taming.modules.losses.vqperceptual.DummyLoss")
            if made is GumbelVQ:
                settings["temperature_scheduler_config"] = dict(
                    target="taming.lr_scheduler.LambdaWarmUpCosineScheduler", params=dict(
                        warm_up_steps=0, max_decay_steps=1, lr_start=1, lr_max=1, lr_min=1))
            with contextlib.redirect_stdout(io.StringIO()):
                wanted = made(**settings).state_dict()
            renamed = {}
            for name, value in wanted.items():
                for old, new in (("quantize.proj.", "proj."), ("quantize.embed.", "quantizer.embedding."),
                                 ("quantize.embedding.", "quantizer.embedding.")):
                    name = name.replace(old, new)
                renamed[name] = value
            got = self.create(architecture).state_dict()
            self.assertEqual({name: value.shape for name, value in renamed.items()},
                             {name: value.shape for name, value in got.items()})
            for name, value in renamed.items():
                if value.numel() < 1000:
                    continue
                # Means of as many draws from the same distribution.
                error = 6 * value.std().item() / value.numel() ** 0.5
                self.assertAlmostEqual(value.mean().item(), got[name].mean().item(), delta=error, msg=name)
                self.assertAlmostEqual(value.std().item() / got[name].std().item(), 1, delta=0.15, msg=name)

    def test_it_trains_in_python(self):
        model = make_trainable(self.create("f4-1024-emoji")).train()
        torch.manual_seed(0)
        images = torch.rand(2, 3, 32, 32) * 2 - 1
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        losses = []
        for _ in range(10):
            decoded, tokens, loss = model(images)
            self.assertEqual(tokens.shape, (2, 8, 8))
            loss = loss + (decoded - images).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        self.assertTrue(all(parameter.grad is not None for parameter in model.parameters()))
        self.assertLess(losses[-1], losses[0])


if __name__ == "__main__":
    unittest.main()
