"""Checks architectures/vqgan.py, scripted, against taming-transformers-rom1504 with random weights.

    python scripts/export/test_vqgan_architecture.py
"""

import contextlib
import io
import unittest

import torch
from taming.modules.diffusionmodules.model import Decoder, Encoder
from taming.modules.vqvae.quantize import GumbelQuantize, VectorQuantizer2

from architectures.vqgan import (ARCHITECTURES, VQGAN, arguments_from_taming,
                                 state_dict_from_taming)

SMALL = dict(ch=32, ch_mult=(1, 2, 2), num_res_blocks=1, attn_resolutions=(8,), resolution=32,
             z_channels=24, codebook_size=64, embedding_dimension=16)


class Taming(torch.nn.Module):
    """taming's VQModel and GumbelVQ without Lightning: the same parts under the same names."""

    def __init__(self, arguments: dict, legacy: bool = True):
        super().__init__()
        dd = dict(ch=arguments["ch"], out_ch=3, ch_mult=arguments["ch_mult"],
                  num_res_blocks=arguments["num_res_blocks"],
                  attn_resolutions=arguments["attn_resolutions"], in_channels=3,
                  resolution=arguments["resolution"], z_channels=arguments["z_channels"],
                  double_z=False)
        size, dimension = arguments["codebook_size"], arguments["embedding_dimension"]
        with contextlib.redirect_stdout(io.StringIO()):  # taming announces its latent's shape
            self.encoder, self.decoder = Encoder(**dd), Decoder(**dd)
        if arguments.get("gumbel"):
            self.quantize = GumbelQuantize(dd["z_channels"], dimension, size)
        else:
            self.quantize = VectorQuantizer2(size, dimension, beta=0.25, sane_index_shape=True,
                                             legacy=legacy)
        self.quant_conv = torch.nn.Conv2d(dd["z_channels"], dimension, 1)
        self.post_quant_conv = torch.nn.Conv2d(dimension, dd["z_channels"], 1)
        self.loss = torch.nn.Linear(2, 2)  # stands for the training losses in a checkpoint


def spread_codebook(weight: torch.Tensor, z: torch.Tensor) -> None:
    """Puts the codebook where the encoder's outputs are, so that tokens vary."""
    with torch.no_grad():
        weight.copy_(z.mean() + z.std() * torch.randn_like(weight))


class AgainstTaming(unittest.TestCase):
    def compare(self, arguments: dict, height: int, width: int, legacy: bool = True):
        torch.manual_seed(0)
        reference = Taming(arguments, legacy).eval()
        image = (torch.rand(2, 3, height, width) * 2 - 1).requires_grad_()
        spread_codebook(reference.quantize.embedding.weight,
                        reference.quant_conv(reference.encoder(image)))
        model = VQGAN(**arguments, legacy=legacy).eval()
        model.load_state_dict(state_dict_from_taming(reference.state_dict()))
        model = torch.jit.script(model)

        z = reference.quant_conv(reference.encoder(image))
        z_q, loss, (_, _, indices) = reference.quantize(z)
        out = reference.decoder(reference.post_quant_conv(z_q))
        weight = torch.randn_like(out)
        gradient, = torch.autograd.grad((out * weight).sum() + loss, image)

        our_z = model.encode(image)
        our_z_q, our_indices, our_loss = model.quantize(our_z)
        our_out = model.decode(our_z_q)
        our_gradient, = torch.autograd.grad((our_out * weight).sum() + our_loss, image)

        self.assertGreater(indices.unique().numel(), 8, "the tokens must vary to test anything")
        self.assertTrue(torch.equal(indices, our_indices))
        self.assertTrue(torch.equal(model.embed(indices),
                                    reference.quantize.get_codebook_entry(
                                        indices.flatten(), (*indices.shape, z.shape[1]))))
        # fp32 rounding: the same kernels, but attention sums in another order.
        for name, ours, theirs in (("z", our_z, z), ("loss", our_loss, loss),
                                   ("picture", our_out, out),
                                   ("gradient", our_gradient, gradient)):
            difference = (ours - theirs).abs().max() / theirs.abs().max()
            print(f"  {name}: relative difference {difference:.1e}")
            self.assertLess(difference, 3e-5, name)

    def test_small(self):
        self.compare(SMALL, 32, 32)

    def test_codebook_loss_of_the_paper(self):
        self.compare(SMALL, 32, 32, legacy=False)

    def test_other_than_the_built_size(self):
        self.compare(SMALL, 64, 48)

    def test_f16(self):
        self.compare(ARCHITECTURES["f16-16384"], 64, 96)

    def test_gumbel(self):
        torch.manual_seed(0)
        arguments = dict(SMALL, gumbel=True, z_channels=16)
        reference = Taming(arguments).eval()
        model = VQGAN(**arguments).eval()
        model.load_state_dict(state_dict_from_taming(reference.state_dict()))
        model = torch.jit.script(model)
        image = torch.rand(2, 3, 32, 32) * 2 - 1
        image.requires_grad_()
        z = reference.quant_conv(reference.encoder(image))
        tokens = reference.quantize.proj(z).argmax(dim=1)
        out = reference.decoder(reference.post_quant_conv(
            reference.quantize.embed(tokens).permute(0, 3, 1, 2)))
        z_q, indices, _ = model.quantize(model.encode(image))
        ours = model.decode(z_q)
        self.assertTrue(torch.equal(indices, tokens))
        self.assertLess((ours - out).abs().max() / out.abs().max(), 1e-4)
        gradient, = torch.autograd.grad(ours.square().sum(), image)
        self.assertGreater(gradient.abs().max(), 0)


