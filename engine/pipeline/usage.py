"""What an answer used, read from it as it passes.

The upstream's own report is the source: `usage` of an answer, or of the events of a stream. OpenAI's streams report
only when they are asked to, so where a limit needs it they are asked, and the report is taken out again for a client
that did not ask. Where no report comes, the text of the answer is counted (`engine.extraction.tokens`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from engine._fast.jsonmembers import Names, integers, last_member, member
from engine._fast.sse import EventTooLong, Splitter
from engine.errors import RATE_LIMITED, UPSTREAM_BROKEN, Refusal
from engine.extraction.tokens import answer_tokens
from engine.pipeline.context import Usage

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext


# All dialects' names of what an answer used: OpenAI chat and completions, then Responses and Anthropic.
_TOKENS = Names(
    dict.fromkeys(
        (
            b"prompt_tokens",
            b"completion_tokens",
            b"input_tokens",
            b"output_tokens",
            b"cache_creation_input_tokens",
            b"cache_read_input_tokens",
        )
    )
)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_options = msgspec.json.Decoder(dict[str, object])

# Where an answer or event holds its usage when not at the top: Anthropic's message_start, Responses' last event.
_HOLDERS = (b"message", b"response")

# A guess about one event's size: a longer one is not searched for usage, the rest of the stream is.
_MAX_EVENT = 1 << 20
# The same for a stream of which an event has to be taken out, which therefore cannot be passed on unread.
_MAX_STRIPPED_EVENT = 1 << 24
# Events whose text would be counted wait for a report that makes it needless, up to here.
_MAX_UNCOUNTED = 1 << 18

# How often the output so far is written down, in events of a stream.
_NOTED_EVENTS = 32

_ASK = b'"stream_options":{"include_usage":true},'
# The endpoints of OpenAI's whose streams report when asked.
_ASKABLE = ("chat", "completions")


def is_counted(ctx: RequestContext) -> bool:
    """Whether a limit has to know what the answer used."""
    reservation = ctx.reservation
    return reservation is not None and reservation.held is not None and bool(reservation.held.counts_tokens)


def ask_for_usage(ctx: RequestContext, body: bytes) -> bytes:
    """The body of a streamed request whose use has to be known, asking for a report where its dialect needs that."""
    reservation, endpoint = ctx.reservation, ctx.endpoint
    if reservation is None or endpoint is None or endpoint.name not in _ASKABLE or not is_counted(ctx):
        return body
    given = member(body, b"stream_options")
    if given is None:
        reservation.asked_usage = True
        start = body.index(b"{") + 1
        return b"".join((body[:start], _ASK, body[start:]))
    options = _options.decode(given) if given != b"null" else {}
    if options.get("include_usage") is True:
        return body
    reservation.asked_usage = True
    options["include_usage"] = True
    fields = _fields.decode(body)
    fields["stream_options"] = msgspec.Raw(msgspec.json.encode(options))
    return msgspec.json.encode(fields)


def read_usage(ctx: RequestContext, body: bytes) -> None:
    """Takes the usage of a whole answer into the context; counts its text where a limit needs it and none is said."""
    _take_report(ctx, body)
    reservation = ctx.reservation
    if reservation is None or reservation.held is None:
        return
    reservation.answered = True
    if reservation.held.counts_tokens and (ctx.usage is None or ctx.usage.output < 0) and _writes(ctx):
        reservation.counted = answer_tokens(body)


def _writes(ctx: RequestContext) -> bool:
    """Whether the answer is text that a model wrote; embeddings and judgements are not."""
    return ctx.endpoint is None or ctx.endpoint.name not in NO_OUTPUT


# Endpoints whose answers have no tokens of output.
NO_OUTPUT = ("embeddings", "moderations", "count_tokens")
# Of these, those whose input no model reads.
NO_INPUT = ("count_tokens",)


def _take_report(ctx: RequestContext, data: bytes) -> None:
    found = last_member(data, b"usage")
    # `find`, not `in`: bytes first ask whether what is looked for is a number, by an error that is raised and caught.
    if found is None and data.find(b'"usage"') >= 0:
        for name in _HOLDERS:
            holder = member(data, name)
            if found is None and holder is not None:
                found = member(holder, b"usage")
    if found is None:
        return
    prompt, completion, given, written, created, cached = integers(found, _TOKENS)
    if prompt < 0 and given >= 0:
        # Anthropic reports cached input beside input_tokens, OpenAI within it.
        prompt = given + max(created, 0) + max(cached, 0)
    output = max(completion, written)
    if prompt < 0 and output < 0:
        # `null`, as events before the last one say: that is no report, and none of zero tokens.
        return
    if ctx.usage is None:
        ctx.usage = Usage()
    ctx.usage.merge(prompt, output)


class UsageTap:
    """Reads usage reports out of a stream as it passes, however it is cut; counts its text where a limit needs it."""

    __slots__ = ("_counts", "_covered", "_ctx", "_ends", "_splitter", "_strips", "_uncounted", "_waiting")

    def __init__(self, ctx: RequestContext) -> None:
        self._ctx = ctx
        reservation = ctx.reservation
        held = reservation.held if reservation is not None else None
        self._counts = held is not None and held.counts_tokens
        self._strips = reservation is not None and reservation.asked_usage
        self._ends = held is not None and held.ends_streams
        self._covered = held.output if held is not None else 0
        self._splitter: Splitter | None = Splitter(_MAX_STRIPPED_EVENT if self._strips else _MAX_EVENT)
        self._uncounted: list[bytes] = []
        self._waiting = 0
        if reservation is not None:
            reservation.answered = True
            reservation.tap = self

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; what of it goes on. Raises Refusal (429, 502)."""
        if self._splitter is None:
            return chunk
        try:
            events = self._splitter.feed(chunk)
        except EventTooLong:
            self._splitter = None
            if self._strips:
                raise Refusal(UPSTREAM_BROKEN, "An event of the stream is too long to be read.") from None
            return chunk
        kept: list[bytes] = []
        for event in events:
            data = event.data
            if data is not None:
                if data.find(b'"usage"') >= 0:
                    _take_report(self._ctx, data)
                    if self._strips and _is_report(data):
                        continue
                if self._counts:
                    self._note(data)
            if self._strips:
                kept.append(event.raw)
        if self._ends:
            self._check_room()
        return b"".join(kept) if self._strips else chunk

    def finish(self) -> bytes:
        """The end of the stream: what was kept back of it."""
        return self._splitter.finish() if self._strips and self._splitter is not None else b""

    def count(self) -> int:
        """Tokens of the text that passed so far, by estimate."""
        reservation = self._ctx.reservation
        assert reservation is not None
        for data in self._uncounted:
            reservation.counted += answer_tokens(data)
        self._uncounted.clear()
        self._waiting = 0
        return reservation.counted

    def _note(self, data: bytes) -> None:
        self._uncounted.append(data)
        self._waiting += len(data)
        if not len(self._uncounted) % _NOTED_EVENTS:
            reservation = self._ctx.reservation
            assert reservation is not None
            assert reservation.held is not None
            # For the case that this process is killed: at least a token an event, without counting them.
            reservation.held.note(reservation.held.input, reservation.counted + len(self._uncounted))
        if self._waiting > _MAX_UNCOUNTED:
            self.count()

    def _check_room(self) -> None:
        """Raises Refusal (429) where the stream has used up what its limits have left."""
        output = self.count()
        reservation = self._ctx.reservation
        assert reservation is not None
        assert reservation.held is not None
        reservation.held.note(reservation.held.input, output)
        if output <= self._covered:
            return
        if not reservation.held.covers(time.time_ns(), reservation.held.input, output):
            raise Refusal(RATE_LIMITED, "The stream was ended: its limit of tokens or spend is used up.")
        self._covered = output


def _is_report(data: bytes) -> bool:
    """Whether an event is OpenAI's last one, which has the usage and no text."""
    choices, usage = member(data, b"choices"), member(data, b"usage")
    return choices is not None and choices.strip(b"[] \t\r\n") == b"" and usage is not None and usage != b"null"
