"""What package torch saves loads in Python: the same outputs, the same state, the same extra files.

Needs PyTorch, Go and the built library.
"""

import pathlib
import subprocess
import tempfile
import unittest

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ROOT / "torch" / "jit" / "testdata" / "modules"


class SavedModules(unittest.TestCase):
    def test_a_module_that_go_saved_is_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "resaved.pt"
            subprocess.run(
                ["go", "run", "./scripts/reference/resave", str(MODULES / "net.pt"), str(path)],
                cwd=ROOT,
                check=True,
            )
            files = {"config.json": "", "resaved.txt": ""}
            module = torch.jit.load(str(path), _extra_files=files)
        original = torch.jit.load(str(MODULES / "net.pt"))
        self.assertEqual(files, {"config.json": b'{"kind": "net"}', "resaved.txt": b"in Go"})
        self.assertFalse(module.training)
        self.assertEqual(module.version, 3)

        state, wanted = module.state_dict(), original.state_dict()
        self.assertEqual(list(state), list(wanted))
        for name, tensor in wanted.items():
            self.assertTrue(torch.equal(state[name], tensor), name)
        for (name, parameter), (_, same) in zip(
            module.named_parameters(), original.named_parameters(), strict=True
        ):
            self.assertEqual(parameter.requires_grad, same.requires_grad, name)

        x = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(1))
        self.assertTrue(torch.equal(module(x), original(x)))
        self.assertTrue(torch.equal(module.features(x), original.features(x)))


if __name__ == "__main__":
    unittest.main()
