"""The plots of the limits benchmark, as SVG: one question each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError

_COLOR = "#1f6f8b"


def draw(path: Path, title: str, across: str, up: str, points: Sequence[tuple[float, float]]) -> None:
    """A line through `points`, the horizontal axis logarithmic. Raises BenchmarkError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchmarkError("matplotlib is not installed: pip install 'tidegate[bench]' brings it") from None
    mpl.rcParams["svg.hashsalt"] = "tidegate"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([x for x, _ in points], [y for _, y in points], marker="o", color=_COLOR)
    for x, y in points:
        axes.annotate(f"{y:,.4g}", (x, y), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_ylim(0, max(max((y for _, y in points), default=0) * 1.25, 1e-9))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title, fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
