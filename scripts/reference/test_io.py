"""Files of tensors that Go writes, read by the packages that define their formats."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy
import safetensors
import safetensors.torch
import torch

import reference_io

ROOT = Path(__file__).resolve().parents[2]
MATRIX = torch.tensor([[0, 1, 1], [2, 3, 100]], dtype=torch.float64)


def expected():
    """What scripts/reference/write_tensors writes, by name."""
    tensors = {}
    for name in reference_io.VALUES:
        matrix = MATRIX.to(getattr(torch, name))
        tensors[name] = matrix
        tensors[name + "_scalar"] = matrix[1, 2]
        tensors[name + "_empty"] = matrix[:, :0]
        tensors[name + "_transposed"] = matrix.t()
    return tensors


class WrittenByGo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        cls.net, cls.optimizer = reference_io.trained()
        cls.checkpoint = {"net": cls.net.state_dict(), "optimizer": cls.optimizer.state_dict(), "epoch": 3}
        torch.save(cls.checkpoint, cls.folder / "python.pt")
        command = ["go", "run", "./scripts/reference/write_tensors", cls.folder, cls.folder / "python.pt"]
        subprocess.run(command, cwd=ROOT, check=True)

    def same(self, got, want):
        self.assertEqual(got.dtype, want.dtype)
        self.assertEqual(got.shape, want.shape)
        # By their bytes: some dtypes have no arithmetic.
        self.assertEqual(got.contiguous().reshape(-1).view(torch.uint8).tolist(),
                         want.contiguous().reshape(-1).view(torch.uint8).tolist())

    def test_torch(self):
        for mapped in (False, True):
            got = torch.load(self.folder / "all.pt", weights_only=True, mmap=mapped)
            self.assertEqual(set(got), set(expected()))
            for name, want in expected().items():
                self.same(got[name], want)
            self.assertEqual(got["float32"].data_ptr(), got["float32_transposed"].data_ptr())

    def test_checkpoint(self):
        got = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        self.assertEqual(str(got), str(self.checkpoint))
        self.assertEqual(got["net"]._metadata, self.checkpoint["net"]._metadata)
        net = reference_io.Net()
        net.load_state_dict(got["net"])
        optimizer = torch.optim.AdamW(net.parameters())
        optimizer.load_state_dict(got["optimizer"])
        for a, b in zip(net.parameters(), self.net.parameters()):
            a.grad = b.grad = torch.ones_like(a)
        optimizer.step()
        self.optimizer.step()
        for a, b in zip(net.parameters(), self.net.parameters()):
            self.same(a, b)

    def test_safetensors(self):
        got = safetensors.torch.load_file(self.folder / "all.safetensors")
        want = {name: t for name, t in expected().items() if t.dtype not in (torch.complex128, torch.complex32)}
        self.assertEqual(set(got), set(want))
        for name, tensor in want.items():
            self.same(got[name], tensor)
        with safetensors.safe_open(self.folder / "all.safetensors", "pt") as file:
            self.assertEqual(file.metadata(), {"format": "pt"})

    def test_numpy(self):
        want = {name: t for name, t in expected().items()
                if str(t.dtype).removeprefix("torch.") not in reference_io.NO_NUMPY}
        for file in ("all.npz", "small.npz"):
            got = numpy.load(self.folder / file)
            self.assertEqual(set(got.files), set(want))
            for name, tensor in want.items():
                self.same(torch.from_numpy(got[name]), tensor)
        self.same(torch.from_numpy(numpy.load(self.folder / "one.npy")), MATRIX.t())


if __name__ == "__main__":
    unittest.main()
