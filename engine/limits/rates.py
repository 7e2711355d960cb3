"""Rates: so many a period, written "6000/minute".

Rules: a count is a whole number from 1 to 10^15; a period is one second, minute, hour, day or month. A month is 30
days: a rate flows evenly and knows no calendar. Anything else is a ValueError that says what was expected.

The counters have a resolution of one nanosecond: an interval is rounded up to it, so that a rate above 10^9 a second
flows at 10^9, and no rate ever faster than written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SECOND_NS = 1_000_000_000

PERIODS_NS = {
    "second": SECOND_NS,
    "minute": 60 * SECOND_NS,
    "hour": 3600 * SECOND_NS,
    "day": 86_400 * SECOND_NS,
    "month": 30 * 86_400 * SECOND_NS,
}

# More than any machine counts; the kernel's arithmetic is exact up to here.
MAX_COUNT = 10**15
MAX_PERIOD_NS = 366 * 86_400 * SECOND_NS

_RATE = re.compile(r"([0-9]{1,16})/([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` (1..10^15) in every `period_ns` nanoseconds (1..one year). ValueError outside that."""

    count: int
    period_ns: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise ValueError(f"a rate's count is 1 to {MAX_COUNT}, not {self.count}")
        if not 1 <= self.period_ns <= MAX_PERIOD_NS:
            raise ValueError(f"a rate's period is 1 ns to a year ({MAX_PERIOD_NS} ns), not {self.period_ns}")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read "N/second|minute|hour|day|month". ValueError says what is wrong with `text`."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a rate: N/second, N/minute, N/hour, N/day or N/month")
        period_ns = PERIODS_NS.get(match[2])
        if period_ns is None:
            raise ValueError(f"{text!r}: {match[2]!r} is not one of {', '.join(PERIODS_NS)}")
        return cls(int(match[1]), period_ns)

    @property
    def interval_ns(self) -> int:
        """Nanoseconds between two of an even flow, rounded up: the flow is never faster than the rate."""
        return -(-self.period_ns // self.count)

    def __str__(self) -> str:
        for name, period_ns in PERIODS_NS.items():
            if self.period_ns == period_ns:
                return f"{self.count}/{name}"
        return f"{self.count}/{self.period_ns}ns"
