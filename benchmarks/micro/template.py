"""template: the text of an event that is like the one before, beside the oracle and reading the event as JSON."""

from __future__ import annotations

import orjson

from benchmarks.load import slow_upstream
from benchmarks.micro.timing import Case, Contender
from engine._fast.sse import parse
from engine._fast.template import TEXT, Template, find_text
from tests.fast.oracles import template as oracle


def _text(event: bytes) -> bytes:
    """What an event of the upstream says, read whole."""
    data = parse(event).data
    assert data is not None
    text: str = orjson.loads(data)["choices"][0]["delta"]["content"]
    return text.encode()


def cases() -> list[Case]:
    """One event of a stream, by the template of another."""
    first, event = slow_upstream.event(3), slow_upstream.event(7)
    place = find_text(first, _text(first))
    assert place is not None
    places = [(*place, TEXT)]

    def by_oracle(raw: bytes) -> bytes | None:
        found = oracle.text(first, places, raw)
        return None if found is None else found[0]

    ways = {"kernel": Template(first, places).text, "oracle": by_oracle, "orjson": _text}
    return [
        Case(
            "template: an event of a stream",
            [Contender(way, "text(event)", {"text": text, "event": event}) for way, text in ways.items()],
            size=len(event),
        )
    ]
