#!/usr/bin/env python3
"""Makes build/gpu-bundle: compiled tests for a machine with a GPU that has no Go and no network.

    make gpu-bundle

The folder travels beside a checkout of the same commit, in its build/ folder, to a machine with an
NVIDIA GPU, PyTorch, CMake, Ninja and a C++ compiler; `python3 build/gpu-bundle/run.py` there builds
libctorch against that PyTorch and runs everything. docs/gpu.md says how.
"""

import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "build" / "gpu-bundle"
# The models stay in the checkout: each program would carry them.
TAGS = ["-tags", "models_from_files"]
# Files of installed packages that need no other package than PyTorch and NumPy.
PEERS = {"clip_model.py": "clip/model.py",
         "taming_model.py": "taming/modules/diffusionmodules/model.py"}
STRIPPED = ["-trimpath", "-ldflags", "-s -w"]


def go(*arguments) -> str:
    command = [os.environ.get("GO", "go"), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def packages_with_tests() -> dict:
    """Import path to folder, of each package that uses tensors in its tests."""
    listed = go("list", *TAGS, "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}} "
                '{{join .Imports ","}},{{join .TestImports ","}},{{join .XTestImports ","}}{{end}}', "./...")
    packages = {}
    for line in filter(None, listed.splitlines()):
        name, folder, imports = line.split(" ")
        uses = imports.split(",") + [name]
        if any(part.endswith(("/torch", "/internal/testkit")) for part in uses):
            packages[name] = os.path.relpath(folder, ROOT)
    return packages


def pack(names: list) -> None:
    """Moves the programs into one compressed file: they share most of their code."""
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 27}]
    with lzma.open(BUNDLE / "programs.tar.xz", "wb", filters=filters) as compressed, \
            tarfile.open(fileobj=compressed, mode="w") as archive:
        for name in names:
            archive.add(BUNDLE / name, name)
            (BUNDLE / name).unlink()
    (BUNDLE / "tests").rmdir()


def copy_peers() -> None:
    """Copies the modules that the benchmark measures against from the packages in .venv."""
    (BUNDLE / "peers").mkdir()
    for name, installed in PEERS.items():
        found = list(ROOT.glob(f".venv/lib/python*/site-packages/{installed}"))
        if not found:
            sys.exit(f"make_bundle: {installed} is not in .venv; make .venv/installed puts it there")
        shutil.copy(found[0], BUNDLE / "peers" / name)


def main() -> None:
    shutil.rmtree(BUNDLE, ignore_errors=True)
    (BUNDLE / "tests").mkdir(parents=True)
    packages = packages_with_tests()

    def build(name: str) -> dict:
        folder = packages[name]
        binary = "tests/" + folder.replace("/", "_") + ".test"
        go("test", "-c", *TAGS, *STRIPPED, "-o", BUNDLE / binary, name)
        return {"package": folder, "binary": binary}

    with ThreadPoolExecutor(2) as pool:
        tests = list(pool.map(build, packages))
    programs = {"clipvqgan": "./cmd/clipvqgan", "benchmark": "./scripts/benchmark/models",
                "gpu-benchmark": "./scripts/gpu/benchmark", "fresh": "./scripts/training/fresh",
                "setup": "./setup"}
    for program, source in programs.items():
        go("build", *TAGS, *STRIPPED, "-o", BUNDLE / program, source)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE).stdout.strip()
    (BUNDLE / "bundle.json").write_text(json.dumps({"commit": commit, "tests": tests}, indent=1) + "\n")
    shutil.copy(Path(__file__).with_name("run.py"), BUNDLE / "run.py")
    copy_peers()
    pack([test["binary"] for test in tests] + list(programs))
    size = sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file())
    print(f"{BUNDLE.relative_to(ROOT)}: {len(tests)} test programs, {size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
