"""counters: a metric that all workers share, beside the oracle, a plain dict and a multiprocessing.Value."""

from __future__ import annotations

import mmap
from bisect import bisect_left
from multiprocessing import Value

from benchmarks.micro.timing import Case, Contender
from engine._fast.counters import Counters, Histogram
from tests.fast.oracles.counters import CountersOracle, HistogramOracle

_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WORD = 8  # bytes


class DictCounters:
    """Counters of one process, by name."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, name: str) -> None:
        """One more of `name`."""
        self._counts[name] = self._counts.get(name, 0) + 1


class SharedValue:
    """A counter that processes share by the standard library: a lock around a word."""

    def __init__(self) -> None:
        self._value = Value("Q", 0)

    def add(self) -> None:
        """One more."""
        with self._value.get_lock():
            self._value.value += 1


class PlainHistogram:
    """A histogram of one process."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(_BOUNDS, value)] += 1
        self._sum += value


def cases() -> list[Case]:
    """One increment; one observation among 16 buckets."""
    # A page each: both are larger than what is used, and mmap deals in pages.
    counters = Counters(mmap.mmap(-1, mmap.PAGESIZE))
    histogram = Histogram(Counters(mmap.mmap(-1, mmap.PAGESIZE)), 0, _BOUNDS)
    return [
        Case(
            "counters: add one",
            [
                Contender("kernel", "add(3)", {"add": counters.add}),
                Contender("oracle", "add(3)", {"add": CountersOracle(mmap.PAGESIZE // _WORD).add}),
                Contender("dict, one process", "add('requests')", {"add": DictCounters().add}),
                Contender("multiprocessing.Value", "add()", {"add": SharedValue().add}),
            ],
        ),
        Case(
            "counters: observe in a histogram",
            [
                Contender("kernel", "observe(0.0123)", {"observe": histogram.observe}),
                Contender("oracle", "observe(0.0123)", {"observe": HistogramOracle(_BOUNDS).observe}),
                Contender("bisect, one process", "observe(0.0123)", {"observe": PlainHistogram().observe}),
            ],
        ),
    ]
