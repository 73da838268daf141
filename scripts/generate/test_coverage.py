"""Tests of coverage.txt against PyTorch: every name is one there, and all of three modules is listed."""

import inspect
import unittest

import torch
import torch.nn.functional

import generate_operators as generator

# What is no operator in torch.nn.functional: helpers that it imports.
HELPERS = {
    "Optional", "assert_int_or_pair", "boolean_dispatch", "handle_torch_function",
    "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic",
}


def functions(module):
    """The module's functions, but for helpers, in-place variants and internal ones."""
    for name, value in vars(module).items():
        if name in HELPERS or name.startswith("_") or name.endswith(("_", "_with_indices")):
            continue
        if callable(value) and not inspect.isclass(value):
            yield name


class CoverageTest(unittest.TestCase):
    def setUp(self):
        lines = generator.read_coverage(generator.COVERAGE)
        self.names = {line.python_name for line in lines}

    def test_every_name_is_pytorchs(self):
        for name in self.names:
            with self.subTest(name):
                value = torch
                for part in name.split("."):
                    value = getattr(value, part)

    def test_whole_modules(self):
        for prefix, module in {
            "nn.functional": torch.nn.functional, "linalg": torch.linalg, "fft": torch.fft,
        }.items():
            found = set(functions(module))
            self.assertGreater(len(found), 15)
            missing = sorted(name for name in found if f"{prefix}.{name}" not in self.names)
            self.assertEqual(missing, [], f"of torch.{prefix}")


if __name__ == "__main__":
    unittest.main()
