"""The prefilter in plain Python: every literal by itself, digits by a scan."""

from __future__ import annotations

from collections.abc import Sequence

GAP = 3


def most_digits(text: bytes) -> int:
    """The largest number of digits with no more than GAP other bytes between two neighbors."""
    most = count = 0
    before = -1
    for place, byte in enumerate(text):
        if 48 <= byte <= 57:
            count = count + 1 if before >= 0 and place - before <= GAP + 1 else 1
            before = place
            most = max(most, count)
    return most


def candidates(literals: Sequence[Sequence[bytes]], digits: Sequence[int], text: bytes) -> list[int]:
    """The rules whose needs the text meets."""
    lower = text.lower()
    number = most_digits(text)
    return [
        rule
        for rule, (needed, count) in enumerate(zip(literals, digits, strict=True))
        if count <= number and (not needed or any(each in lower for each in needed))
    ]
