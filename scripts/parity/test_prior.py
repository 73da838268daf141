"""Full-size priors with random weights, saved by the package that defines them in its published layout, opened by
package vqgan/prior: the same logits, and the same tokens for the same random numbers, drawn with the cache.

    python scripts/parity/test_prior.py
    PARITY_WRITE=1 python scripts/parity/test_prior.py # and write docs/parity.md
"""

import gc
import json
import tempfile
import unittest
from pathlib import Path

import torch

from full_priors import GRID, DalleMini, Taming
from parity import DIFFERENCE, compare, run_go, write_row

SECTION = "Prior"
ROWS = 2  # that are drawn


class Published(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(gc.collect)
        self.folder = Path(folder.name)

    def check(self, model, codebook: int):
        tokens = torch.randint(0, codebook, (GRID * GRID,), generator=torch.Generator().manual_seed(6))
        numbers = torch.rand(2, GRID * GRID, generator=torch.Generator().manual_seed(5))
        given = 7 if model.given else 0
        first = given * GRID
        task = dict(model.task, rows=given + ROWS, given=given, logits=True, dtype="float32")
        got = run_go("prior_outputs", model.path, self.folder, dict(numbers=numbers, tokens=tokens), dict(task=json.dumps(task)))
        _, difference = compare(model.logits(tokens), got["logits"])
        self.assertLess(difference, DIFFERENCE)
        drawn = model.draw(tokens[None, :first].repeat(2, 1), ROWS * GRID, numbers[:, first:])
        self.assertEqual(got["tokens"][:, first:].tolist(), drawn[:, -ROWS * GRID:].tolist())
        write_row(SECTION, model.name, [model.package, "float32", f"{drawn.unique().numel()} of {drawn.numel()}", f"{difference:.1e}"])

    def test_taming(self):
        self.check(Taming(self.folder), 1024)

    def test_dalle_mini(self):
        self.check(DalleMini(self.folder), 2 ** 14)


if __name__ == "__main__":
    unittest.main()
