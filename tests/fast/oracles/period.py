"""The period kernel in plain Python: every block against itself, moved along by every period."""

from __future__ import annotations


def periodic_block(text: bytes, start: int, stride: int, size: int, longest: int) -> tuple[int, int] | None:
    for at in range(start, len(text) - size + 1, stride):
        block = text[at : at + size]
        for period in range(1, longest + 1):
            if block[period:] == block[:-period]:
                return at, period
    return None
