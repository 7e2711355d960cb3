"""The micro benchmark from beginning to end: the cases of every kernel, and of credentials, table, JSON."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.micro.timing import Case, Result, measure
from benchmarks.report import number, table, write_json

KERNELS = (
    "bucket",
    "budget",
    "prefilter",
    "scanner",
    "jsonguard",
    "jsonmembers",
    "jsonline",
    "period",
    "plainhead",
    "message",
    "fingerprint",
    "sse",
    "template",
    "echo",
    "runs",
    "unusual",
    "checksums",
    "cidr",
    "ring",
    "counters",
    "credentials",
)


def cases(kernel: str) -> list[Case]:
    """The cases of one kernel. Raises BenchmarkError when it was not built or when the test tree is not there."""
    try:
        module = importlib.import_module(f"benchmarks.micro.{kernel}")
    except ImportError as error:
        raise BenchmarkError(f"{kernel} can be measured in a built checkout only: {error}") from error
    found: list[Case] = module.cases()
    return found


def show(results: Sequence[Result]) -> str:
    """The report as text."""
    rows = []
    for result in results:
        name = result.case if result.size is None else f"{result.case} ({result.size:,} B)"
        for place, (contender, ns) in enumerate(result.ns.items()):
            rows.append(
                [
                    f"{name if place == 0 else ''}",
                    contender,
                    number(ns.median, 0 if ns.median >= 1000 else 1),
                    number(ns.low, 0 if ns.low >= 1000 else 1),
                    f"{number(result.ratios[contender].median, 1)} x",
                    "-" if result.size is None else number(ns.median / result.size, 2),
                ]
            )
    head = ["operation", "by", "ns (median)", "ns (lowest)", "of kernel", "ns/B"]
    return table(head, rows, left=2)


def main(names: Sequence[str], *, rounds: int, out: Path, progress: Callable[[str], None]) -> bool:
    """Run it, for these kernels or for all. Always True: nothing here is judged. Raises BenchmarkError."""
    unknown = [name for name in names if name not in KERNELS]
    if unknown:
        raise BenchmarkError(f"no kernel is called {', '.join(unknown)}; there are: {', '.join(KERNELS)}")
    results = []
    for kernel in KERNELS:
        if names and kernel not in names:
            continue
        for case in cases(kernel):
            progress(case.name)
            results.append(measure(case, rounds))
    print(show(results))
    write_json(out / "micro.json", {"rounds": rounds, "cases": results})
    print(f"\nwritten: {out / 'micro.json'}")
    return True
