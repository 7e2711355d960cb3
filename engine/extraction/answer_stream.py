"""The same for a stream: event by event, before anything else looks at it. And the errors that come in one.

Nothing is held but what of an event has come. Comments, ids, retry fields and line endings of a changed event stay; an
event in which nothing has to change leaves byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine._fast.sse import Event, Splitter, parse
from engine.extraction.answers import AnswerRules
from engine.extraction.upstream_errors import may_have_error

# OpenAI's end of a stream, which is no JSON.
_DONE: Final = b"[DONE]"
_MARK: Final = b"\xef\xbb\xbf"


class AnswerStream:
    """One stream. `max_bytes` bounds one event. `rules`: None where nothing is taken out. `errors`: what becomes of the
    data of an event that may have an error, and whether it is one by its name; None where they are kept."""

    def __init__(
        self,
        rules: AnswerRules | None,
        errors: Callable[[bytes, bool], bytes] | None,
        max_bytes: int,
        endpoint: str,
        request_id: str,
        model: str | None,
    ) -> None:
        self._rules = rules
        self._errors = errors
        # Bytes of an event that is not whole.
        self._held = 0
        self._endpoint = endpoint
        self._request_id = request_id
        self._model = model
        self._splitter = Splitter(max_bytes)

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; what of it goes on. Raises UnreadableAnswer, EventTooLong."""
        if self._rules is None and not self._held and chunk.endswith(b"\n\n") and not may_have_error(chunk):
            # Whole events, none of which has one.
            return chunk
        events = self._splitter.feed(chunk)
        self._held += len(chunk) - sum([len(event.raw) for event in events])
        return b"".join([self._passed(event) for event in events])

    def finish(self) -> bytes:
        """The end of the stream: what is left of it. Raises the same."""
        rest = self._splitter.finish()
        return self._passed(parse(rest)) if rest else b""

    def _passed(self, event: Event) -> bytes:
        data = event.data
        if not data or data == _DONE:
            return event.raw
        kept = data
        if self._errors is not None and may_have_error(event.raw):
            kept = self._errors(data, event.event == b"error")
        if self._rules is not None:
            kept = self._rules.apply(kept, self._endpoint, self._request_id, self._model)
        return event.raw if kept is data else with_data(event.raw, kept)


def with_data(raw: bytes, data: bytes) -> bytes:
    """An event with other data, which is one line: its first line of data has it, all other lines stay."""
    out = []
    for line in raw.splitlines(keepends=True):
        ending = line[len(line.rstrip(b"\r\n")) :]
        mark = _MARK if line.startswith(_MARK) else b""
        field = line[len(mark) : len(line) - len(ending)]
        if field != b"data" and not field.startswith(b"data:"):
            out.append(line)
        elif data:
            out += (mark, b"data: ", data, ending)
            data = b""
    return b"".join(out)
