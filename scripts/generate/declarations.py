"""PyTorch's own declarations of its operators, native_functions.yaml."""

import dataclasses
import importlib.util
import os
import pathlib
import re

DECLARATIONS = pathlib.Path("torchgen/packaged/ATen/native/native_functions.yaml")


class ListError(Exception):
    """A line of operators.txt, or a declaration it names, that cannot be used."""


@dataclasses.dataclass
class Argument:
    """One argument of a declared operator."""

    type: str  # without alias annotations and array lengths: "Tensor", "int[]?", "float"
    name: str
    default: str | None
    written: bool  # the operator writes to it


@dataclasses.dataclass
class Schema:
    """One declared operator, "add.Tensor"."""

    name: str
    text: str
    arguments: list[Argument]
    returns: list[tuple[str, str]]  # type and name (perhaps "")
    is_method: bool  # only at::Tensor has it

    @property
    def base(self) -> str:
        return self.name.split(".")[0]


def split_commas(text: str) -> list[str]:
    """Splits at the commas that stand outside brackets and quotes."""
    parts, depth, quote, current = [], 0, False, ""
    for c in text:
        if c in "\"'":
            quote = not quote
        if not quote:
            depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0 and not quote:
            parts.append(current.strip())
            current = ""
        else:
            current += c
    if current.strip():
        parts.append(current.strip())
    return parts


def parse_type(text: str) -> tuple[str, bool]:
    """The plain name of a type, and whether it is written to."""
    written = "!" in text
    text = re.sub(r"\([a-z*!|> -]+\)", "", text)
    text = re.sub(r"\[\d+\]", "[]", text)
    return text.replace("SymInt", "int"), written


def parse_schema(text: str, variants: str) -> Schema:
    match = re.fullmatch(r"([\w.]+)\((.*)\) -> (.*)", text)
    if match is None:
        raise ListError(f"cannot read the declaration {text!r}")
    name, arguments_text, returns_text = match.groups()
    arguments = []
    for part in split_commas(arguments_text):
        if part == "*":
            continue
        declaration, _, default = part.partition("=")
        type_text, argument_name = declaration.rsplit(" ", 1)
        plain, written = parse_type(type_text)
        arguments.append(Argument(plain, argument_name, default or None, written))
    if returns_text.startswith("("):
        returns_text = returns_text[1:-1]
    returns = []
    for part in split_commas(returns_text):
        type_text, _, return_name = part.partition(" ")
        returns.append((parse_type(type_text)[0], return_name))
    return Schema(name, text, arguments, returns, "function" not in variants)


def read_declarations(path: pathlib.Path) -> dict[str, Schema]:
    """All declared operators that have a C++ function or method, by name."""
    entries: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("- func: "):
            entries.append((line[len("- func: ") :].strip(), "function"))
        elif line.startswith("  variants: "):
            variants = line[len("  variants: ") :].split("#")[0].strip()
            entries[-1] = (entries[-1][0], variants)
    schemas = {}
    for text, variants in entries:
        # Declarations that this generator cannot read matter only if the list names them.
        try:
            schema = parse_schema(text, variants)
        except (ListError, ValueError):
            continue
        schemas[schema.name] = schema
    return schemas


def find_declarations() -> pathlib.Path:
    places = []
    if os.environ.get("LIBTORCH"):
        places.append(pathlib.Path(os.environ["LIBTORCH"]).parent)
    for package in ("torchgen", "torch"):
        found = importlib.util.find_spec(package)
        if found is not None and found.origin:
            places.append(pathlib.Path(found.origin).parent.parent)
    for place in places:
        if (place / DECLARATIONS).is_file():
            return place / DECLARATIONS
    raise ListError(
        "native_functions.yaml was not found: name it with --declarations, or run this with a "
        f"Python that has torch (looked for {DECLARATIONS} under: {', '.join(map(str, places))})"
    )
