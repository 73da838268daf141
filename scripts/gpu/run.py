#!/usr/bin/env python3
"""Builds libctorch against the PyTorch that is installed, runs the C++ and Go tests on the GPU, then
the benchmarks, and writes report.txt and report.json, benchmark.txt and benchmark.json.

    python3 build/gpu-bundle/run.py [--output DIR] [--only REGEXP] [--deadline SECONDS] [--devices cuda]
        [--tests-only | --benchmarks-only]

It goes on past failures, and writes the report anew after each program, so that a run that is ended
early loses nothing. The exit status is 1 where something failed. Only the standard library is used.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent
ROOT = BUNDLE.parents[1]
LIBRARY = ROOT / "build" / "lib"
RESULT = re.compile(r"^( *)--- (PASS|FAIL|SKIP): (\S+) \(([0-9.]+)s\)$")


class Report:
    def __init__(self, folder: Path, head: dict):
        self.folder, self.started = folder, time.monotonic()
        self.content = {**head, "phases": []}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, phase: dict) -> None:
        self.content["phases"].append(phase)
        self.content["seconds"] = round(time.monotonic() - self.started, 1)
        self.write()
        print(f"{phase['name']}: {phase['status']} ({phase['seconds']:.1f} s)"
              + (f", {phase['counts']}" if "counts" in phase else ""), flush=True)

    def failed(self) -> list:
        return [phase for phase in self.content["phases"] if phase["status"] != "ok"]

    def write(self) -> None:
        self.replace("report.json", json.dumps(self.content, indent=1))
        lines = [f"{key}: {value}" for key, value in self.content.items() if key != "phases"]
        lines.append("")
        for phase in self.content["phases"]:
            lines.append(f"{phase['name']}: {phase['status']}, {phase['seconds']} s"
                         + (f", {phase['counts']}" if "counts" in phase else ""))
        for phase in self.content["phases"]:
            if phase.get("output"):
                lines += ["", f"==== {phase['name']}", phase["output"]]
        self.replace("report.txt", "\n".join(lines) + "\n")

    def replace(self, name: str, text: str) -> None:
        temporary = self.folder / f".{name}"
        temporary.write_text(text)
        temporary.rename(self.folder / name)


def run(name: str, command: list, timeout: float, environment=None, folder=ROOT) -> dict:
    """Runs a command. Its phase keeps the output where it failed, and says so where it ran too long."""
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})}, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=max(timeout, 1))
        output, status = done.stdout, "ok" if done.returncode == 0 else f"exit status {done.returncode}"
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        status = f"ended after {timeout:.0f} s"
    except OSError as problem:
        output, status = str(problem), "not started"
    return {"name": name, "status": status, "seconds": round(time.monotonic() - started, 1), "output": output}


def go_test(test: dict, library_path: str, timeout: float, devices: str, run_tests: str, skip: str,
            threads: int) -> dict:
    """Runs a package's tests. Where one ends the program, the rest runs again without it."""
    end, phase, results, skipped = time.monotonic() + timeout, None, {}, [skip] if skip else []
    for _ in range(10):
        options = [f"-test.{name}={value}" for name, value in (("run", run_tests), ("skip", "|".join(skipped))) if value]
        again = run("go test " + test["package"],
                    [str(BUNDLE / "programs" / test["binary"]), "-test.v", f"-test.timeout={int(timeout)}s", *options],
                    end - time.monotonic(),
                    {"LD_LIBRARY_PATH": library_path, "CLIPVQGAN_TEST_DEVICES": devices,
                     "OMP_NUM_THREADS": str(threads), "CLIPVQGAN_MODELS": str(ROOT / "models"),
                     "CLIPVQGAN_PROGRAM": str(BUNDLE / "programs" / "clipvqgan")},
                    ROOT / test["package"])
        started = []
        for line in again["output"].splitlines():
            if match := RESULT.match(line):
                results[match[3]] = {"result": match[2], "seconds": float(match[4])}
            elif match := re.match(r"^=== RUN +([^/\s]+)$", line):
                started.append(match[1])
        # A test that panics is told as failed before the program ends.
        crashed = again["status"] not in ("ok", "exit status 1") and started and time.monotonic() < end - 5
        again["output"] = notes(again["output"]) if again["status"] == "ok" else without_passing(again["output"])
        if phase is None:
            phase = again
        else:
            phase["output"] += "\n" + again["output"]
            phase["seconds"] = round(phase["seconds"] + again["seconds"], 1)
        if not crashed:
            break
        results.setdefault(started[-1], {"result": "FAIL", "seconds": 0})
        skipped += [f"^{name}$" for name in started]
    counts = {kind: sum(r["result"] == kind for r in results.values()) for kind in ("PASS", "FAIL", "SKIP")}
    phase["counts"] = f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped"
    phase["tests"] = results
    return phase


