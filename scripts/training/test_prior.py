"""Tests of the prior's stream, of its sampling, and of the pictures that it learns from."""

import random
import sys
import unittest
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "emoji")]

from drawing_augment import moved, on_white, premultiplied  # noqa: E402
from prior_network import Prior, Shape, shape_of  # noqa: E402
from prior_sample import sample  # noqa: E402
from prior_scenes import compose, with_article  # noqa: E402
from prior_text import TextPositions  # noqa: E402
from recolor import dominant_hue, from_hsv, name_of_hue, recolored, to_hsv  # noqa: E402

MERGES = ["a n", "i n", "c a", "ca t</w>"]
SHAPE = Shape(image_tokens=16, text_tokens=len(MERGES) + 514, text_length=4, rows=3, columns=2, embedding_size=5, layers=2,
              heads=2, width=8)


def made() -> Prior:
    torch.manual_seed(0)
    prior = Prior(SHAPE).eval()
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(0, 0.4)
    return prior


def square(color, box=(4, 4, 12, 12)) -> torch.Tensor:
    """A square of a color on a transparent drawing, uint8 [1, 4, 16, 16]."""
    rgba = torch.zeros(1, 4, 16, 16, dtype=torch.uint8)
    rgba[0, :, box[1]:box[3], box[0]:box[2]] = torch.tensor([*color, 255], dtype=torch.uint8)[:, None, None]
    return rgba


class TestPrior(unittest.TestCase):
    def test_the_text_leaves_padding_of_its_own_for_each_position(self):
        positions = TextPositions(MERGES, SHAPE)
        row, null = positions.row("cat"), positions.row("")
        self.assertEqual(row[0], 16 + 512 + 3)
        self.assertEqual(row[1:], null[1:])
        self.assertEqual(null, [16 + SHAPE.text_tokens + i for i in range(4)])
        self.assertEqual(positions.null(2).tolist(), [null, null])
        self.assertEqual(len(positions.row("a text that is too long")), 4)
        with self.assertRaisesRegex(ValueError, "517 text tokens, wanted 518"):
            TextPositions(MERGES[:3], SHAPE)

    def test_no_logits_see_later_tokens(self):
        prior, text = made(), torch.tensor([[16, 17, 18, 19]])
        image = torch.tensor([[1, 2, 3, 4, 5]])
        all_of_it = prior(text, image)
        self.assertEqual(all_of_it.shape, (1, 6, 16))
        for length in range(5):
            torch.testing.assert_close(prior(text, image[:, :length]), all_of_it[:, :length + 1])

    def test_an_embedding_counts_where_it_is_given(self):
        prior, text, image = made(), torch.tensor([[16, 17, 18, 19]] * 2), torch.tensor([[1], [1]])
        embedding = torch.nn.functional.normalize(torch.randn(2, 5), dim=1)
        without = prior(text, image)
        out = prior(text, image, embedding, torch.tensor([True, False]))
        self.assertFalse(torch.allclose(out[0], without[0]))
        torch.testing.assert_close(out[1], without[1])

    def test_the_config_tells_the_shape(self):
        prior = made()
        self.assertEqual(shape_of(prior.config()), SHAPE)
        self.assertEqual(prior.config()["block_size"], prior.pos_emb.shape[1])
        self.assertEqual(prior.config()["vocab_size"], prior.tok_emb.weight.shape[0])

    def test_sampling_without_choice_takes_the_likeliest_under_guidance(self):
        prior, positions = made(), TextPositions(MERGES, SHAPE)
        text, null = positions.tensor(["cat"]), positions.null(1)
        tokens = sample(prior, text, null, guidance=2.0, top_k=1).flatten().tolist()
        self.assertEqual(len(tokens), 6)
        for i, token in enumerate(tokens):
            before = torch.tensor([tokens[:i]], dtype=torch.int64).view(1, i)
            with torch.no_grad():
                conditional, unconditional = prior(text, before)[0, -1], prior(null, before)[0, -1]
            self.assertEqual((unconditional + 2 * (conditional - unconditional)).argmax().item(), token)


class TestDrawings(unittest.TestCase):
    def test_hues_there_and_back(self):
        rgb = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(from_hsv(*to_hsv(rgb)), rgb, rtol=0, atol=1e-5)

    def test_a_red_square_becomes_blue(self):
        red = square((230, 20, 20))
        hue, alike = dominant_hue(red)
        self.assertTrue(alike.item())
        self.assertEqual(name_of_hue(hue.item()), "red")
        blue = recolored(red, hue, ["blue"])
        self.assertEqual(name_of_hue(dominant_hue(blue)[0].item()), "blue")
        self.assertEqual(blue[:, 3].tolist(), red[:, 3].tolist())
        self.assertFalse(dominant_hue(square((90, 90, 90)))[1].item())

    def test_moving_goes_where_it_says(self):
        drawing, still = premultiplied(square((0, 0, 0))), torch.zeros(1)
        plain = torch.zeros(1, dtype=torch.bool)
        right = moved(drawing, still, torch.ones(1), torch.tensor([[0.25, 0.0]]), plain)
        torch.testing.assert_close(right, premultiplied(square((0, 0, 0), (6, 4, 14, 12))))
        down = moved(drawing, still, torch.ones(1), torch.tensor([[0.0, 0.25]]), plain)
        torch.testing.assert_close(down, premultiplied(square((0, 0, 0), (4, 6, 12, 14))))
        half = moved(drawing, still, torch.full((1,), 0.5), torch.zeros(1, 2), plain)
        self.assertAlmostEqual(half[:, 3].sum().item(), 16, delta=1e-3)
        left = premultiplied(square((0, 0, 0), (2, 4, 8, 12)))
        torch.testing.assert_close(moved(left, still, torch.ones(1), torch.zeros(1, 2), ~plain), left.flip(3))

    def test_on_white(self):
        picture = on_white(square((255, 0, 0)))
        self.assertEqual(picture[0, :, 0, 0].tolist(), [1, 1, 1])
        self.assertEqual(picture[0, :, 8, 8].tolist(), [1, -1, -1])

    def test_scenes_say_what_stands_where(self):
        red, blue = premultiplied(square((255, 0, 0))), premultiplied(square((0, 0, 255)))
        generator, seen = random.Random(0), set()
        for _ in range(40):
            scene, texts = compose(red, blue, [("apple", "house")], generator)
            seen.add(texts[0])
            rows = torch.arange(16.0)[:, None]
            where = [(rows * scene[0, channel]).sum() / scene[0, channel].sum() for channel in (0, 2)]
            if texts[0] == "an apple above a house":
                self.assertLess(where[0], where[1])
            elif texts[0] == "an apple under a house":
                self.assertGreater(where[0], where[1])
        self.assertIn("a house with an apple", seen)
        self.assertEqual(with_article("scissors"), "scissors")


if __name__ == "__main__":
    unittest.main()