class Scripted(unittest.TestCase):
    def test_dtypes_sizes_and_the_embedded_architecture(self):
        torch.manual_seed(0)
        for dtype in (torch.float64, torch.bfloat16, torch.float16):
            model = VQGAN(**ARCHITECTURES["f4-1024-emoji"]).eval()
            spread_codebook(model.quantizer.embedding.weight,
                            model.encode(torch.rand(1, 3, 64, 64) * 2 - 1))
            model = torch.jit.script(model).to(dtype)
            for shape in ((1, 3, 64, 64), (3, 3, 32, 96)):
                image = (torch.rand(shape) * 2 - 1).to(dtype).requires_grad_()
                z_q, indices, _ = model.quantize(model.encode(image))
                out = model.decode(z_q)
                self.assertEqual(out.shape, image.shape)
                self.assertEqual(out.dtype, dtype)
                self.assertEqual(indices.shape, (shape[0], shape[2] // 4, shape[3] // 4))
                out.float().square().mean().backward()
                self.assertTrue(torch.isfinite(image.grad).all())
                self.assertGreater(image.grad.abs().max(), 0)


class TamingConfiguration(unittest.TestCase):
    def test_arguments(self):
        config = {"model": {"target": "taming.models.vqgan.VQModel", "params": {
            "embed_dim": 256, "n_embed": 16384, "ddconfig": {
                "double_z": False, "z_channels": 256, "resolution": 256, "in_channels": 3,
                "out_ch": 3, "ch": 128, "ch_mult": [1, 1, 2, 2, 4], "num_res_blocks": 2,
                "attn_resolutions": [16], "dropout": 0.0}}}}
        built = VQGAN(**arguments_from_taming(config)).state_dict()
        wanted = VQGAN(**ARCHITECTURES["f16-16384"]).state_dict()
        self.assertEqual({k: v.shape for k, v in built.items()},
                         {k: v.shape for k, v in wanted.items()})

    def test_composite_checkpoint(self):
        model = Taming(SMALL)
        composite = {"first_stage_model." + k: v for k, v in model.state_dict().items()}
        composite["transformer.tok_emb.weight"] = torch.zeros(1)
        self.assertEqual(state_dict_from_taming(composite).keys(),
                         VQGAN(**SMALL).state_dict().keys())


if __name__ == "__main__":
    unittest.main()
