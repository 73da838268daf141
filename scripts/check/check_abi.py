#!/usr/bin/env python3
"""Checks that the C headers, the library that make built and the Go side agree.

    scripts/check/check_abi.py [--write]

- Every function that a header declares is in the library, and the library shows no other.
- Every function of the library that Go calls is declared, and Go calls every declared one, but for
  those that are there for C programs (C_ONLY below). What `#cgo noescape` and `#cgo nocallback`
  name is called.
- csrc/include/ctorch/headers_sum.h holds the sum of the declarations, without their comments. It is
  compiled into the library and into Go, which refuses a library that was built from other headers.
  --write writes it.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "csrc" / "include" / "ctorch"
SUM = HEADERS / "headers_sum.h"
LIBRARY = ROOT / "build" / "lib" / "libctorch.so"
GO = ROOT / "torch"

# What Go has no use for.
C_ONLY: set[str] = set()


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def declared_functions(text: str) -> set[str]:
    return set(re.findall(r"\bCTORCH_API\b[\w\s*]*?\b(ctorch_\w+)\s*\(", without_comments(text)))


def headers_sum(texts: list[str]) -> int:
    """The same whatever the comments, the breaks of lines and the spaces at them."""
    plain = (" ".join(without_comments(text).split()) for text in texts)
    return zlib.crc32("\n".join(plain).encode())


def sum_header(value: int) -> str:
    return (
        "// Written by scripts/check/check_abi.py --write (make generate): the sum of what the headers here\n"
        "// declare, by which Go tells a library that was built from others.\n"
        "#ifndef CTORCH_HEADERS_SUM_H_\n"
        "#define CTORCH_HEADERS_SUM_H_\n"
        "\n"
        f"#define CTORCH_HEADERS_SUM 0x{value:08x}u\n"
        "\n"
        "#endif  // CTORCH_HEADERS_SUM_H_\n"
    )


def exported_functions(library: pathlib.Path) -> set[str]:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    )
    return set(re.findall(r" (ctorch_\w+)$", listing.stdout, re.M))


def names_in_go(text: str) -> tuple[set[str], set[str]]:
    """What Go names of C's ctorch_, and what its #cgo lines name."""
    used = set(re.findall(r"\bC\.(ctorch_\w+)", text))
    # Callbacks are C functions that Go's preambles call.
    preambles = "\n".join(re.findall(r"^(?:/\*.*?\*/|(?://[^\n]*\n)+)\s*import \"C\"", text, re.M | re.S))
    marked = set(re.findall(r"#cgo (?:noescape|nocallback) (\w+)", preambles))
    calls = re.sub(r"#cgo (?:noescape|nocallback) \w+", "", preambles)
    return used | set(re.findall(r"\b(ctorch_\w+)\s*\(", calls)), marked


def differences(
    declared: set[str], exported: set[str], used: set[str], marked: set[str], types: set[str]
) -> list[str]:
    called = used - types
    groups = [
        ("is declared, and not in the library: build it again", declared - exported),
        ("is in the library, and no header declares it", exported - declared),
        ("is called by Go, and no header declares it", called - declared),
        ("is declared, and Go does not call it (or name it in C_ONLY)", declared - called - C_ONLY),
        ("is in C_ONLY, and Go calls it, or no header declares it", C_ONLY & called | C_ONLY - declared),
        ("is named in a #cgo line, and Go does not call it", marked - called),
    ]
    return [f"{name} {what}" for what, names in groups for name in sorted(names)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write headers_sum.h and check nothing")
    options = parser.parse_args()
    texts = [path.read_text(encoding="utf-8") for path in sorted(HEADERS.rglob("*.h")) if path != SUM]
    wanted = sum_header(headers_sum(texts))
    current = SUM.is_file() and SUM.read_text(encoding="utf-8") == wanted
    if options.write:
        if not current:
            SUM.write_text(wanted, encoding="utf-8")
            print(f"wrote {SUM.relative_to(ROOT)}")
        return 0
    mistakes = [] if current else [f"{SUM.relative_to(ROOT)} is not up to date: run `make generate`"]
    headers = without_comments("\n".join(texts))
    go = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(GO.rglob("*.go"))
        if not path.name.endswith("_test.go")
    )
    used, marked = names_in_go(go)
    types = set(re.findall(r"\b(?:struct|enum|typedef [\w\s*]+?)\s+\(?\*?(ctorch_\w+)", headers))
    types |= set(re.findall(r"\}\s*(ctorch_\w+)\s*;", headers))
    mistakes += differences(
        declared_functions("\n".join(texts)), exported_functions(LIBRARY), used, marked, types
    )
    for mistake in mistakes:
        print(f"check_abi.py: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
