"""Archives that Go wrote from small published checkpoints, opened by Python's torch.jit.load: the same
numbers, and trainable.

    python scripts/parity/test_archives.py
"""

import copy
import gzip
import io
import json
import subprocess
import tempfile
import unittest
import warnings
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
import clip.model  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = ROOT / "clip" / "testdata" / "checkpoints"


class Archives(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.program = cls.folder / "clipvqgan"
        subprocess.run(["go", "build", "-o", cls.program, "./cmd/clipvqgan"], cwd=ROOT, check=True)

    def test_python_computes_what_the_packages_did(self):
        for source in sorted(CHECKPOINTS.iterdir()):
            with self.subTest(source.name):
                reference = json.loads(gzip.open(source / "reference.json.gz").read())
                weights = source / "model.pt"
                output = self.folder / f"{source.name}.pt"
                subprocess.run([self.program, "import", weights if weights.exists() else source, "-o", output],
                               check=True, capture_output=True)
                extra = {"config.json": ""}
                module = torch.jit.load(io.BytesIO(output.read_bytes()), _extra_files=extra).float()
                self.assertEqual(json.loads(extra["config.json"])["kind"], "clip")
                self.assertFalse(module.training)
                size = reference["size"]
                picture = torch.linspace(-1, 1, 2 * 3 * size * size).reshape(2, 3, size, size).sin()
                if "image" in reference:
                    self.close(reference["image"], module.encode_image(picture))
                if "text" in reference:
                    tokens = torch.tensor(reference["tokens"]).reshape(2, -1)
                    self.close(reference["text"], module.encode_text(tokens))
                self.train(module, picture, "image" in reference)
                self.names_no_place(output)

    def close(self, wanted: list, got: torch.Tensor):
        wanted = torch.tensor(wanted)
        self.assertLess((wanted - got.detach().flatten()).abs().max(), 1e-4 * wanted.abs().max())

    def train(self, module, picture: torch.Tensor, has_image: bool):
        if not has_image:
            return
        module.train()
        self.assertTrue(all(child.training for child in module.modules()))
        for parameter in module.parameters():
            parameter.requires_grad_(True)
        module.encode_image(picture).square().sum().backward()
        gradients = [p.grad for name, p in module.named_parameters() if name.startswith("visual.")]
        self.assertTrue(all(g is not None and torch.isfinite(g).all() for g in gradients))

    def names_no_place(self, archive: Path):
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                if "/data/" not in name:
                    for place in (str(ROOT), str(self.folder), "site-packages"):
                        self.assertNotIn(place.encode(), files.read(name), name)


class AgainstOpenAI(unittest.TestCase):
    """What training needs, beside openai-clip with the same weights."""

    FAMILIES = ("openai_vit", "openai_resnet")

    def pair(self, name: str):
        source = CHECKPOINTS / name / "model.pt"
        weights = {key: value.float() if value.is_floating_point() else value
                   for key, value in torch.jit.load(str(source)).state_dict().items()}
        reference = clip.model.build_model(weights).float().eval()
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "model.pt"
            subprocess.run(["go", "run", "./cmd/clipvqgan", "import", source, "-o", output], cwd=ROOT, check=True,
                           capture_output=True)
            module = torch.jit.load(io.BytesIO(output.read_bytes())).float()
        original = copy.deepcopy(module)
        for parameter in module.parameters():
            parameter.requires_grad = True
        return reference, module, original

    def inputs(self, reference, batch: int = 3):
        torch.manual_seed(0)
        size, vocabulary = reference.visual.input_resolution, reference.vocab_size
        tokens = torch.zeros(batch, reference.context_length, dtype=torch.int64)
        for row in range(batch):
            length = 2 + row % 4
            tokens[row, :length] = torch.randint(1, vocabulary - 2, (length,))
            tokens[row, length] = vocabulary - 1
        return torch.randn(batch, 3, size, size), tokens

    def test_gradients_in_pictures_and_weights(self):
        for name in self.FAMILIES:
            with self.subTest(name):
                reference, module, _ = self.pair(name)
                images, tokens = self.inputs(reference)
                results = []
                for model in (reference, module):
                    picture = images.clone().requires_grad_()
                    embedding, text = model.encode_image(picture), model.encode_text(tokens)
                    similarity = F.cosine_similarity(embedding, text).sum()
                    results.append([embedding, text, *torch.autograd.grad(
                        similarity, [picture, model.token_embedding.weight])])
                for expected, actual in zip(*results):
                    # The same sums in another order.
                    scale = expected.abs().max().item()
                    torch.testing.assert_close(actual, expected, rtol=0, atol=2e-5 * scale)

    def test_training_mode(self):
        reference, module, _ = self.pair("openai_resnet")
        images, tokens = self.inputs(reference, batch=8)
        expected, _ = reference.train()(images, tokens)
        module.train()
        image, text = (F.normalize(x, dim=-1) for x in (module.encode_image(images), module.encode_text(tokens)))
        torch.testing.assert_close(module.logit_scale.exp() * image @ text.t(), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(module.visual.bn1.running_var, reference.visual.bn1.running_var)
        torch.testing.assert_close(module.visual.bn1.running_mean, reference.visual.bn1.running_mean)

    def test_every_dtype(self):
        for name in self.FAMILIES:
            reference, _, original = self.pair(name)
            images, tokens = self.inputs(reference)
            exact = original.encode_image(images)
            for dtype in (torch.float64, torch.bfloat16, torch.float16):
                with self.subTest(name, dtype=dtype):
                    module = copy.deepcopy(original).to(dtype)
                    picture = images.to(dtype).requires_grad_()
                    embedding, text = module.encode_image(picture), module.encode_text(tokens)
                    self.assertEqual(embedding.dtype, dtype)
                    self.assertEqual(text.dtype, dtype)
                    F.cosine_similarity(embedding, text).sum().backward()
                    self.assertTrue(torch.isfinite(picture.grad).all())
                    self.assertGreater(picture.grad.abs().max().item(), 0)
                    self.assertGreater(F.cosine_similarity(embedding.float(), exact).min().item(), 0.999)


if __name__ == "__main__":
    unittest.main()
