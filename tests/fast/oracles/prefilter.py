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


def regions(
    literals: Sequence[Sequence[bytes]], digits: Sequence[int], bounds: Sequence[int], text: bytes, begin: int
) -> list[tuple[int, int, int]]:
    """The rules whose needs the text meets from `begin` on, with what lies within a bound of what they need."""
    lower = text.lower()
    groups = clusters(text, begin)
    found = []
    for rule, (needed, count, bound) in enumerate(zip(literals, digits, bounds, strict=True)):
        if not needed:
            if count <= max((size for *_, size in groups), default=0):
                found.append((rule, begin, len(text)))
            continue
        places = [
            (at, at + len(each))
            for each in needed
            for at in range(begin, len(text) - len(each) + 1)
            if lower[at : at + len(each)] == each
        ]
        near = [
            (start, end)
            for start, end in places
            if not count
            or any(size >= count and (not bound or (a < start + bound and b > end - bound)) for a, b, size in groups)
        ]
        if near and not bound:
            found.append((rule, begin, len(text)))
        elif near:
            found += [(rule, left, right) for left, right in _parts(near, bound, text, begin)]
    return found


def _parts(near: list[tuple[int, int]], bound: int, text: bytes, begin: int) -> list[tuple[int, int]]:
    """What lies within a bound of each literal, joined where it meets."""
    parts: list[tuple[int, int]] = []
    for start, end in sorted(near):
        left, right = max(begin, end - bound), min(len(text), start + bound)
        while parts and parts[-1][1] >= left:
            last = parts.pop()
            left, right = min(left, last[0]), max(right, last[1])
        parts.append((left, right))
    return [
        (next(at for at in range(left, right + 1) if at == right or text[at] & 0xC0 != 0x80), right)
        for left, right in parts
    ]
