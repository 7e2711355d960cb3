"""Calendar windows: the hour, day or month that a moment is in, by the clock of a time zone.

A window begins when the zone's clock shows its first moment. Where the clock is moved (daylight saving time) a day has
23 or 25 hours; no moment is in two windows and none in no window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.limits.rates import PERIODS_NS, SECOND_NS

Period = Literal["hour", "day", "month"]

PERIODS: Final[tuple[Period, ...]] = ("hour", "day", "month")
# What a window of the period lasts at least, in ns: a day with the clock put forward, February.
SHORTEST_NS: Final = {
    "hour": PERIODS_NS["hour"],
    "day": 23 * PERIODS_NS["hour"],
    "month": 28 * PERIODS_NS["day"] - PERIODS_NS["hour"],
}


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name ("UTC", "Europe/Berlin"). ValueError where this system knows none by it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone such as UTC or Europe/Berlin that this system knows") from None


def window(period: Period, where: tzinfo, now_ns: int) -> tuple[int, int]:
    """Begin and end (not in it), in ns since the epoch."""
    now_s = now_ns // SECOND_NS
    local = datetime.fromtimestamp(now_s, where).replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        # An hour is counted by its minutes past, so that the one that comes twice in autumn is two windows.
        moment = datetime.fromtimestamp(now_s, where)
        start = now_s - moment.minute * 60 - moment.second
        return start * SECOND_NS, (start + 3600) * SECOND_NS
    first = local.replace(hour=0, fold=0)
    if period == "month":
        first = first.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    else:
        after = first + timedelta(days=1)
    return int(first.timestamp()) * SECOND_NS, int(after.replace(fold=0).timestamp()) * SECOND_NS
