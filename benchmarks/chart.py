"""The chart of the peers benchmark: a bar of CPU microseconds a request for each proxy, as SVG.

One scale, from zero. The bars are medians over the rounds, the thin lines their lowest and highest. The slowest peer
would press all others flat, so a bar that is longer than the axis is cut and carries its figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.stats import Spread

_FAMILY = {"tidegate": "#1f6f8b", "other": "#9aa5ab"}
_LONGEST = 1.6  # the axis ends at this many times the longest bar of all but the slowest peer


def figure_of(width: float, height: float) -> Any:
    """An empty figure, in inches. Raises BenchmarkError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchmarkError("matplotlib is not installed: pip install 'tidegate[bench]' brings it") from None
    mpl.rcParams["svg.hashsalt"] = "tidegate"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Write a figure as SVG, without the lines of its frames that say nothing."""
    for axes in figure.axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def draw(path: Path, bars: Sequence[tuple[str, Spread]]) -> None:
    """Draw `bars` (name, CPU microseconds a request), the first on top. Raises BenchmarkError without matplotlib."""
    medians = sorted(spread.median for _, spread in bars)
    end = medians[-1] * 1.15
    if len(medians) > 1 and medians[-1] > _LONGEST * medians[-2]:
        end = medians[-2] * _LONGEST
    figure = figure_of(9, 0.42 * len(bars) + 1.2)
    axes = figure.add_subplot()
    for place, (name, spread) in enumerate(bars):
        color = _FAMILY["tidegate" if name.startswith("tidegate") else "other"]
        axes.barh(place, min(spread.median, end), color=color, height=0.66)
        cut = spread.median > end
        if not cut:
            axes.plot([spread.low, min(spread.high, end)], [place, place], color="#222222", linewidth=1)
        label = f" {spread.median:.1f}"
        inside = cut or spread.high > 0.93 * end
        where = min(spread.high, end) * (0.99 if inside else 1)
        axes.text(
            where,
            place,
            label,
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "#222222",
            fontsize=9,
        )
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, end)
    axes.set_xlabel("CPU microseconds a request, all processes of the proxy (less is better)")
    axes.set_title("One worker on one core, 32 connections, 0.7 KB request, 1.3 KB answer", fontsize=10)
    save(figure, path)
