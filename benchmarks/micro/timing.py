"""Timing of small operations, contender beside contender.

Rules. One operation is one statement, compiled once (timeit), so that a call that a caller would not make is not paid
for. Each contender is run for about SLICE_NS at a time, the contenders take turns, and a round is one turn of each; the
median over the rounds is the figure and ratios are taken within a round. The clock is the CPU time of the thread, which
a neighbor on the same core does not inflate. The cyclic collector is off while the clock runs (timeit does that).

Before anything is timed, every contender is asked once and must give the same answer: a comparison with something that
does not do the job is not made by accident.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.stats import Spread, ratio, spread

SLICE_NS = 20_000_000  # 5,000 times the clock's grain, and short enough that a drift hits all contenders alike
_MOST_REPEATS = 1 << 24


def _same(answer: Any) -> Any:
    return answer


@dataclass(frozen=True)
class Contender:
    """`statement` is an expression over `names`; `answer` brings its value into the form that all contenders share."""

    name: str
    statement: str
    names: Mapping[str, Any]
    answer: Callable[[Any], Any] = _same


@dataclass(frozen=True)
class Case:
    """One operation. The first contender is the kernel. `size` is in bytes, where the time depends on it."""

    name: str
    contenders: Sequence[Contender]
    size: int | None = None


@dataclass(frozen=True)
class Result:
    """Nanoseconds an operation by contender, and the ratios of each to the kernel."""

    case: str
    size: int | None
    ns: dict[str, Spread]
    ratios: dict[str, Spread] = field(default_factory=dict)


def agree(case: Case) -> None:
    """Ask each contender once. Raises BenchmarkError when an answer differs from the kernel's."""
    expected: Any = None
    for place, contender in enumerate(case.contenders):
        given = contender.answer(eval(contender.statement, dict(contender.names)))  # noqa: S307 - our own statements
        if place == 0:
            expected = given
        elif given != expected:
            raise BenchmarkError(
                f"{case.name}: {contender.name} gives {given!r}, {case.contenders[0].name} {expected!r}"
            )


def _repeats(timer: timeit.Timer) -> int:
    """How often the statement fits into a slice: at least once."""
    count = 1
    while (taken := timer.timeit(count)) < SLICE_NS / 4 and count < _MOST_REPEATS:
        count *= 2 if taken > SLICE_NS / 64 else 8
    return max(1, round(count * SLICE_NS / max(taken, 1)))


def measure(case: Case, rounds: int) -> Result:
    """Time the contenders of `case`. Raises BenchmarkError when they disagree."""
    agree(case)
    timers = {
        contender.name: timeit.Timer(contender.statement, timer=time.thread_time_ns, globals=dict(contender.names))
        for contender in case.contenders
    }
    repeats = {name: _repeats(timer) for name, timer in timers.items()}
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for number in range(rounds):
        order = list(timers)
        for name in order[::-1] if number % 2 else order:
            taken[name].append(timers[name].timeit(repeats[name]) / repeats[name])
    kernel = case.contenders[0].name
    result = Result(case.name, case.size, {})
    for name, values in taken.items():
        summary, against = spread(values), ratio(values, taken[kernel])
        if summary is None or against is None:
            raise BenchmarkError("no rounds were asked for")
        result.ns[name] = summary
        result.ratios[name] = against
    return result
