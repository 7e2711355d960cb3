"""The chart of the stream benchmark: cost of an event by way, and hold-back by text, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.chart import figure_of, save
from benchmarks.stream.rivals import Cost


def draw(path: Path, costs: Sequence[Cost], held: Mapping[str, tuple[int, int, int]]) -> None:
    """Draw both. Raises BenchmarkError without matplotlib."""
    figure = figure_of(11, 4)
    left, right = figure.subplots(1, 2)
    ways = list(costs[0].us)
    height = 0.8 / len(ways)
    for number, way in enumerate(ways):
        places = [place + number * height for place in range(len(costs))]
        left.barh(places, [each.us[way].median for each in costs], height=height, label=way)
    left.set_yticks([place + 0.4 - height / 2 for place in range(len(costs))], [each.text for each in costs])
    left.invert_yaxis()
    left.set_xlabel("CPU microseconds an event (less is better)")
    left.legend(frameon=False, fontsize=8)
    for number, name in enumerate(("median", "p99", "most")):
        places = [place + number * 0.27 for place in range(len(held))]
        right.barh(places, [figures[number] for figures in held.values()], height=0.27, label=name)
    right.set_yticks([place + 0.27 for place in range(len(held))], list(held))
    right.invert_yaxis()
    right.set_xlabel("characters held back after an event")
    right.legend(frameon=False, fontsize=8)
    save(figure, path)