def notes(output: str) -> str:
    """What tests said of themselves: figures, and why one was skipped."""
    return "\n".join(line for line in output.splitlines() if re.match(r"^ +\S+\.go:\d+: ", line))


def without_passing(output: str) -> str:
    """The output without the lines that announce and end tests that passed."""
    quiet = re.compile(r"^( *--- (PASS|SKIP): |=== (RUN|PAUSE|CONT|NAME) )")
    return "\n".join(line for line in output.splitlines() if not quiet.match(line))


def machine() -> dict:
    head = json.loads((BUNDLE / "bundle.json").read_text())
    found = {"commit": head["commit"]}
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    for name, command in (("gpu", query), ("compiler", ["c++", "--version"]), ("cmake", ["cmake", "--version"])):
        try:
            found[name] = subprocess.run(command, text=True, stdout=subprocess.PIPE, timeout=60).stdout.splitlines()[0]
        except (OSError, IndexError, subprocess.TimeoutExpired):
            found[name] = "none"
    found["processors"] = os.cpu_count()
    return found


def unpack() -> None:
    packed, programs = BUNDLE / "programs.tar.xz", BUNDLE / "programs"
    if not programs.exists() or programs.stat().st_mtime < packed.stat().st_mtime:
        with tarfile.open(packed) as archive:
            archive.extractall(programs, filter="data")
        os.utime(programs)


def torch_libraries() -> str:
    """Where libtorch is, as the build found it."""
    return json.loads((ROOT / "build" / "libtorch.json").read_text())["lib_dir"]


def benchmark(*arguments) -> list:
    return [sys.executable, str(ROOT / "scripts" / "gpu" / "benchmark.py"), *map(str, arguments)]


def test(report: Report, arguments, libraries: str, left) -> None:
    report.add(run("C++ tests", ["ctest", "--output-on-failure", "-V", "--timeout", "120"], left(), folder=ROOT / "build"))
    tests = [test for test in json.loads((BUNDLE / "bundle.json").read_text())["tests"]
             if re.search(arguments.only, test["package"])]
    run_one = lambda test, threads: go_test(test, libraries, left(), arguments.devices, arguments.run,
                                            arguments.skip, threads)
    # The tests of these fill the GPU's memory, so nothing runs beside them.
    processors = os.cpu_count() or 1
    alone = [test for test in tests if test["package"] in ("torch", "torch/cuda")]
    for test in alone:
        report.add(run_one(test, processors))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [pool.submit(run_one, test, max(1, processors // arguments.jobs)) for test in tests if test not in alone]
        for future in waiting:
            report.add(future.result())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("OUT") or "gpu-report"))
    parser.add_argument("--only", default="", help="the packages whose folder this regular expression finds")
    parser.add_argument("--run", default="", help="the tests that this regular expression finds, as go test -run")
    parser.add_argument("--skip", default="", help="the tests that are left out, as go test -skip")
    parser.add_argument("--deadline", type=float, default=480, help="seconds for everything (default 480)")
    parser.add_argument("--devices", default="cuda", choices=["", "cpu", "cuda"])
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--tests-only", action="store_true")
    only.add_argument("--benchmarks-only", action="store_true")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 4))
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.deadline
    left = lambda: end - time.monotonic()

    unpack()
    report = Report(arguments.output, machine())
    report.add(run("build libctorch", ["make", "lib", f"PYTHON={sys.executable}",
                                       f"SETUP={BUNDLE / 'programs' / 'setup'}"], left()))
    if report.failed():
        return 1
    libraries = f"{LIBRARY}:{torch_libraries()}"
    programs = ["--programs", BUNDLE / "programs"]
    with ThreadPoolExecutor(1) as beside:
        models = None if arguments.tests_only else beside.submit(
            run, "models of the benchmarks", benchmark("--prepare", *programs), left(),
            {"LD_LIBRARY_PATH": libraries})
        if not arguments.benchmarks_only:
            test(report, arguments, libraries, left)
        if models:
            report.add(models.result())
            # The last seconds are for the report.
            report.add(run("benchmarks", benchmark(
                *programs, "--output", arguments.output.resolve(),
                "--deadline", left() - 5), left(), {"LD_LIBRARY_PATH": libraries}))
    return 1 if report.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
