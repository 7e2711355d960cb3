"""budget: reserving and settling four limits (tokens, output, spend, concurrent), beside the oracle."""

from __future__ import annotations

import mmap

from benchmarks.micro.timing import Case, Contender
from engine._fast.bucket import SLOT_BYTES, Table
from engine._fast.budget import (
    HEADER_BYTES,
    KIND_CALENDAR,
    KIND_CONCURRENT,
    KIND_RATE,
    OUTPUT,
    REQUESTS,
    ROW_BYTES,
    SPEND,
    TOTAL,
    Budget,
    Journal,
)
from tests.fast.oracles.budget import BudgetOracle

_SLOTS = 1 << 16
_NOW_NS = 1_760_000_000_000_000_000
_HOUR_NS = 3600 * 1_000_000_000
_NEVER_EMPTY = 10**15
_ENTRIES = (
    (1, KIND_RATE, TOTAL, 1, _NEVER_EMPTY),
    (2, KIND_RATE, OUTPUT, 1, _NEVER_EMPTY),
    (3, KIND_CALENDAR, SPEND, 1, _NEVER_EMPTY),
    (4, KIND_CONCURRENT, REQUESTS, 1, 64),
)


def cases() -> list[Case]:
    """One request: four limits reserved, then settled with less than was reserved."""
    window = (_NOW_NS - _HOUR_NS, _NOW_NS + _HOUR_NS)
    table = Table(mmap.mmap(-1, _SLOTS * SLOT_BYTES), bytes(16))
    budget = Budget(table, Journal(mmap.mmap(-1, HEADER_BYTES + 64 * ROW_BYTES)), _ENTRIES)
    budget.set_window(2, *window)
    oracle = BudgetOracle(_ENTRIES, window)
    names = {"now": _NOW_NS, "held": (1, 100, 200, 300, 0), "used": (1, 90, 20, 30, 0)}
    return [
        Case(
            "budget: four limits, reserve and settle",
            [
                Contender(
                    "kernel",
                    "settle(reserve(now, 1, 100, 200, 300, 0), now, 1, 90, 20, 30, 0) == 0",
                    names | {"reserve": budget.reserve, "settle": budget.settle},
                ),
                Contender(
                    "oracle",
                    "reserve(0, now, held) and settle(0, now, used) is None",
                    names | {"reserve": oracle.reserve, "settle": oracle.settle},
                ),
            ],
        )
    ]
