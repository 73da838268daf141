"""Tests of generate_operators.py."""

import importlib.util
import os
import pathlib
import tempfile
import unittest

import c_files
import crossing
import generate_operators as generator
import go_files
import operator_list
from coverage_list import explain_names
from declarations import parse_schema

ADD = "add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
SUM = "sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
MAX = "max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"
FILL = "fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)"
PAD = 'pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor'
CONV = "conv1d(Tensor input, Tensor weight, int[1] stride=[1, 1], Tensor? bias=None) -> Tensor"
WINDOW = "hann_window(int window_length, *, ScalarType? dtype=None) -> Tensor"
EXPAND = "expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"


def name(operator):
    """The operator with its name in C."""
    operator_list.name_in_c([operator])
    return operator


def schemas():
    texts = [(text, "function, method") for text in (ADD, SUM, MAX, FILL, PAD, CONV, WINDOW)]
    parsed = [parse_schema(*each) for each in [*texts, (EXPAND, "method")]]
    return {schema.name: schema for schema in parsed}


class SchemaTest(unittest.TestCase):
    def test_arguments_and_results(self):
        schema = parse_schema(SUM, "function, method")
        self.assertEqual(schema.base, "sum")
        self.assertEqual(
            [(a.type, a.name, a.default) for a in schema.arguments],
            [("Tensor", "self", None), ("int[]?", "dim", None), ("bool", "keepdim", "False"),
             ("ScalarType?", "dtype", "None")],
        )
        self.assertEqual(
            parse_schema(MAX, "function").returns,
            [("Tensor", "values"), ("Tensor", "indices")],
        )

    def test_commas_in_defaults(self):
        schema = parse_schema(CONV, "function")
        self.assertEqual(schema.arguments[2].default, "[1, 1]")

    def test_what_is_written_to(self):
        self.assertTrue(parse_schema(FILL, "method").arguments[0].written)
        self.assertFalse(parse_schema(EXPAND, "method").arguments[0].written)

    def test_names_in_go(self):
        self.assertEqual(operator_list.camel("output_size"), "outputSize")
        self.assertEqual(operator_list.camel("keepdim"), "keepDim")


class ListTest(unittest.TestCase):
    def parse(self, line):
        return name(operator_list.parse_line(line, schemas()))

    def test_a_method(self):
        operator = self.parse("Add = add.Tensor(self, other): returns t + other.")
        self.assertIn(
            "  return guard_tensor([&] { return at::add(self->value, other->value); });",
            c_files.cpp_definition(operator),
        )
        self.assertIn("func (t *Tensor) Add(other *Tensor) *Tensor {", go_files.go_function(operator))

    def test_fixed_and_default_arguments(self):
        fixed = self.parse("Twice = add.Tensor(self, other, alpha=2): adds twice.")
        self.assertIn("at::add(self->value, other->value, 2)", c_files.cpp_definition(fixed))
        default = self.parse("Pad0 = pad(self, pad, value!): pads.")
        self.assertIn('int_array(pad, pad_count), "constant", value)', c_files.cpp_definition(default))

    def test_what_only_a_tensor_has(self):
        operator = self.parse("Expand = expand(self, size as sizes): expands.")
        self.assertIn("self->value.expand(int_array(", c_files.cpp_definition(operator))
        self.assertIn("Expand(sizes []int64) *Tensor", go_files.go_function(operator))

    def test_several_results_have_names(self):
        operator = self.parse("MaxDim = max.dim(self, dim, keepdim): finds.")
        self.assertIn("(values, indices *Tensor)", go_files.go_function(operator))
        named = self.parse("MaxDim = max.dim(self, dim, keepdim) -> most, at: finds.")
        self.assertIn("(most, at *Tensor)", go_files.go_function(named))

    def test_in_place_hands_back_its_receiver(self):
        operator = self.parse("Fill = fill_.Scalar(self, value): fills.")
        self.assertIn("\treturn t\n", go_files.go_function(operator))
        self.assertIn("ctorch_error* ctorch_op_fill__Scalar(ctorch_tensor* self", c_files.cpp_definition(operator))

    def test_a_creation_takes_options(self):
        operator = self.parse("func HannWindow = hann_window(window_length, options=Float32): makes.")
        self.assertIn("at::hann_window(window_length, options_of(options))", c_files.cpp_definition(operator))
        go = go_files.go_function(operator)
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


