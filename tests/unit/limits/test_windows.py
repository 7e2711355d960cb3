"""Calendar windows by hand, over the changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.limits.windows import Period, window, zone

SECOND = 1_000_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("period", "name", "now", "start", "end"),
    [
        ("hour", "UTC", "2026-11-25T23:59:59", "2026-11-25T23:00", "2026-11-26T00:00"),
        ("day", "UTC", "2026-11-25T00:00:00", "2026-11-25T00:00", "2026-11-26T00:00"),
        ("month", "UTC", "2026-12-31T23:59:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("month", "UTC", "2028-02-29T12:00:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("day", "Asia/Kolkata", "2026-11-25T18:29:59", "2026-11-24T18:30", "2026-11-25T18:30"),
        ("hour", "Asia/Kolkata", "2026-11-25T18:29:59", "2026-11-25T17:30", "2026-11-25T18:30"),
        # The clock goes forward: 23 hours. It goes back: 25 hours, and the hour that comes twice is two windows.
        ("day", "Europe/Berlin", "2026-03-29T12:00:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("day", "Europe/Berlin", "2026-10-25T12:00:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("hour", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("hour", "Europe/Berlin", "2026-10-25T01:30:00", "2026-10-25T01:00", "2026-10-25T02:00"),
        ("month", "America/New_York", "2026-11-01T04:00:00", "2026-11-01T04:00", "2026-12-01T05:00"),
    ],
)
def test_windows(period: Period, name: str, now: str, start: str, end: str) -> None:
    assert window(period, zone(name), at(now)) == (at(start), at(end))
    # The nanosecond before the end is in it, the end begins the next one.
    assert window(period, zone(name), at(end) - 1) == (at(start), at(end))
    assert window(period, zone(name), at(end))[0] == at(end)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime"])
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone(name)
