"""Medians and ratios over rounds.

A round measures every peer once, close together in time. A shared machine drifts by tens of percent between minutes,
so figures of different rounds are never divided by each other: a ratio is taken within a round, and the median of
those ratios is what is reported, with the lowest and the highest of them beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of `count` values."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread | None:
    """Summary of `values`, or None when there are none."""
    if not values:
        return None
    return Spread(median(values), min(values), max(values), len(values))


def within_rounds(
    formula: Callable[..., float],
    *series: Sequence[float | None],
) -> Spread | None:
    """`formula` of the values of each round in which every series has one (None: that peer's round failed)."""
    values = []
    for row in zip(*series, strict=True):
        present = [value for value in row if value is not None]
        if len(present) == len(row):
            values.append(formula(*present))
    return spread(values)


def ratio(series: Sequence[float | None], base: Sequence[float | None]) -> Spread | None:
    """Spread of series / base, round by round."""
    return within_rounds(lambda value, unit: value / unit, series, base)
