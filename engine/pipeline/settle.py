"""settle: what an answer used is read from it and charged, exactly once, on every way out.

The upstream's own report of tokens is the source: `usage` of an answer, or of the events of a stream. A reservation of
which nothing reached the upstream is given back; any other is kept, because the upstream may have done the work.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from engine._fast.jsonmembers import member
from engine._fast.sse import EventTooLong, Splitter
from engine.pipeline.context import Usage

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext


class _Tokens(msgspec.Struct):
    """All dialects' names: OpenAI chat and completions, then Responses and Anthropic."""

    prompt_tokens: int = -1
    completion_tokens: int = -1
    input_tokens: int = -1
    output_tokens: int = -1
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0


_decoder = msgspec.json.Decoder(_Tokens)

# Where an answer or event holds its usage when not at the top: Anthropic's message_start, Responses' last event.
_HOLDERS = (b"message", b"response")

# A guess about one event's size: a longer one is not searched for usage, the rest of the stream is.
_MAX_EVENT = 1 << 20


def read_usage(ctx: RequestContext, data: bytes) -> None:
    """Takes the usage report out of a JSON answer or event into the context; one of another shape reports nothing."""
    # `find`, not `in`: bytes ask first whether a text is a number, and raise and catch an error to learn that it is not.
    if data.find(b'"usage"') < 0:
        return
    found = member(data, b"usage")
    for name in _HOLDERS:
        if found is None:
            holder = member(data, name)
            found = member(holder, b"usage") if holder is not None else None
    if found is None:
        return
    try:
        tokens = _decoder.decode(found)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    if ctx.usage is None:
        ctx.usage = Usage()
    given = tokens.prompt_tokens
    if given < 0 and tokens.input_tokens >= 0:
        # Anthropic reports cached input beside input_tokens, OpenAI within it.
        given = tokens.input_tokens + (tokens.cache_creation_input_tokens or 0) + (tokens.cache_read_input_tokens or 0)
    ctx.usage.merge(given, max(tokens.completion_tokens, tokens.output_tokens))


class UsageTap:
    """Reads usage reports out of a stream as it passes, however it is cut."""

    __slots__ = ("_ctx", "_splitter")

    def __init__(self, ctx: RequestContext) -> None:
        self._ctx = ctx
        self._splitter: Splitter | None = Splitter(_MAX_EVENT)

    def feed(self, chunk: bytes) -> None:
        if self._splitter is None:
            return
        try:
            for event in self._splitter.feed(chunk):
                if event.data is not None:
                    read_usage(self._ctx, event.data)
        except EventTooLong:
            self._splitter = None


def settle(ctx: RequestContext, sent: bool) -> None:
    """Closes the reservation. `sent`: whether any byte of the request may have reached the upstream."""
    reservation = ctx.reservation
    if reservation is None:
        return
    if sent:
        reservation.keep()
    else:
        reservation.give_back(time.time_ns())
