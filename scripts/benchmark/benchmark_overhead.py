"""What an operator costs from Go, beside C++ and Python, in one run.

    make bench            (or: python scripts/benchmark/benchmark_overhead.py [--rounds 5])

On tensors of one element nearly all of the time is the call itself. The three programs take turns,
each on one thread; a figure is the median over the rounds, in nanoseconds a call. "close": the
result is freed before the next call; "scope": a hundred are freed together; "collected": Go never
frees, the garbage collector does. Then operators on large tensors, where the call should not count,
in microseconds.
"""

import argparse
import statistics
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
CPP, GO = ROOT / "build/bench/overhead", ROOT / "build/bench/overhead_go"
TOGETHER = 100
BATCHES = 41  # as in the other two programs


def build():
    subprocess.run(["cmake", "--build", ROOT / "build", "--target", "overhead"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["go", "build", "-o", GO, "./scripts/benchmark/overhead"], check=True, cwd=ROOT)


def figures(program: Path, *arguments) -> dict:
    lines = subprocess.run([program, *map(str, arguments)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines)}


def median_time(calls: int, call) -> float:
    each = max(calls // BATCHES, 1)
    times = []
    for batch in range(min(BATCHES, calls) + 1):
        started = time.perf_counter_ns()
        for _ in range(each):
            call()
        if batch:
            times.append((time.perf_counter_ns() - started) / each)
    return statistics.median(times)


def python_figures(calls: int, large_calls: int) -> dict:
    x, y = torch.zeros(1), torch.zeros(1)
    a, b = torch.zeros(1, 1), torch.zeros(1, 1)
    results = {}
    for name, call in {
        "add": lambda: torch.add(x, y), "view": lambda: x.view(1, 1), "exp": lambda: torch.exp(x),
        "sum": lambda: torch.sum(x), "matmul": lambda: torch.matmul(a, b),
    }.items():
        results[f"{name}/close"] = median_time(calls, call)
        kept = []

        def keep(call=call, kept=kept):
            if len(kept) == TOGETHER:
                kept.clear()
            kept.append(call())
        results[f"{name}/scope"] = median_time(calls, keep)
    results["add_in_place/close"] = median_time(calls, lambda: x.add_(y))
    u, v = torch.randn(4096, 4096), torch.randn(4096, 4096)
    p, q = torch.randn(1024, 1024), torch.randn(1024, 1024)
    for name, call in {"large_add": lambda: torch.add(u, v), "large_exp": lambda: torch.exp(u),
                       "large_matmul": lambda: torch.matmul(p, q)}.items():
        results[f"{name}/close"] = median_time(large_calls, call)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400_000)
    parser.add_argument("--large-calls", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    build()
    times = {language: defaultdict(list) for language in ("C++", "Go", "Python")}
    with torch.no_grad():
        for _ in range(options.rounds):
            for language, measured in {
                "C++": lambda: figures(CPP, options.calls, options.large_calls, 1),
                "Go": lambda: figures(GO, options.calls, options.large_calls, 1),
                "Python": lambda: python_figures(options.calls, options.large_calls),
            }.items():
                for name, value in measured().items():
                    times[language][name].append(value)
    medians = {language: {name: statistics.median(values) for name, values in of.items()}
               for language, of in times.items()}
    print(f"{'':24}{'C++':>10}{'Go':>10}{'Python':>10}{'Go - C++':>10}{'Go / C++':>10}")
    for name, go in medians["Go"].items():
        unit = 1000 if name.startswith("large") else 1
        # What Go leaves to its collector has the prompt freeing of the others beside it.
        peer = name.replace("collected", "close")
        cpp, python = (medians[language].get(peer, float("nan")) for language in ("C++", "Python"))
        print(f"{name:24}{cpp / unit:10.0f}{go / unit:10.0f}{python / unit:10.0f}"
              f"{(go - cpp) / unit:10.0f}{go / cpp:10.3f}")


if __name__ == "__main__":
    main()
