"""Endless repetition: a model that says one short unit again and again, and what comes of it is paid for.

Theory. A byte is *repeated* if the `WINDOW` bytes up to and with it have a period of at most `LONGEST_UNIT` bytes. So
the first WINDOW - 1 bytes of a repetition stay, whatever is decided later, and nothing has to be held back for them.
A value is a run of repeated bytes, cut after `LONGEST_VALUE`.

A window holds a whole block of `_BLOCK` bytes if these are laid `_STRIDE` apart, and the block has the window's period.
As a block has room for two such periods, its smallest one divides every other, in the window too (Fine and Wilf 1965,
"Uniqueness theorems for periodic functions"). So one search in a block tells the only period that matters, and time is
linear in the text.
"""

from __future__ import annotations

from typing import Final

from engine._fast.period import periodic_block

LONGEST_UNIT: Final = 64
# Eight of the longest units. Rulers, tables and rows of a few equal lines are shorter.
WINDOW: Final = 512
LONGEST_VALUE: Final = 1024

_BLOCK: Final = 2 * LONGEST_UNIT
# One of the WINDOW - _BLOCK + 1 places where a block in a window may begin is a multiple of it.
_STRIDE: Final = WINDOW - _BLOCK
# Bytes that are compared at once while a run is followed.
_STEP: Final = 64


class Repetition:
    """See the module."""

    @property
    def lookback(self) -> int:
        return WINDOW - 1

    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None:
        block = max(0, at - _BLOCK)
        while found := periodic_block(text, block, _STRIDE, _BLOCK, LONGEST_UNIT):
            block, period = found
            first = max(at, _left(text, block, period, at - WINDOW + 1) + WINDOW - 1)
            end = _right(text, block + _BLOCK, period, first + LONGEST_VALUE)
            left, right = _behind(text, first), _before(text, end)
            if left >= before:
                return None
            if left < right:
                return left, right
            block += _STRIDE
        return None

    def tail(self, text: bytes, start: int) -> int:
        size = len(text)
        found = periodic_block(text, max(size - _BLOCK, 0), 1, _BLOCK, LONGEST_UNIT)
        if found is None:
            return size
        block, period = found
        first = _left(text, block, period, max(start, size - LONGEST_VALUE) - WINDOW) + WINDOW - 1
        # A value that began earlier is as long as it may be.
        first = max(start, first, size - LONGEST_VALUE + 1)
        return size if first >= size else max(start, _before(text, first))


def _left(text: bytes, at: int, period: int, least: int) -> int:
    """Where the run begins that has this period at `at`; at `least` or 0 if it begins before."""
    least = max(least, 0)
    while at - _STEP >= least and text[at - _STEP : at] == text[at - _STEP + period : at + period]:
        at -= _STEP
    while at > least and text[at - 1] == text[at - 1 + period]:
        at -= 1
    return at


def _right(text: bytes, at: int, period: int, most: int) -> int:
    """Where the run ends; at `most` if it ends behind."""
    most = min(most, len(text))
    if at >= most:
        return most
    while at + _STEP <= most and text[at : at + _STEP] == text[at - period : at + _STEP - period]:
        at += _STEP
    while at < most and text[at] == text[at - period]:
        at += 1
    return at


def _behind(text: bytes, at: int) -> int:
    while at < len(text) and text[at] & 0xC0 == 0x80:
        at += 1
    return at


def _before(text: bytes, at: int) -> int:
    while 0 < at < len(text) and text[at] & 0xC0 == 0x80:
        at -= 1
    return at
