"""Metrics of all processes in one shared mapping.

Concept. A `Board` is an anonymous shared mapping, made by the supervisor and inherited by the workers, cut in stripes.
Each process writes to a stripe of its own through `Metrics`; whoever shows the metrics reads all stripes and adds up
the series of equal name and labels (`engine.telemetry.exposition`). So workers never wait for each other, not even for
a cache line, and need not agree on who registers what.

Rules. Series are resolved to a word index once, at start or reload, and the hot path adds by that index:

    index = metrics.counter("tidegate_refusals_total", reason="rate_limit_exceeded")
    metrics.add(index)

A stripe is its words, then its directory: for each series an entry with name, labels, first word and bounds. An entry
is published after it is complete, so that a kill at any point leaves the directory readable. A worker that takes over
the stripe of a dead one finds its series there and counts on; the gauges of a dead one are cleared.

Failure modes. A stripe that is full gives further series a scratch place: their hot path works, they are not shown, and
`tidegate_metrics_dropped_series_total` says how many. The board ends with the last process of its gateway: counters
start at zero after a restart, as Prometheus expects.
"""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from engine._fast.counters import MAX_BOUNDS, Counters, Histogram
from engine.telemetry.families import FAMILIES, Kind, MetricError, family

log = logging.getLogger(__name__)

# 4,096 words hold some 3,500 counters and a histogram for each endpoint; the directory has about 100 bytes for each.
WORDS: Final = 4096
DIRECTORY_BYTES: Final = 256 * 1024
STRIPE_BYTES: Final = WORDS * 8 + DIRECTORY_BYTES

# Words that are no series: how many bytes of the directory are in use, and the scratch place of series without room.
_DIRECTORY_USED: Final = 0
_SCRATCH: Final = 1
_FIRST_SERIES: Final = _SCRATCH + MAX_BOUNDS + 2

_LENGTH_BYTES: Final = 4


class Series(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a directory. `labels` are in the family's order; `bounds` are empty but for histograms."""

    name: str
    labels: tuple[tuple[str, str], ...]
    word: int
    bounds: tuple[float, ...] = ()

    @property
    def words(self) -> int:
        """Words that the series takes, from `word` on."""
        return Histogram.words_for(len(self.bounds)) if self.bounds else 1


_decoder: Final = msgspec.json.Decoder(Series)


class Board:
    """The mapping. Made by `create` in the supervisor, opened by `attach` from an inherited descriptor elsewhere."""

    def __init__(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        if size == 0 or size % STRIPE_BYTES:
            raise ValueError(f"a metrics board of {size} bytes is not a whole number of stripes")
        self.fd = fd
        self.stripes = size // STRIPE_BYTES
        self._memory = memoryview(mmap.mmap(fd, size))

    @classmethod
    def create(cls, stripes: int) -> Board:
        """A board of zeros for that many writing processes. Its descriptor is not inheritable until passed on."""
        fd = os.memfd_create("tidegate-metrics", os.MFD_CLOEXEC)
        os.ftruncate(fd, stripes * STRIPE_BYTES)
        return cls(fd)

    def words(self, stripe: int) -> Counters:
        """The words of a stripe."""
        return Counters(self._part(stripe, 0, WORDS * 8))

    def directory(self, stripe: int) -> memoryview:
        """The directory of a stripe, used and unused."""
        return self._part(stripe, WORDS * 8, DIRECTORY_BYTES)

    def series(self, stripe: int) -> Iterator[Series]:
        """The published series of a stripe, oldest first."""
        directory = self.directory(stripe)
        used = self.words(stripe).get(_DIRECTORY_USED)
        at = 0
        while at < used:
            end = at + _LENGTH_BYTES + int.from_bytes(directory[at : at + _LENGTH_BYTES], "little")
            yield _decoder.decode(directory[at + _LENGTH_BYTES : end])
            at = end

    def clear_gauges(self, stripe: int) -> None:
        """Set the gauges of a stripe to 0, because its process has ended; what it counted stays."""
        words = self.words(stripe)
        for series in self.series(stripe):
            if FAMILIES[series.name].kind == "gauge":
                words.set(series.word, 0)

    def _part(self, stripe: int, offset: int, size: int) -> memoryview:
        if not 0 <= stripe < self.stripes:
            raise IndexError(f"stripe {stripe} of {self.stripes}")
        start = stripe * STRIPE_BYTES + offset
        return self._memory[start : start + size]


class Metrics:
    """The series of one process. One thread at a time makes series; adding is safe from any thread.

    `add(index, n=1)`, `set(index, value)` and `get(index)`, which are those of `words`, work on the indices that
    `counter` and `gauge` give.
    """

    def __init__(self, board: Board, stripe: int) -> None:
        self.words = board.words(stripe)
        self._directory = board.directory(stripe)
        self._known = {(series.name, series.labels): series for series in board.series(stripe)}
        self._free = max((series.word + series.words for series in self._known.values()), default=_FIRST_SERIES)
        self.add = self.words.add
        self.set = self.words.set
        self.get = self.words.get
        self._dropped = self.counter("tidegate_metrics_dropped_series_total")

    def counter(self, name: str, **labels: str) -> int:
        """The index of a counter, made if it is new. Raises MetricError."""
        return self._word(name, "counter", labels, ())

    def gauge(self, name: str, **labels: str) -> int:
        """The index of a gauge, made if it is new. Gauges of equal name and labels add up over processes."""
        return self._word(name, "gauge", labels, ())

    def histogram(self, name: str, buckets: Sequence[float], **labels: str) -> Histogram:
        """A histogram with these ascending upper bounds, made if it is new; call its `observe`. Raises MetricError."""
        bounds = tuple(float(bound) for bound in buckets)
        if not 1 <= len(bounds) <= MAX_BOUNDS:
            raise MetricError(f"{name}: {len(bounds)} buckets are not within 1 and {MAX_BOUNDS}")
        return Histogram(self.words, self._word(name, "histogram", labels, bounds), bounds)

    def _word(self, name: str, kind: Kind, given: dict[str, str], bounds: tuple[float, ...]) -> int:
        labels = tuple((label, given[label]) for label in family(name, kind, tuple(given)).labels)
        known = self._known.get((name, labels))
        if known is not None:
            if known.bounds != bounds:
                raise MetricError(f"{name}: the series exists with the buckets {known.bounds}")
            return known.word
        series = Series(name, labels, self._free, bounds)
        entry = msgspec.json.encode(series)
        used = self.words.get(_DIRECTORY_USED)
        end = used + _LENGTH_BYTES + len(entry)
        if self._free + series.words > WORDS or end > DIRECTORY_BYTES:
            log.warning("no room for the series %s %s: it is not shown", name, dict(labels))
            self.add(self._dropped)
            series = Series(name, labels, _SCRATCH, bounds)
        else:
            self._directory[used:end] = len(entry).to_bytes(_LENGTH_BYTES, "little") + entry
            self.words.set(_DIRECTORY_USED, end)
            self._free += series.words
        self._known[(name, labels)] = series
        return series.word