class FilesTest(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "list.txt"
            path.write_text(text)
            return operator_list.read_list(path, schemas())

    def test_sections_have_files(self):
        sections = self.read(
            "## Linear algebra\n\nAdd = add.Tensor(self, other): adds.\n"
            "## In place\n\nFill = fill_.Scalar(self, value): fills.\n"
        )
        self.assertEqual([section.file_name for section in sections], ["linear_algebra", "in_place"])
        written = {str(path.relative_to(generator.ROOT)) for path in generator.outputs(sections, [])}
        for file in ("csrc/include/ctorch/operators/in_place.h", "csrc/operators/in_place.cc", "torch/operators_in_place.go"):
            self.assertIn(file, written)
        self.assertIn('#include "ctorch/operators/in_place.h"', go_files.go_source(sections[1]))
        self.assertIn('#include "operators/linear_algebra.h"', c_files.all_headers(sections))
        self.assertNotIn("fill", c_files.header(sections[0]))

    def test_what_stands_in_no_section(self):
        with self.assertRaisesRegex(generator.ListError, "list.txt:1: it stands in no section"):
            self.read("Add = add.Tensor(self, other): adds.\n")

    def test_names_in_c_are_the_overloads(self):
        (section,) = self.read(
            "## All\n\nAddScaled = add.Tensor(self, other, alpha): adds.\n"
            "Add = add.Tensor(self, other): adds.\nSumDim = sum.dim_IntList(self, dim, keepdim): sums.\n"
        )
        self.assertEqual(
            [operator.c_name for operator in section.operators],
            ["ctorch_op_add_Tensor_alpha", "ctorch_op_add_Tensor", "ctorch_op_sum_dim_IntList"],
        )
        with self.assertRaisesRegex(generator.ListError, "Add and Plus call add.Tensor with the same"):
            self.read("## All\n\nAdd = add.Tensor(self, other): adds.\nPlus = add.Tensor(self, other): adds.\n")

    def test_numbers(self):
        (section,) = self.read("## All\n\nFill = fill_.Scalar(self, value): fills.\n")
        self.assertIn("Fill(value Number) *Tensor", go_files.go_source(section))
        self.assertIn("cNumber(operation, value)", go_files.go_source(section))
        self.assertIn("ctorch_number value", c_files.header(section))
        self.assertIn("scalar_of(value)", c_files.source(section))

    def test_choices(self):
        (section,) = self.read("## All\n\nPad = pad(self, pad, mode, value!): pads.\n")
        self.assertIn("mode PadMode,", go_files.go_source(section))
        self.assertIn("cText(mode.text(operation))", go_files.go_source(section))
        self.assertIsNone(crossing.choice_of("int", "mode_of_another_name"))
        fixed = operator_list.parse_line('Pad = pad(self, pad, mode="reflect", value!): pads.', schemas())
        self.assertIn('// with mode="reflect"', c_files.c_comment(fixed))

    def test_lists_in_place_hand_back_nothing(self):
        schema = parse_schema("_foreach_neg_(Tensor(a!)[] self) -> ()", "function")
        operator = name(
            operator_list.parse_line("func ForeachNeg = _foreach_neg_(self as tensors): negates.", {schema.name: schema})
        )
        self.assertIn("func ForeachNeg(tensors []*Tensor) {\n", go_files.go_function(operator))
        self.assertNotIn("return t", go_files.go_function(operator))
        self.assertIn("ctorch_error* ctorch_op__foreach_neg_(ctorch_tensor* const* self", c_files.cpp_definition(operator))


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
            operator_list.parse_line(f"{name} = add.Tensor(self, other): adds.", schemas())
            for name in ("Add", "AddUp", "Plus")
        ]
        explain_names(operators, self.read("add = Add, AddUp\nlinalg.plus_to = Plus\n"))
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
        self.assertEqual(stale, [], "run make generate")


if __name__ == "__main__":
    unittest.main()
