"""Archives that Go wrote from small published checkpoints, opened by Python's torch.jit.load: the same
numbers, and trainable.

    python scripts/parity/test_archives.py
"""

import gzip
import io
import json
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

import torch

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


if __name__ == "__main__":
    unittest.main()
