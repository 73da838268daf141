#!/usr/bin/env python3
"""Writes the plain operators' C and Go from PyTorch's own declarations and operators.txt.

    scripts/generate/generate_operators.py [--declarations native_functions.yaml] [--check]

Each section of operators.txt has a header, a C++ and a Go file. The declarations come from the torch
wheel (torchgen/packaged/ATen/native/native_functions.yaml): from the site-packages that LIBTORCH is
in, or of the Python that runs this script. Their text is in the comments of the C headers, so they
must be those of the pinned version. With --check nothing is written, and the exit status says whether
the committed files are up to date. Only the standard library is needed.
"""

import argparse
import pathlib
import sys

import c_files
import documentation
import go_files
from coverage_list import Covered, explain_names, read_coverage
from declarations import ListError, find_declarations, read_declarations
from operator_list import NOTICE, Section, read_list

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OPERATORS = HERE / "operators.txt"
COVERAGE = HERE / "coverage.txt"


def outputs(sections: list[Section], coverage: list[Covered]) -> dict[pathlib.Path, str]:
    explain_names([operator for section in sections for operator in section.operators], coverage)
    files = {
        ROOT / "csrc/include/ctorch/operators.h": c_files.all_headers(sections),
        ROOT / "docs/operators.md": documentation.table(sections, coverage),
    }
    for section in sections:
        name = section.file_name
        files[ROOT / f"csrc/include/ctorch/operators/{name}.h"] = c_files.header(section)
        files[ROOT / f"csrc/operators/{name}.cc"] = c_files.source(section)
        files[ROOT / f"torch/operators_{name}.go"] = go_files.go_source(section)
    return files


def leftovers(files: dict[pathlib.Path, str]) -> list[pathlib.Path]:
    """Generated files of sections that are no more."""
    patterns = ("csrc/include/ctorch/operators/*.h", "csrc/operators/*.cc", "torch/operators_*.go")
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [
        path
        for path in found
        if path not in files and path.read_text(encoding="utf-8").startswith(f"// {NOTICE}")
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--declarations", type=pathlib.Path, help="native_functions.yaml")
    parser.add_argument("--check", action="store_true", help="only say whether files are current")
    options = parser.parse_args()
    try:
        schemas = read_declarations(options.declarations or find_declarations())
        files = outputs(read_list(OPERATORS, schemas), read_coverage(COVERAGE))
    except (ListError, OSError) as error:
        print(f"generate_operators.py: {error}", file=sys.stderr)
        return 1
    stale = [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    left = leftovers(files)
    if options.check:
        for path in stale:
            print(
                f"{path.relative_to(ROOT)} is not up to date: run `make generate`", file=sys.stderr
            )
        for path in left:
            print(
                f"{path.relative_to(ROOT)} is of no section: run `make generate`", file=sys.stderr
            )
        return 1 if stale or left else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    for path in left:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
