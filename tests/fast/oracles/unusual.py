"""The unusual bytes of a text, one by one."""

from __future__ import annotations

USUAL = frozenset((9, 10, 13, *range(32, 127)))


def unusual(text: bytes, start: int = 0) -> int:
    found = 0
    for byte in text[max(start, 0) :]:
        if byte not in USUAL:
            found |= 1 << byte
    return found
