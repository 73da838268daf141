"""docs/operators.md: what there is, by PyTorch's names and by Go's."""

import re

from coverage_list import Covered
from go_files import go_all_parameters
from operator_list import NOTICE, Section


def table(sections: list[Section], coverage: list[Covered]) -> str:
    count = sum(operator.exported for section in sections for operator in section.operators)
    have = sum(bool(line.go_names) for line in coverage)
    parts = [
        "# Operators",
        "",
        f"<!-- {NOTICE} -->",
        "",
        "This page lists which operators of PyTorch's tensor API package `torch` has.",
        "",
        "- [Coverage](#coverage): PyTorch's names with their names in Go, and what is absent and why.",
        f"- [Generated operators](#generated-operators): {count} methods and functions, generated from",
        "  `scripts/generate/operators.txt` and PyTorch's own declarations.",
        "- Operators that take an options struct are written by hand in `torch/create.go`, `fourier.go`,",
        "  `convolution.go`, `pooling.go`, `sampling.go`, `loss.go`, `fused.go` and `functional.go`, and indexing in",
        "  `indexing.go`. Most of them call a generated operator whose Go name is not exported.",
        "- [How to add an operator](#how-to-add-an-operator).",
        "",
        "Each operator is tested against PyTorch, values and gradients",
        "(`scripts/reference/reference_operators.py`, `torch/operators_test.go`).",
        "",
        "## Names",
        "",
        "A Go name is PyTorch's name in camel case. Where PyTorch distinguishes by the types of the arguments,",
        "Go adds a suffix: `Add` takes a tensor and `AddScalar` a number; `Sum` sums all elements and `SumDim`",
        "those along some dimensions. `InPlace` stands for PyTorch's trailing underscore. A shape is one slice,",
        "a `Shape`. A function with many options takes a struct, whose zero value means PyTorch's defaults.",
        "Where PyTorch takes a Scalar, Go takes a `Number`: a value of any numeric type, whose kind (integer,",
        "real, complex) takes part in type promotion as in Python. An argument that is one of a fixed set has",
        "a type with constants (`ReduceMean`, `MeshgridXY`). There is no `out=`, and no `dtype=`: convert with",
        "`To` before or after.",
        "",
        "## How to add an operator",
        "",
        "Add a line to `scripts/generate/operators.txt` and run `make generate`; add a case with reference",
        "values to `scripts/reference/reference_operators.py`. A line looks like this:",
        "",
        "    AddScalar = add.Scalar(self, other as value): returns t + value, element by element.",
        "",
        "It has the name in Go, the operator's name in PyTorch's `native_functions.yaml`, the arguments that",
        "Go passes (the others keep PyTorch's default), and the doc comment without the name.",
        "",
        "- `func` before the name makes it a function instead of a method.",
        "- `name as other` renames an argument, `name=value` fixes its value, and `name!` makes an optional one",
        "  required.",
        "- `-> name, name` names several results.",
        "- `options=Float32`, for operators that make a tensor, lets the caller choose dtype and device, and",
        "  gives the default dtype.",
        "- A comment `implements Name` makes errors name the exported function that calls the operator.",
        "",
        "`make check` fails if the generated files are out of date.",
        "",
        "## Coverage",
        "",
        f"Package `torch` has {have} of the {len(coverage)} functions and methods that",
        "`scripts/generate/coverage.txt` lists: all of `torch.nn.functional`, `torch.linalg` and `torch.fft`, and of",
        "`torch` and `torch.Tensor` those that losses, augmentations and models need. Sparse, quantized and",
        "nested tensors and distributed training are not bound at all. Layers are in package `torch/nn`.",
    ]
    section = None
    for line in coverage:
        if line.section != section:
            section = line.section
            parts += ["", f"### {section}", "", "| PyTorch | Go |", "|---|---|"]
        go = ", ".join(f"`{name}`" for name in line.go_names)
        reason = re.sub(r"\[([\w.]+)\]", r"`\1`", line.reason)
        parts.append(f"| `{line.python_name}` | {go or '*absent*: ' + reason} |")
    parts += ["", "## Generated operators"]
    for section in sections:
        parts += ["", f"### {section.title}", "", "| Go | PyTorch | |", "|---|---|---|"]
        for operator in section.operators:
            owner = "" if operator.is_function else "t."
            doc = operator.doc[0].upper() + operator.doc[1:]
            parts.append(
                f"| `{owner}{operator.go_name}({go_all_parameters(operator)})` "
                f"| `{operator.schema.name}` | {doc.replace('|', chr(92) + '|')} |"
            )
    return "\n".join(parts) + "\n"
