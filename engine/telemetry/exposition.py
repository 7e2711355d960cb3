"""The metrics of all processes as Prometheus text (exposition format 0.0.4).

Rules. Series of equal name and labels are added up over the stripes. Families come in the catalogue's order, each with
its HELP and TYPE, and only when they have a series; series come sorted by their labels, so that two renderings differ
only in values. Histogram buckets are cumulated here; `_count` is the last of them.

Failure modes. Two stripes that hold a histogram with different buckets, which no one build does, raise MetricError.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from engine._fast.counters import Histogram
from engine.telemetry.families import FAMILIES, MetricError
from engine.telemetry.metrics import Board, Series

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class _Sum:
    """A series added up over the stripes that hold it."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.value: float = 0

    def add(self, board: Board, stripe: int, series: Series) -> None:
        if series.bounds != self.bounds:
            raise MetricError(f"{series.name}: processes disagree on the buckets")
        words = board.words(stripe)
        if not series.bounds:
            self.value += words.get(series.word)
            return
        buckets, total = Histogram(words, series.word, series.bounds).read()
        self.buckets = [mine + more for mine, more in zip(self.buckets, buckets, strict=True)]
        self.value += total


def render(board: Board) -> bytes:
    """Every series of the board, as UTF-8 text that ends in a newline."""
    sums: dict[str, dict[Labels, _Sum]] = {}
    for stripe in range(board.stripes):
        for series in board.series(stripe):
            by_labels = sums.setdefault(series.name, {})
            by_labels.setdefault(series.labels, _Sum(series.bounds)).add(board, stripe, series)
    lines: list[str] = []
    for family in FAMILIES.values():
        if family.name not in sums:
            continue
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for labels, total in sorted(sums[family.name].items()):
            lines.extend(_lines(family.name, labels, total))
    return ("\n".join(lines) + "\n").encode()


def _lines(name: str, labels: Labels, total: _Sum) -> Iterable[str]:
    if not total.bounds:
        yield f"{name}{_braces(labels)} {total.value}"
        return
    count = 0
    for bound, bucket in zip((*map(repr, total.bounds), "+Inf"), total.buckets, strict=True):
        count += bucket
        yield f"{name}_bucket{_braces((*labels, ('le', bound)))} {count}"
    yield f"{name}_sum{_braces(labels)} {total.value!r}"
    yield f"{name}_count{_braces(labels)} {count}"


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
