"""The prefilter in plain Python: every literal by itself, digits by a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def clusters(text: bytes, begin: int) -> list[tuple[int, int, int]]:
    """Start, end and number of digits of each run of digits that are no more than GAP other bytes apart."""
    found: list[tuple[int, int, int]] = []
    for place in range(begin, len(text)):
        if not 48 <= text[place] <= 57:
            continue
        if found and place - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], place + 1, found[-1][2] + 1)
        else:
            found.append((place, place + 1, 1))
    return found


@dataclass(frozen=True)
class Need:
    """What one rule needs; see the kernel."""

    literals: Sequence[bytes] = ()
    digits: int = 0
    bound: int = 0
    lead: int = 0
    alphabet: bytes | None = None
    least: int = 0
    mark: int = 0


def regions(needs: Sequence[Need], text: bytes, begin: int) -> list[tuple[int, int, int, int]]:
    """The rules whose needs the text meets from `begin` on, with where their matches may lie."""
    lower = text.lower()
    groups = clusters(text, begin)
    size = len(text)
    found = []
    for rule, need in enumerate(needs):
        places = [
            (at, at + len(each))
            for each in need.literals
            for at in range(begin, size - len(each) + 1)
            if lower[at : at + len(each)] == each
        ]
        if need.digits > max((count for *_, count in groups), default=0) or (need.literals and not places):
            continue
        if not need.literals or not need.bound:
            found.append((rule, begin, size, size))
            continue
        found += [
            (rule, _whole(text, left, right), right, last + 1)
            for left, right, last in _parts(places, need, text, begin)
            if right - left >= need.least
            and (not need.mark or need.mark in text[left:right])
            and (not need.digits or any(n >= need.digits and a < right and b > left for a, b, n in groups))
        ]
    return found


def _parts(places: list[tuple[int, int]], need: Need, text: bytes, begin: int) -> list[tuple[int, int, int]]:
    """The run of the rule's bytes around each literal, within its bounds, joined where it meets; with the last one."""
    parts: list[tuple[int, int, int]] = []
    for start, end in sorted(places):
        left, right = max(begin, end - (need.lead or need.bound)), min(len(text), start + need.bound)
        left, right = min(left, start), max(right, end)
        if need.alphabet is not None:
            left = next((at for at in range(start, left, -1) if text[at - 1] not in need.alphabet), left)
            right = next((at for at in range(end, right) if text[at] not in need.alphabet), right)
        last = start
        while parts and parts[-1][1] >= left:
            before = parts.pop()
            left, right, last = min(left, before[0]), max(right, before[1]), max(last, before[2])
        parts.append((left, right, last))
    return parts


def _whole(text: bytes, left: int, right: int) -> int:
    return next(at for at in range(left, right + 1) if at == right or text[at] & 0xC0 != 0x80)
