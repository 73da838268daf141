"""The operators in C: a header and a C++ file for each section."""

import re
import textwrap

from crossing import KINDS
from declarations import ListError
from operator_list import NOTICE, Operator, Section


def c_parameters(operator: Operator) -> list[str]:
    parts = []
    for parameter in operator.parameters:
        for part in KINDS[parameter.type].c:
            text = part.format(n=parameter.c_name)
            if parameter.argument.written:
                text = text.removeprefix("const ")
            parts.append(text)
    if operator.options:
        parts.append("ctorch_options options")
    return parts


def c_result(operator: Operator) -> tuple[str, str]:
    """The C type of the result, and the guard that makes it."""
    if operator.in_place:
        return "ctorch_error*", "guard"
    types = [type_text for type_text, _ in operator.schema.returns]
    if types == ["Tensor"]:
        return "ctorch_tensor_result", "guard_tensor"
    if types == ["bool"]:
        return "ctorch_bool_result", "guard_bool"
    if types == ["Tensor[]"]:
        return "ctorch_tensor_list", "guard_list"
    if len(types) <= 4 and all(type_text == "Tensor" for type_text in types):
        return "ctorch_tensor_results", "guard_results"
    raise ListError(f"{operator.go_name}: cannot hand back {types}")


def wrap_call(head: str, arguments: list[str], tail: str, width: int = 100) -> str:
    """head(arguments)tail, with the arguments under one another where the line is full."""
    line = head + ", ".join(arguments) + tail
    if len(line) <= width:
        return line
    indent = " " * len(head)
    if max(len(a) for a in arguments) + len(indent) + len(tail) + 1 > width:
        indent = " " * (len(head) - len(head.lstrip()) + 4)
        lines, current = [head], indent
    else:
        lines, current = [], head
    for i, argument in enumerate(arguments):
        last = i == len(arguments) - 1
        piece = argument + (tail if last else ",")
        separator = "" if current.strip() == "" or current == head else " "
        if len(current) + len(separator) + len(piece) > width:
            lines.append(current)
            current, separator = indent, ""
        current += separator + piece
    lines.append(current)
    return "\n".join(lines)


def c_comment(operator: Operator) -> str:
    lines = textwrap.wrap(
        operator.schema.text,
        width=100,
        initial_indent="// aten::",
        subsequent_indent="//     ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    fixed = ", ".join(f"{name}={value}" for name, value in operator.values.items())
    return "\n".join(lines + ([f"// with {fixed}"] if fixed else []))


def header(section: Section) -> str:
    guard = f"CTORCH_OPERATORS_{section.file_name.upper()}_H_"
    parts = [
        f"// {NOTICE}",
        f"// {section.title}: see ../operators.h.",
        "// clang-format off",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        '#include "../base.h"',
        "",
        "CTORCH_EXTERN_C_BEGIN",
    ]
    for operator in section.operators:
        result, _ = c_result(operator)
        parts += [
            "",
            c_comment(operator),
            wrap_call(f"CTORCH_API {result} {operator.c_name}(", c_parameters(operator), ");"),
        ]
    parts += ["", "CTORCH_EXTERN_C_END", "", f"#endif  // {guard}", ""]
    return "\n".join(parts)


def all_headers(sections: list[Section]) -> str:
    """The header that includes the sections' ones."""
    return "\n".join(
        [
            f"// {NOTICE}",
            "//",
            "// The plain operators. Each calls the operator of PyTorch that the comment above it declares,",
            "// with that declaration's defaults (or what operators.txt fixes) for the arguments left out here.",
            "// Its name is the overload's, sum.dim_IntList as ctorch_op_sum_dim_IntList; where one overload is",
            "// there several times, the names of the arguments that are added follow. NULL stands for an absent",
            "// tensor, number, list or generator. An operator that works in place hands back its error alone.",
            "// clang-format off",
            "#ifndef CTORCH_OPERATORS_H_",
            "#define CTORCH_OPERATORS_H_",
            "",
        ]
        + sorted(f'#include "operators/{section.file_name}.h"' for section in sections)
        + ["", "#endif  // CTORCH_OPERATORS_H_", ""]
    )


def cpp_literal(text: str, type_text: str) -> str:
    """A fixed argument or a declared default as C++."""
    if text == "None":
        return "std::nullopt"
    if text in ("True", "False"):
        return text.lower()
    if text in ("Mean", "Sum", "None_"):
        return f"at::Reduction::{text.rstrip('_')}"
    if type_text.startswith("int[]"):
        values = text.strip("[]")
        return f"at::IntArrayRef({{{values}}})" if values else "at::IntArrayRef()"
    if type_text.startswith("MemoryFormat"):
        return f"at::MemoryFormat::{text}"
    if text[0] in "\"'":
        return '"' + text[1:-1] + '"'
    return text


def cpp_arguments(operator: Operator) -> list[str]:
    by_name = {parameter.argument.name: parameter for parameter in operator.parameters}
    last = max(
        (
            i
            for i, argument in enumerate(operator.schema.arguments)
            if argument.name in by_name or argument.name in operator.values
        ),
        default=-1,
    )
    expressions = []
    for argument in operator.schema.arguments[: last + 1]:
        if argument.name in by_name:
            parameter = by_name[argument.name]
            expressions.append(KINDS[parameter.type].cpp.format(n=parameter.c_name))
        elif argument.name in operator.values:
            expressions.append(cpp_literal(operator.values[argument.name], argument.type))
        else:
            expressions.append(cpp_literal(argument.default, argument.type))
    if operator.options:
        expressions.append("options_of(options)")
    return expressions


def cpp_definition(operator: Operator) -> str:
    result, guard = c_result(operator)
    arguments = cpp_arguments(operator)
    if operator.schema.is_method:
        call = f"{arguments[0]}.{operator.schema.base}("
        arguments = arguments[1:]
    else:
        call = f"at::{operator.schema.base}("
    returning = "" if guard == "guard" else "return "
    signature = wrap_call(f"{result} {operator.c_name}(", c_parameters(operator), ") {")
    line = f"  return {guard}([&] {{ {returning}{call}{', '.join(arguments)}); }});"
    if len(line) <= 100:
        return f"{signature}\n{line}\n}}"
    broken = f"      [&] {{ {returning}{call}{', '.join(arguments)}); }});"
    if len(broken) <= 100:
        return f"{signature}\n  return {guard}(\n{broken}\n}}"
    body = wrap_call(f"    {returning}{call}", arguments, ");")
    return f"{signature}\n  return {guard}([&] {{\n{body}\n  }});\n}}"


def source(section: Section) -> str:
    body = "\n\n".join(cpp_definition(operator) for operator in section.operators)
    helpers = (
        "generator_of guard guard_bool guard_list guard_results guard_tensor int_array maybe "
        "maybe_array maybe_text options_of scalar_of scalar_type_of tensor_vector"
    ).split()
    used = [name for name in helpers if re.search(rf"\b{name}\(", body)]
    return "\n".join(
        [
            f"// {NOTICE}",
            "// clang-format off",
            f'#include "ctorch/operators/{section.file_name}.h"',
            "",
            '#include "operator_arguments.h"',
            "",
        ]
        + [f"using ctorch::{name};" for name in used]
        + ["", body, ""]
    )
