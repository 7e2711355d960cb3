"""Redaction of a stream, held: every event is kept until the stream ends, then redacted whole.

Each channel (see `channels`) is put together over all events and redacted as one text, so that no cut hides a match.
If nothing is found the stream leaves byte for byte. Where a channel changed, its whole text stands in the first of its
pieces and the others are empty; every other string of every event is redacted by itself, the repeats in `*.done` and
`response.completed` among them. Comments, ids and events without data stay as they are.

Failure modes: StreamTooLong past the bound; UnsearchableAnswer for data that is neither JSON nor text.
"""

from __future__ import annotations

from typing import Any

import orjson

from engine._fast.jsonguard import GuardError, check
from engine._fast.sse import Event, EventTooLong, Splitter, parse
from engine.redaction.answers import MAX_DEPTH, AnswerRedaction, UnsearchableAnswer, Walker, drop_logprobs
from engine.redaction.channels import Piece, pieces
from engine.redaction.profile import Profile

# OpenAI's end of a stream, which is no JSON.
_DONE = b"[DONE]"


class StreamTooLong(Exception):
    """A stream, or one of its events, that is longer than may be held."""


class HeldStream:
    """One stream under one profile. `max_bytes` bounds what is held."""

    def __init__(self, profile: Profile, endpoint: str, max_bytes: int) -> None:
        self._profile = profile
        self._endpoint = endpoint
        self._max = max_bytes
        self._size = 0
        self._splitter = Splitter(max_bytes)
        self._events: list[Event] = []

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; what may leave now, which is nothing before the end. Raises StreamTooLong."""
        self._size += len(chunk)
        if self._size > self._max:
            raise StreamTooLong(f"{self._size} bytes; at most {self._max} are held")
        try:
            self._events += self._splitter.feed(chunk)
        except EventTooLong as error:
            raise StreamTooLong(str(error)) from None
        return b""

    def finish(self) -> AnswerRedaction:
        """The stream that may leave. Raises UnsearchableAnswer."""
        rest = self._splitter.finish()
        events = [*self._events, parse(rest)] if rest else self._events
        parsed = [_parse(event) for event in events]
        walker = Walker(self._profile)
        changed = self._redact_channels(parsed, walker)
        out = [
            self._written(event, value, index in changed, walker)
            for index, (event, value) in enumerate(zip(events, parsed, strict=True))
        ]
        if walker.blocked is not None:
            return AnswerRedaction(b"", walker.findings, walker.blocked)
        return AnswerRedaction(b"".join(out), walker.findings, None)

    def _redact_channels(self, parsed: list[Any], walker: Walker) -> set[int]:
        """Redacts each channel as one text and puts it back. The indices of the events that it changed."""
        channels: dict[tuple[object, ...], list[tuple[int, Piece]]] = {}
        for index, value in enumerate(parsed):
            if isinstance(value, dict):
                for piece in pieces(value):
                    channels.setdefault(piece.channel, []).append((index, piece))
        changed: set[int] = set()
        for places in channels.values():
            texts_of = [piece.holder[piece.key] for _, piece in places]
            whole = "".join(texts_of)
            redacted = walker.json_text(whole) if places[0][1].is_json else walker.text(whole)
            if redacted != whole:
                texts_of = [redacted] + [""] * (len(places) - 1)
                changed.update(index for index, _ in places)
            for (_, piece), text in zip(places, texts_of, strict=True):
                piece.holder[piece.key] = _Settled(text)
        return changed

    def _written(self, event: Event, value: Any, changed: bool, walker: Walker) -> bytes:
        """The bytes of an event: its own where nothing in it changed."""
        if event.data is None or event.data == _DONE:
            # Comments and other fields: a model does not write them, but an upstream may have put text there.
            _note(walker, event.raw)
            return event.raw
        before = sum(walker.findings.values())
        tree = walker.tree(value, None)
        if not changed and sum(walker.findings.values()) == before:
            return event.raw
        drop_logprobs(tree)
        name = b"event: %b\n" % event.event if event.event is not None else b""
        return b"%bdata: %b\n\n" % (name, orjson.dumps(tree, default=_text_of))


class _Settled:
    """A channel's text in an event: already redacted as part of its channel, so no walk touches it again."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _text_of(value: Any) -> str:
    assert isinstance(value, _Settled)
    return value.text


def _note(walker: Walker, raw: bytes) -> None:
    """Searches bytes that cannot be rewritten; what is found there withholds the stream."""
    if not walker.profile.clean(raw) and (found := walker.profile.redact(raw)).findings:
        raise UnsearchableAnswer(f"{', '.join(found.findings)} outside the data of an event")


def _parse(event: Event) -> Any:
    """The JSON of an event's data; None where it has none. Raises UnsearchableAnswer."""
    if event.data is None or event.data == _DONE:
        return None
    try:
        # The strict reader goes first, so that no duplicate key hides a text from the search.
        check(event.data, MAX_DEPTH)
    except GuardError:
        raise UnsearchableAnswer("an event whose data is not JSON") from None
    return orjson.loads(event.data)
