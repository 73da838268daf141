"""Checks architectures/clip.py, scripted, against openai-clip with random weights.

    python scripts/export/test_clip_architecture.py
"""

import copy
import unittest
import warnings

import torch
import torch.nn.functional as F

from architectures.clip import CLIP, arguments_from_state_dict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import clip.model

SMALL = dict(embedding_dimension=48, image_size=64, vision_width=64, context_length=20,
             vocabulary_size=600, text_width=64, text_heads=1, text_layers=2)
VARIANTS = {
    "ViT": dict(SMALL, vision_layers=3, vision_patch_size=16),
    "ResNet": dict(SMALL, vision_layers=[1, 2, 1, 2], vision_width=16, vision_patch_size=0),
}


def make_reference(arguments: dict) -> torch.nn.Module:
    """openai-clip's model, with weights that leave no path at zero."""
    layers = arguments["vision_layers"]
    reference = clip.model.CLIP(
        arguments["embedding_dimension"], arguments["image_size"],
        tuple(layers) if isinstance(layers, list) else layers, arguments["vision_width"],
        arguments["vision_patch_size"] or None, arguments["context_length"],
        arguments["vocabulary_size"], arguments["text_width"], arguments["text_heads"],
        arguments["text_layers"])
    for name, parameter in reference.named_parameters():
        if name.endswith("bn3.weight") or "bias" in name:
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    for name, buffer in reference.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.2)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return reference.eval()


def make_inputs(arguments: dict, batch: int = 3):
    size = arguments["image_size"]
    image = torch.randn(batch, 3, size, size)
    tokens = torch.zeros(batch, arguments["context_length"], dtype=torch.int64)
    for row in range(batch):
        length = 4 + 2 * row
        tokens[row, :length] = torch.randint(1, arguments["vocabulary_size"] - 2, (length,))
        tokens[row, length] = arguments["vocabulary_size"] - 1
    return image, tokens


class TestCLIP(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)

    def make_pair(self, arguments: dict):
        reference = make_reference(arguments)
        state = reference.state_dict()
        found = arguments_from_state_dict(state)
        self.assertEqual(found, arguments)
        ours = CLIP(**found)
        ours.load_state_dict(state)
        return reference, torch.jit.script(ours.eval())

    def test_outputs_and_gradients_agree_with_openai_clip(self):
        for name, arguments in VARIANTS.items():
            with self.subTest(name):
                reference, ours = self.make_pair(arguments)
                image, tokens = make_inputs(arguments)
                results = []
                for model in (reference, ours):
                    picture = image.clone().requires_grad_()
                    embedding, text = model.encode_image(picture), model.encode_text(tokens)
                    similarity = F.cosine_similarity(embedding, text).sum()
                    gradients = torch.autograd.grad(
                        similarity, [picture, model.token_embedding.weight])
                    results.append([embedding, text, *gradients])
                for expected, actual in zip(*results):
                    # The same sums in another order: a few units in the last place of fp32.
                    scale = expected.abs().max().item()
                    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5 * scale)

    def test_training_mode_agrees_with_openai_clip(self):
        reference, _ = self.make_pair(VARIANTS["ResNet"])
        ours = CLIP(**VARIANTS["ResNet"])
        ours.load_state_dict(reference.state_dict())
        image, tokens = make_inputs(VARIANTS["ResNet"], batch=8)
        expected, _ = reference.train()(image, tokens)
        actual, _ = ours.train()(image, tokens)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(ours.visual.bn1.running_var, reference.visual.bn1.running_var)

    def test_runs_in_every_dtype(self):
        for name, arguments in VARIANTS.items():
            _, ours = self.make_pair(arguments)
            image, tokens = make_inputs(arguments)
            exact = ours.encode_image(image)
            for dtype in (torch.float64, torch.bfloat16, torch.float16):
                with self.subTest(name, dtype=dtype):
                    model = copy.deepcopy(ours).to(dtype)
                    picture = image.to(dtype).requires_grad_()
                    embedding = model.encode_image(picture)
                    self.assertEqual(embedding.dtype, dtype)
                    self.assertEqual(model.encode_text(tokens).dtype, dtype)
                    F.cosine_similarity(embedding, model.encode_text(tokens)).sum().backward()
                    self.assertTrue(torch.isfinite(picture.grad).all())
                    self.assertGreater(picture.grad.abs().max().item(), 0)
                    cosine = F.cosine_similarity(embedding.float(), exact)
                    self.assertGreater(cosine.min().item(), 0.999)

    def test_a_state_dict_of_something_else_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not a CLIP state dict"):
            arguments_from_state_dict({"visual.proj": torch.zeros(2, 2)})


if __name__ == "__main__":
    unittest.main()
