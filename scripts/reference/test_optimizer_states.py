"""Python goes on from the states that Go saves: optimizers and learning-rate schedules."""

import os
import shutil
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import torch

from reference_optimizers import OPTIMIZERS, SAVED_AT, SCHEDULES, STEPS, rates, trajectory

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "build" / "lib" / "libctorch.so"


@unittest.skipUnless(shutil.which("go") and LIBRARY.exists(), "needs Go and libctorch (make)")
class OptimizerStates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "states.pt"
            subprocess.run(["go", "test", "-count=1", "-run", "^TestStatesThroughAFile$", "./torch/optim"],
                           cwd=ROOT, env={**os.environ, "OPTIMIZER_STATES": str(path)}, check=True)
            cls.states = torch.load(path, weights_only=True)

    def setUp(self):
        warnings.simplefilter("ignore")

    def assert_close(self, got, want):
        torch.testing.assert_close(torch.tensor(got, dtype=torch.float64),
                                   torch.tensor(want, dtype=torch.float64), rtol=1e-9, atol=1e-12)

    def test_optimizers(self):
        for name, make in OPTIMIZERS.items():
            with self.subTest(name):
                want, _ = trajectory(make)
                got, _ = trajectory(make, want[SAVED_AT - 1], self.states[name], STEPS - SAVED_AT)
                self.assert_close(got, want[SAVED_AT:])

    def test_schedules(self):
        for name, make in SCHEDULES.items():
            with self.subTest(name):
                want, _ = rates(make)
                got, _ = rates(make, self.states[name])
                self.assert_close(got["rates"], want["rates"][SAVED_AT:])
                self.assert_close(got["momenta"], want["momenta"][SAVED_AT:])


if __name__ == "__main__":
    unittest.main()
