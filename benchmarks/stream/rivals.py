"""The ways to redact a stream that are compared: as the gateway does it, the whole at its end, each piece by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.stats import Spread
from engine.redaction.incremental import Incremental
from engine.redaction.profile import Profile


@dataclass(frozen=True)
class HoldBack:
    """What is held back after each piece, in characters and in pieces: median, 99th of a hundred, most."""

    characters: tuple[int, int, int]
    pieces: tuple[int, int, int]


def _summary(values: Sequence[int]) -> tuple[int, int, int]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1]


def hold_back(profile: Profile, pieces: Sequence[str]) -> HoldBack:
    """How much the gateway holds back. A piece is held until all of it is settled, as the event that carries it is."""
    text = Incremental(profile)
    ends: list[int] = []
    fed = 0
    characters, held = [], []
    gone = 0
    for piece in pieces:
        text.feed(piece.encode())
        text.edits.clear()
        fed += len(piece.encode())
        ends.append(fed)
        while gone < len(ends) and ends[gone] <= text.settled:
            gone += 1
        left = ends[gone - 1] if gone else 0
        characters.append(fed - left)
        held.append(len(ends) - gone)
    return HoldBack(_summary(characters), _summary(held))


def whole(pieces: Sequence[str]) -> HoldBack:
    """How much whoever waits for the end holds back."""
    fed = 0
    characters = []
    for piece in pieces:
        fed += len(piece)
        characters.append(fed)
    return HoldBack(_summary(characters), _summary(range(1, len(pieces) + 1)))


def leaks(profile: Profile, pieces: Iterable[str]) -> tuple[int, int]:
    """Of the values that are hidden in the whole, how many leave whole when each piece is redacted by itself."""
    pieces = list(pieces)
    text = "".join(pieces).encode()
    values = [text[start:end] for start, end, _ in profile.found(text)]
    out = b"".join(profile.redact(piece.encode()).text for piece in pieces)
    return sum(value in out for value in values), len(values)


@dataclass(frozen=True)
class Cost:
    """CPU microseconds an event, by way."""

    text: str
    events: int
    us: dict[str, Spread]
