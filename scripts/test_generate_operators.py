"""Tests of generate_operators.py."""

import importlib.util
import os
import pathlib
import tempfile
import unittest

import generate_operators as generator

ADD = "add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
SUM = "sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
MAX = "max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"
FILL = "fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)"
PAD = 'pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor'
CONV = "conv1d(Tensor input, Tensor weight, int[1] stride=[1, 1], Tensor? bias=None) -> Tensor"
WINDOW = "hann_window(int window_length, *, ScalarType? dtype=None) -> Tensor"
EXPAND = "expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"


def schemas():
    texts = [(text, "function, method") for text in (ADD, SUM, MAX, FILL, PAD, CONV, WINDOW)]
    parsed = [generator.parse_schema(*each) for each in [*texts, (EXPAND, "method")]]
    return {schema.name: schema for schema in parsed}


class SchemaTest(unittest.TestCase):
    def test_arguments_and_results(self):
        schema = generator.parse_schema(SUM, "function, method")
        self.assertEqual(schema.base, "sum")
        self.assertEqual(
            [(a.type, a.name, a.default) for a in schema.arguments],
            [("Tensor", "self", None), ("int[]?", "dim", None), ("bool", "keepdim", "False"),
             ("ScalarType?", "dtype", "None")],
        )
        self.assertEqual(
            generator.parse_schema(MAX, "function").returns,
            [("Tensor", "values"), ("Tensor", "indices")],
        )

    def test_commas_in_defaults(self):
        schema = generator.parse_schema(CONV, "function")
        self.assertEqual(schema.arguments[2].default, "[1, 1]")

    def test_what_is_written_to(self):
        self.assertTrue(generator.parse_schema(FILL, "method").arguments[0].written)
        self.assertFalse(generator.parse_schema(EXPAND, "method").arguments[0].written)

    def test_names_in_c(self):
        self.assertEqual(generator.snake("MaxPool2dWithIndices"), "max_pool2d_with_indices")
        self.assertEqual(generator.snake("GELUTanh"), "gelu_tanh")


class ListTest(unittest.TestCase):
    def parse(self, line):
        return generator.parse_line(line, "Section", schemas())

    def test_a_method(self):
        operator = self.parse("Add = add.Tensor(self, other): returns t + other.")
        self.assertIn(
            "  return guard_tensor([&] { return at::add(self->value, other->value); });",
            generator.cpp_definition(operator),
        )
        self.assertIn("func (t *Tensor) Add(other *Tensor) *Tensor {", generator.go_function(operator))

    def test_fixed_and_default_arguments(self):
        fixed = self.parse("Twice = add.Tensor(self, other, alpha=2): adds twice.")
        self.assertIn("at::add(self->value, other->value, 2)", generator.cpp_definition(fixed))
        default = self.parse("Pad0 = pad(self, pad, value!): pads.")
        self.assertIn('int_array(pad, pad_count), "constant", value)', generator.cpp_definition(default))

    def test_what_only_a_tensor_has(self):
        operator = self.parse("Expand = expand(self, size as shape...): expands.")
        self.assertIn("self->value.expand(int_array(", generator.cpp_definition(operator))
        self.assertIn("Expand(shape Shape) *Tensor", generator.go_function(operator))

    def test_several_results_have_names(self):
        operator = self.parse("MaxDim = max.dim(self, dim, keepdim): finds.")
        self.assertIn("(values, indices *Tensor)", generator.go_function(operator))
        named = self.parse("MaxDim = max.dim(self, dim, keepdim) -> most, at: finds.")
        self.assertIn("(most, at *Tensor)", generator.go_function(named))

    def test_in_place_hands_back_its_receiver(self):
        operator = self.parse("Fill = fill_.Scalar(self, value): fills.")
        self.assertIn("\treturn t\n", generator.go_function(operator))
        self.assertIn("ctorch_error* ctorch_op_fill(ctorch_tensor* self", generator.cpp_definition(operator))

    def test_a_creation_takes_options(self):
        operator = self.parse("func HannWindow = hann_window(window_length, options=Float32): makes.")
        self.assertIn("at::hann_window(window_length, options_of(options))", generator.cpp_definition(operator))
        go = generator.go_function(operator)
        self.assertIn("func HannWindow(windowLength int64, how ...Option) *Tensor {", go)
        self.assertIn("gather(Float32, how).with(", go)

    def test_lines_that_cannot_be_used(self):
        for line, message in {
            "Add add.Tensor(self)": "not of the form",
            "Add = adding(self): adds.": "declares no operator adding",
            "Add = add.Tensor(self, others): adds.": "no argument others",
            "Add = add.Tensor(self): adds.": "other has no default",
            "Sum = sum.dim_IntList(self, dim, dtype): sums.": "dtype has the type ScalarType?",
            "MaxDim = max.dim(self, dim) -> one: finds.": "has 2 results",
            "Fill = fill_.Scalar(value): fills.": "first argument is its tensor",
        }.items():
            with self.subTest(line), self.assertRaisesRegex(generator.ListError, message.replace("?", r"\?")):
                self.parse(line)

    def test_errors_name_the_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "list.txt"
            path.write_text("## Sums\n\nAdd = add.Tensor(self, other): adds.\nAdd = add.Tensor(self, other): adds.\n")
            with self.assertRaisesRegex(generator.ListError, "list.txt:4: Add is listed twice"):
                generator.read_list(path, schemas())


class CoverageTest(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "coverage.txt"
            path.write_text(text)
            return generator.read_coverage(path)

    def test_lines(self):
        covered, absent = self.read("## Sums\n\nlinalg.sum = Sum, SumDim\nmoan - it is sad\n")
        self.assertEqual((covered.section, covered.python_name), ("Sums", "linalg.sum"))
        self.assertEqual((covered.go_names, absent.go_names), (["Sum", "SumDim"], []))
        self.assertEqual(absent.reason, "it is sad")

    def test_lines_that_cannot_be_used(self):
        for text in ("sum\n", "sum = \n", "sum = Sum\nsum = SumDim\n"):
            with self.subTest(text), self.assertRaises(generator.ListError):
                self.read(text)

    def test_another_name_in_python_is_told(self):
        operators = [
            generator.parse_line(f"{name} = add.Tensor(self, other): adds.", "", schemas())
            for name in ("Add", "AddUp", "Plus")
        ]
        generator.explain_names(operators, self.read("add = Add, AddUp\nlinalg.plus_to = Plus\n"))
        self.assertEqual(
            [operator.doc for operator in operators],
            ["adds.", "adds.", "adds. It is torch.linalg.plus_to."],
        )


class CommittedFilesTest(unittest.TestCase):
    @unittest.skipUnless(
        os.environ.get("LIBTORCH") or importlib.util.find_spec("torchgen"), "PyTorch is not here"
    )
    def test_up_to_date(self):
        declared = generator.read_declarations(generator.find_declarations())
        files = generator.outputs(
            generator.read_list(generator.OPERATORS, declared),
            generator.read_coverage(generator.COVERAGE),
        )
        stale = [p.name for p, text in files.items() if p.read_text(encoding="utf-8") != text]
        self.assertEqual(stale, [], "run scripts/generate_operators.py")


if __name__ == "__main__":
    unittest.main()
