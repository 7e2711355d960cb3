"""The chart of the redaction benchmark: time by dirt for each pack, and the growth of the worst cases, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import figure_of, save
from benchmarks.stats import Spread


def draw(
    path: Path,
    packs: Sequence[tuple[str, Sequence[Spread]]],
    dirt: Sequence[float],
    growths: Sequence[tuple[str, Sequence[float]]],
    sizes: Sequence[int],
) -> None:
    """Draw both. Raises BenchmarkError without matplotlib."""
    figure = figure_of(11, 4.5)
    left, right = figure.subplots(1, 2)
    for name, spreads in packs:
        left.plot(dirt, [each.median for each in spreads], marker="o", label=name)
    left.set_yscale("log")
    left.set_xlabel("values to hide in a kilobyte")
    left.set_ylabel("ns a byte (less is better)")
    left.legend(frameon=False, fontsize=6)
    left.set_title("By pack, text and dirt", fontsize=10)
    for name, ns in growths:
        right.plot(sizes, ns, marker="o", label=name)
    right.set_xscale("log", base=2)
    right.set_yscale("log")
    right.set_xlabel("bytes of text")
    right.set_ylabel("ns a byte (level: linear time)")
    right.legend(frameon=False, fontsize=7, ncol=2)
    right.set_title("Worst cases", fontsize=10)
    save(figure, path)
