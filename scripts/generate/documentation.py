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
        "What package `torch` has of PyTorch's tensor API.",
        "",
        "- [Coverage](#coverage): PyTorch's names and Go's, and what is absent and why.",
        f"- [Generated operators](#generated-operators): {count} methods and functions, from",
        "  `scripts/generate/operators.txt` and PyTorch's own declarations.",
        "- By hand is what takes options or needs a Go shape of its own: `torch/create.go`, `fourier.go`,",
        "  `convolution.go`, `pooling.go`, `sampling.go`, `loss.go` and `functional.go`, most of them over",
        "  generated operators whose Go name begins with a small letter, and indexing (`tensor.go`).",
        "- [How to add an operator](#how-to-add-an-operator).",
        "",
        "Each operator is tested against PyTorch, values and gradients",
        "(`scripts/reference/reference_operators.py`, `torch/operators_test.go`).",
        "",
        "## Names",
        "",
        "A Go name is PyTorch's with capitals for underscores. What PyTorch tells apart by the types of the",
        "arguments has a suffix: `AddScalar` takes a number where `Add` takes a tensor, `SumDim` dimensions",
        "where `Sum` takes none. `InPlace` stands for PyTorch's closing underscore. A shape is one `Shape`, a",
        "slice, in every function. A function with many options takes a struct, whose zero value is PyTorch's",
        "default. Where PyTorch takes a Scalar, Go takes a `Number`: a value of any numeric type of Go, whose",
        "kind (whole, real, complex) takes part in the result's dtype as in Python. What is one of a fixed set",
        "is a type with constants (`ReduceMean`, `MeshgridXY`). In no Go function are `out=` (there is a garbage collector) and `dtype=` (convert with `To`",
        "before or after).",
        "",
        "## How to add an operator",
        "",
        "One line in `scripts/generate/operators.txt`, then `make generate` (or `scripts/generate/generate_operators.py` with a",
        "Python that has torch), and one case in `scripts/reference/reference_operators.py`:",
        "",
        "    AddScalar = add.Scalar(self, other as value): returns t + value, element by element.",
        "",
        "The name in Go, the operator's name in PyTorch's `native_functions.yaml`, the arguments that Go",
        "passes (the others keep PyTorch's default), and what it does. `func` in front makes a function of it",
        "instead of a method; `name as other` renames an argument, `name!` makes an optional one required,",
        "`name...` makes a list variadic, `name=value` fixes it, and `-> name, name` names several results.",
        "`options=Float32` lets the caller of what makes a tensor choose its dtype and device.",
        "`scripts/generate/generate_operators.py --check` says whether the committed files are up to date.",
        "",
        "## Coverage",
        "",
        f"{have} of the {len(coverage)} functions and methods that `scripts/generate/coverage.txt` names are there: of",
        "`torch.nn.functional`, `torch.linalg` and `torch.fft` it names all, of `torch` and `torch.Tensor`",
        "what losses, augmentations and models are written with. Not bound at all are sparse, quantized",
        "and nested tensors, distributed training, and layers as objects (a model is a TorchScript archive,",
        "or plain functions over tensors).",
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
