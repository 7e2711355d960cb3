"""The histogram of revocations, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError

_BINS = 40


def draw(path: Path, named: Mapping[str, Sequence[float]]) -> None:
    """One histogram a name, of seconds, on one axis. Raises BenchmarkError without matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchmarkError("matplotlib is not installed: pip install 'tidegate[bench]' brings it") from None
    mpl.rcParams["svg.hashsalt"] = "tidegate"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(6.5, 1.5 * len(named)), layout="constrained")
    most = 1000 * max(max(series) for series in named.values())
    for axes, (name, series) in zip(figure.subplots(len(named), 1, sharex=True), named.items(), strict=True):
        axes.hist([1000 * value for value in series], bins=_BINS, range=(0, most), color="#1f6f8b")
        axes.set_ylabel("count")
        axes.set_title(name, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("ms from the revocation to its effect")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
