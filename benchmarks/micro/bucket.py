"""bucket: taking three limits at once, beside the oracle and a dict of token buckets."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Sequence

from benchmarks.micro.timing import Case, Contender
from engine._fast.bucket import SLOT_BYTES, Plan, Table
from tests.fast.oracles.bucket import PlanOracle, TableOracle

_KEYS = (b"ip:127.0.0.1", b"key:bench", b"user:bench")
_SLOTS = 1 << 16
_NOW_NS = 1_760_000_000_000_000_000
_NEVER_EMPTY = 10**15  # takes; a run makes some 10^8
_SECOND_NS = 1_000_000_000


class DictLimits:
    """What most people write first: token buckets in a dict behind a lock, in one process, lost with it."""

    def __init__(self, keys: Sequence[bytes], burst: float, per_second: float) -> None:
        self._keys = keys
        self._burst = burst
        self._per_second = per_second
        self._buckets: dict[bytes, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, now: float) -> int:
        """-1 when all admit, else the index of the first that does not. `now` in seconds."""
        with self._lock:
            left = []
            for index, key in enumerate(self._keys):
                tokens, then = self._buckets.get(key, (self._burst, now))
                tokens = min(self._burst, tokens + (now - then) * self._per_second)
                if tokens < 1.0:
                    return index
                left.append(tokens - 1.0)
            for key, tokens in zip(self._keys, left, strict=True):
                self._buckets[key] = tokens, now
            return -1


def _contenders(interval: int, tolerance: int, burst: float) -> list[Contender]:
    table = Table(mmap.mmap(-1, _SLOTS * SLOT_BYTES), bytes(16))
    entries = [(table.fingerprint(key), interval, tolerance) for key in _KEYS]
    names = {"now": _NOW_NS, "now_s": _NOW_NS / _SECOND_NS}
    plan, oracle = Plan(table, entries), PlanOracle(TableOracle(), entries)
    limits = DictLimits(_KEYS, burst, _SECOND_NS / interval)
    return [
        Contender("kernel", "take(now)", names | {"take": plan.take}),
        Contender("oracle", "take(now)", names | {"take": oracle.take}),
        Contender("dict, one process", "take(now_s)", names | {"take": limits.take}),
    ]


def cases() -> list[Case]:
    """Three limits admit; three limits of which the first refuses."""
    refusing = _contenders(_SECOND_NS, _SECOND_NS, 1.0)
    for contender in refusing:
        # One take each, which uses the burst up: the clock stands still, so all that follow are refused.
        eval(contender.statement, dict(contender.names))  # noqa: S307 - our own statement
    return [
        Case("bucket: three limits, admitted", _contenders(1, _NEVER_EMPTY, float(_NEVER_EMPTY))),
        Case("bucket: three limits, refused", refusing),
    ]
