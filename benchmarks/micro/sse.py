"""sse: cutting a stream into events, beside the oracle and a split at blank lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.load import slow_upstream
from benchmarks.micro.timing import Case, Contender
from engine._fast.sse import Splitter
from tests.fast.oracles.sse import split

_EVENTS = 64
_MAX_EVENT = 1 << 20


class BlankLines:
    """What a stream with LF alone, one data line an event and no comment needs."""

    def __init__(self, _: int) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that are complete."""
        *events, self._rest = (self._rest + chunk).split(b"\n\n")
        return [event.removeprefix(b"data: ") for event in events]


def _blank_lines(chunks: Sequence[bytes]) -> list[Any]:
    feed = BlankLines(_MAX_EVENT).feed
    return [data for chunk in chunks for data in feed(chunk)]


def _kernel(chunks: Sequence[bytes]) -> list[Any]:
    """The data of the events: they are read when they are asked for."""
    feed = Splitter(_MAX_EVENT).feed
    return [event.data for chunk in chunks for event in feed(chunk)]


def _oracle(chunks: Sequence[bytes]) -> list[Any]:
    """The oracle takes the whole stream."""
    return [data for _, data, _ in split(b"".join(chunks))[0]]


def _case(name: str, chunks: Sequence[bytes]) -> Case:
    return Case(
        name,
        [
            Contender("kernel", "read(chunks)", {"read": _kernel, "chunks": chunks}),
            Contender("oracle, whole stream", "read(chunks)", {"read": _oracle, "chunks": chunks}),
            Contender("split at blank lines", "read(chunks)", {"read": _blank_lines, "chunks": chunks}),
        ],
        size=sum(map(len, chunks)),
    )


def cases() -> list[Case]:
    """A stream that comes event by event, and the same in two pieces which cut an event."""
    whole = slow_upstream.whole(_EVENTS)
    events = [*map(slow_upstream.event, range(_EVENTS)), slow_upstream.DONE]
    middle = len(whole) // 2
    return [
        _case(f"sse: {_EVENTS} events, one a read", events),
        _case(f"sse: {_EVENTS} events in two reads", [whole[:middle], whole[middle:]]),
    ]
