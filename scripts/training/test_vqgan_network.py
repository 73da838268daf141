"""Compares the autoencoder that is trained with the one that the Go packages run.

    python -m unittest discover -s scripts/training
"""

import sys
import tempfile
import unittest
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "reference")]

from codebook import Codebook  # noqa: E402
from fresh import load, write  # noqa: E402
from vqgan_network import VQGAN, Sizes, normalize_scale  # noqa: E402


class TestVQGANNetwork(unittest.TestCase):
    def test_it_computes_what_the_archive_does(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vqgan.pt"
            write("vqgan", "f8-2048-drawings", 3, path)
            archive, _ = load(path)
        model = VQGAN(Sizes())
        model.load_state_dict(archive.state_dict())
        image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
        with torch.no_grad():
            z, wanted = model.encode(image), archive.encode(image)
            torch.testing.assert_close(z, wanted, rtol=0, atol=3e-5 * wanted.abs().max().item())
            rows, tokens, _ = archive.quantize(wanted)
            self.assertEqual(model.quantizer.nearest(wanted).tolist(), tokens.tolist())
            out = archive.decode(rows)
            torch.testing.assert_close(model.decode(model.quantizer.embed(tokens)), out, rtol=0,
                                       atol=3e-5 * out.abs().max().item())

    def test_normalizing_the_scale_changes_no_picture(self):
        torch.manual_seed(0)
        model = VQGAN(Sizes(channels=8, multipliers=(1, 2), groups=4, z_channels=16, codebook_size=32))
        image = torch.rand(1, 3, 16, 16) * 2 - 1
        with torch.no_grad():
            model.quantizer.embedding.weight.normal_(0, 3)
            tokens = model.tokens(image)
            picture = model.picture(tokens)
            normalize_scale(model)
            self.assertAlmostEqual(model.quantizer.embedding.weight.square().mean().item(), 1, places=5)
            self.assertEqual(model.tokens(image).tolist(), tokens.tolist())
            torch.testing.assert_close(model.picture(tokens), picture, rtol=0, atol=1e-5)


class TestCodebook(unittest.TestCase):
    def test_it_finds_clusters_and_leaves_no_entry_dead(self):
        torch.manual_seed(0)
        centers = torch.tensor([[-4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [0.0, -4.0]])
        weight = torch.zeros(4, 2)
        book = Codebook([weight, weight.clone()], decay=0.9)
        for step in range(200):
            z = (centers[torch.randint(4, (256,))] + 0.1 * torch.randn(256, 2)).t().reshape(1, 2, 16, 16)
            if step == 0:
                book.place(z)
            flat = z.permute(0, 2, 3, 1).reshape(-1, 2)
            book.update(z, torch.cdist(flat, weight).argmin(1))
            if step % 20 == 0 and step < 150:
                book.restart(z)
        self.assertEqual(len(book.dead()), 0)
        self.assertLess(torch.cdist(centers, weight).min(1).values.max().item(), 0.2)


if __name__ == "__main__":
    unittest.main()
