"""The operators in Go: a file for each section."""

import textwrap

from c_files import c_result
from crossing import KINDS, ON_STACK, choice_of
from declarations import ListError
from operator_list import NOTICE, Operator, Parameter, Section, camel


def go_type(parameter: Parameter) -> str:
    choice = choice_of(parameter.type, parameter.argument.name)
    if choice is not None:
        return choice
    plain = KINDS[parameter.type].go
    if parameter.go_name == "shape" and plain == "[]int64":
        return "Shape"
    return plain


def go_parameters(parameters: list[Parameter]) -> str:
    groups: list[tuple[list[str], str]] = []
    for parameter in parameters:
        type_text = go_type(parameter)
        if groups and groups[-1][1] == type_text:
            groups[-1][0].append(parameter.go_name)
        else:
            groups.append(([parameter.go_name], type_text))
    return ", ".join(f"{', '.join(names)} {type_text}" for names, type_text in groups)


def go_all_parameters(operator: Operator) -> str:
    """What the function or method takes, without the receiver."""
    text = go_parameters(operator.parameters[0 if operator.is_function else 1 :])
    return f"{text}, how ...Option" if operator.options else text


def go_result(operator: Operator) -> str:
    result, _ = c_result(operator)
    if operator.nothing:
        return ""
    if result in ("ctorch_tensor_result", "ctorch_error*"):
        return "*Tensor"
    if result == "ctorch_bool_result":
        return "bool"
    if result == "ctorch_tensor_list":
        return "[]*Tensor"
    names = operator.result_names or [camel(name) for _, name in operator.schema.returns]
    if all(names) and not set(names) & {parameter.go_name for parameter in operator.parameters}:
        return f"({', '.join(names)} *Tensor)"
    raise ListError(f"{operator.go_name} needs names for its results: `-> first, second`")


def go_call(head: str, arguments: list[str], tail: str, width: int = 100) -> str:
    """head, the arguments and tail, in as many lines as it takes."""
    lines = [head]
    for i, argument in enumerate(arguments):
        piece = argument + (tail if i == len(arguments) - 1 else ",")
        space = "" if lines[-1] == head else " "
        if len((lines[-1] + space + piece).expandtabs(4)) > width:
            lines.append("\t\t" + piece)
        else:
            lines[-1] += space + piece
    return "\n".join(lines)


def go_function(operator: Operator) -> str:
    comment = textwrap.wrap(
        f"{operator.go_name} {operator.doc}",
        width=98,
        initial_indent="// ",
        subsequent_indent="// ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    receiver = "" if operator.is_function else "(t *Tensor) "
    signature = f"{receiver}{operator.go_name}({go_all_parameters(operator)}) {go_result(operator)}"
    lines = comment + [
        f"func {signature.strip()} {{",
        f'\tconst operation = "{operator.operation}"',
    ]
    passed = []
    for i, parameter in enumerate(operator.parameters):
        kind = KINDS[parameter.type]
        if i == 0 and not operator.is_function:
            name, handle = "t", "self"
        else:
            name, handle = (
                parameter.go_name,
                parameter.go_name
                + (
                    "Text"
                    if parameter.type in ("str", "str?")
                    else "Handles"
                    if parameter.type == "Tensor[]"
                    else "Handle"
                ),
            )
        title = parameter.go_name[0].upper() + parameter.go_name[1:]
        if choice_of(parameter.type, parameter.argument.name):
            method = "number" if parameter.type == "int" else "text"
            name = f"{name}.{method}(operation)"
        lines += ["\t" + s.format(n=name, h=handle, N=title) for s in kind.before]
        passed += [s.format(n=name, h=handle) for s in kind.pass_c]
    call = f"C.{operator.c_name}("
    result, _ = c_result(operator)
    if operator.options:
        lines += [
            f"\treturn gather({operator.options}, how).with("
            "operation, func(o C.ctorch_options) C.ctorch_tensor_result {",
            go_call(f"\t\treturn {call}", [*passed, "o"], ")").replace("\n\t\t", "\n\t\t\t"),
            "\t})",
        ]
    elif result == "ctorch_tensor_result":
        lines.append(go_call(f"\treturn made(operation, {call}", passed, "))"))
    elif result == "ctorch_error*":
        lines.append(go_call(f"\tcheck(operation, {call}", passed, "))"))
        if not operator.nothing:
            lines.append("\treturn t")
    elif result == "ctorch_bool_result":
        lines += [
            go_call(f"\tresult := {call}", passed, ")"),
            "\tcheck(operation, result.error)",
            "\treturn result.value != 0",
        ]
    elif result == "ctorch_tensor_list":
        lines.append(go_call(f"\treturn madeList(operation, {call}", passed, "))"))
    else:
        items = [f"adopt(results.items[{i}])" for i in range(len(operator.schema.returns))]
        lines += [
            go_call(f"\tresults := {call}", passed, ")"),
            "\tcheck(operation, results.error)",
            "\treturn " + ", ".join(items),
        ]
    return "\n".join(lines + ["}"])


def go_source(section: Section) -> str:
    # C keeps none of the lists after the call, so they may stay on Go's stack, which Go allows where
    # C does not call back into Go. What works out of place cannot: it runs no user's code and drops
    # no part of a graph.
    lists = [
        operator.c_name
        for operator in section.operators
        if not operator.in_place and any(p.type in ON_STACK for p in operator.parameters)
    ]
    parts = [f"// {NOTICE}", "", "package torch", "", "/*"]
    parts += [f"#cgo {word} {name}" for name in lists for word in ("noescape", "nocallback")]
    parts += [f'#include "ctorch/operators/{section.file_name}.h"', "*/", 'import "C"']
    for operator in section.operators:
        parts += ["", go_function(operator)]
    return "\n".join(parts) + "\n"
