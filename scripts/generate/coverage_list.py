"""coverage.txt: PyTorch's names, and Go's for each."""

import dataclasses
import pathlib
import re

from declarations import ListError, split_commas
from operator_list import Operator


@dataclasses.dataclass
class Covered:
    """One line of coverage.txt: a name in Python, and its names in Go or why it has none."""

    section: str
    python_name: str  # without "torch."
    go_names: list[str]
    reason: str


def read_coverage(path: pathlib.Path) -> list[Covered]:
    lines, section, seen = [], "", set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            section = line[3:].strip()
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w.]+) (?:= (\w+(?:, \w+)*)|- (.+))", line.strip())
        if match is None:
            raise ListError(f"{path.name}:{number}: not `name = GoName, ...` or `name - reason`")
        name, go_names, reason = match.groups()
        if name in seen:
            raise ListError(f"{path.name}:{number}: {name} is listed twice")
        seen.add(name)
        lines.append(Covered(section, name, split_commas(go_names or ""), reason or ""))
    return lines


def explain_names(operators: list[Operator], coverage: list[Covered]) -> None:
    """Adds Python's name to the comments of operators that are called otherwise in Go."""
    by_name = {operator.go_name: operator for operator in operators}
    others: dict[str, list[str]] = {}
    for line in coverage:
        module, _, name = line.python_name.rpartition(".")
        plain = name.replace("_", "")
        if any(
            go_name.lower() == plain or (not module and go_name.lower().startswith(plain))
            for go_name in line.go_names
        ):
            continue
        for go_name in line.go_names:
            if go_name in by_name:
                others.setdefault(go_name, []).append(f"torch.{line.python_name}")
    for go_name, names in others.items():
        by_name[go_name].doc += f" It is {' or '.join(names)}."
