"""Counters and histograms in plain Python."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class CountersOracle:
    """Signed 64-bit words that wrap."""

    def __init__(self, size: int) -> None:
        self.words = [0] * size

    def add(self, index: int, n: int = 1) -> None:
        self.words[index] = (self.words[index] + n + 2**63) % 2**64 - 2**63

    def set(self, index: int, value: int) -> None:
        self.words[index] = value

    def get(self, index: int) -> int:
        return self.words[index]


class HistogramOracle:
    """Buckets by inclusive upper bounds, and the sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = list(bounds)
        self.buckets = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        value = max(value, 0.0)
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def read(self) -> tuple[list[int], float]:
        return list(self.buckets), self.sum
