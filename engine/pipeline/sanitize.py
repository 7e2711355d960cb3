"""sanitize: an upstream's answer becomes one that may leave.

The same code for answers and streams, success and error: every text is searched under the redaction profile of the
permit's role. Where a text cannot be searched (not JSON, not text, too long to hold) or the search fails, nothing
leaves: the client gets a refusal instead. A profile without any rule switched on is the one case in which bytes pass as
they came.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from engine._fast.sse import EventTooLong
from engine.errors import (
    ANSWER_BLOCKED,
    CONTENT_TYPES,
    UNAVAILABLE,
    UPSTREAM_BROKEN,
    Refusal,
    render,
    upstream_error,
)
from engine.extraction.answer_stream import AnswerStream
from engine.extraction.answers import UnreadableAnswer
from engine.extraction.upstream_errors import REPLACED, replace_event, scrub_error, scrub_event
from engine.pipeline.usage import is_counted
from engine.redaction.answers import UnsearchableAnswer, redact_answer
from engine.redaction.stream import RedactedStream, StreamBlocked, StreamTooLong
from engine.validation.answer_shape import ARGUMENTS, FORMAT, Misfit, Uncheckable
from engine.validation.answer_shape_stream import Misfitting, ShapeStream
from engine.validation.hygiene import INPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.pipeline.context import RequestContext

log = logging.getLogger(__name__)

EVENT_STREAM = b"text/event-stream"

_SCHEMA = "response_schema"
# Findings that are none of the redaction's.
_OF_SHAPES = frozenset((_SCHEMA, ARGUMENTS, FORMAT))
_UNREADABLE = "The upstream's answer is of a kind that cannot be read, so it was withheld."
_UNSEARCHABLE = "The upstream's answer is of a kind that cannot be checked, so it was withheld."


def _is_json(media: bytes) -> bool:
    """Whether a client takes the answer for JSON: what does not say what it is goes out as JSON."""
    kind = media.lower()
    return kind.find(b"json") >= 0 or kind == b"application/octet-stream"


def _is_redaction(finding: str) -> bool:
    return finding not in _OF_SHAPES and not finding.startswith(INPUT)


def must_be_whole(ctx: RequestContext) -> bool:
    """Whether the answer is looked at as a whole: no part of it may leave before, or its report of usage is needed."""
    permit, endpoint = ctx.permit, ctx.endpoint
    assert permit is not None
    assert endpoint is not None
    if ctx.profile is not None or endpoint.response_schema is not None or is_counted(ctx):
        return True
    return (permit.role.answers is not None and endpoint.is_text) or ctx.shape is not None


def check_answer(ctx: RequestContext, body: bytes) -> None:
    """Holds a good answer against the route's schema, those of tools and the format that was asked for. Raises Refusal
    (502) where the policy blocks what does not fit; where it flags it, the audit line has it as the finding
    `response_schema`, `tool_arguments` or `response_format`. `body` is empty for a stream, which is no value of a
    route's schema and is held against the others as it passes."""
    endpoint = ctx.endpoint
    assert endpoint is not None
    if ctx.shape is not None and body:
        try:
            misfits = ctx.shape.misfits(body)
        except Uncheckable:
            raise _uncheckable() from None
        for misfit in misfits:
            _note_misfit(ctx, misfit)
    schema, route = endpoint.response_schema, endpoint.route
    if schema is None or schema.accepts(body):
        return
    ctx.findings = {**(ctx.findings or {}), _SCHEMA: 1}
    if route is None or route.invalid_response == "block":
        raise Refusal(UPSTREAM_BROKEN, "The upstream's answer does not fit the route's schema.", control=_SCHEMA)


def _note_misfit(ctx: RequestContext, misfit: Misfit, ahead: bytes = b"") -> None:
    """Records what does not fit. Raises Refusal (502) where the policy blocks it."""
    if ctx.findings is None:
        ctx.findings = {}
    ctx.findings[misfit.control] = ctx.findings.get(misfit.control, 0) + 1
    if misfit.blocks:
        what = f"The arguments for the tool '{misfit.name[:100]}' do not fit its schema."
        if misfit.control == FORMAT:
            what = "The answer is not in the format that was asked for."
        raise Refusal(UPSTREAM_BROKEN, what, control=misfit.control, ahead=ahead)


def _uncheckable() -> Refusal:
    return Refusal(UPSTREAM_BROKEN, "The answer cannot be held against its schemas, so it was withheld.")


def sanitize(ctx: RequestContext, media: bytes, body: bytes) -> bytes:
    """The body that may leave; the very same object where nothing was found. Raises Refusal (403, 502)."""
    permit, endpoint = ctx.permit, ctx.endpoint
    assert permit is not None
    assert endpoint is not None
    is_stream = media.lower().startswith(EVENT_STREAM)
    rules = permit.role.answers
    if rules is not None and endpoint.is_text and not is_stream:
        try:
            body = rules.apply(body, endpoint.name, ctx.id, ctx.model, is_json=_is_json(media))
        except UnreadableAnswer:
            raise Refusal(UPSTREAM_BROKEN, _UNREADABLE, control="answers") from None
    profile = ctx.profile
    if profile is None:
        ctx.redaction = "off"
    if is_stream:
        # An error that came as a stream: its texts stand in pieces.
        return _whole_stream(ctx, body)
    if profile is None:
        return body
    try:
        result = redact_answer(profile, body, media, endpoint.response_text)
    except UnsearchableAnswer:
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, _UNSEARCHABLE, control="redaction") from None
    except Exception:
        raise _failed(ctx) from None
    _note(ctx, result.findings, result.blocked)
    return result.body


def sanitize_error(ctx: RequestContext, status: int, media: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The same for an upstream's error, without what it gives away: its Content-Type and its body. Raises Refusal."""
    how = ctx.snapshot.upstream_errors
    if how == "keep":
        return media, sanitize(ctx, media, body)
    permit = ctx.permit
    assert permit is not None
    scrubbed = scrub_error(body, permit.target.upstream.host) if how == "scrub" else None
    if scrubbed is not None:
        return media, sanitize(ctx, media, scrubbed)
    ctx.redaction = "off" if ctx.profile is None else "clean"
    refusal = Refusal(upstream_error(status), REPLACED)
    return CONTENT_TYPES[ctx.dialect], render(refusal, ctx.dialect, ctx.id)


def open_stream(ctx: RequestContext, max_bytes: int) -> StreamChain | None:
    """What a stream goes through, of which `max_bytes` are held at most; None where nothing looks at it."""
    permit, endpoint = ctx.permit, ctx.endpoint
    assert permit is not None
    assert endpoint is not None
    rules = permit.role.answers
    errors = _error_events(ctx)
    before = None
    if rules is not None or errors is not None:
        before = AnswerStream(rules, errors, max_bytes, endpoint.name, ctx.id, ctx.model)
    shape = ShapeStream(ctx.shape, max_bytes) if ctx.shape is not None else None
    profile = ctx.profile
    if profile is None:
        ctx.redaction = "off"
        return StreamChain(shape, before, None) if before is not None or shape is not None else None
    stream = RedactedStream(profile, max_bytes)
    # The record has what was found also of a stream that breaks off.
    if ctx.findings:
        stream.findings.update(ctx.findings)
    ctx.findings = stream.findings
    ctx.redaction = "clean"
    return StreamChain(shape, before, stream)


def _error_events(ctx: RequestContext) -> Callable[[bytes, bool], bytes] | None:
    """What becomes of an event with an error in a stream; None where the policy keeps them."""
    how = ctx.snapshot.upstream_errors
    if how == "keep":
        return None
    if how == "replace":
        return replace_event
    permit = ctx.permit
    assert permit is not None
    return partial(scrub_event, host=permit.target.upstream.host)


class StreamChain:
    """What looks at a stream, one after the other, each of which may be missing: its shape, as the upstream sent it;
    what is taken out of events; the redaction of their texts."""

    __slots__ = ("before", "redacted", "shape")

    def __init__(self, shape: ShapeStream | None, before: AnswerStream | None, redacted: RedactedStream | None) -> None:
        self.shape = shape
        self.before = before
        self.redacted = redacted

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; what of it may leave."""
        if self.shape is not None:
            try:
                chunk = self.shape.feed(chunk)
            except Misfitting as misfitting:
                misfitting.ahead = self._feed_rest(misfitting.ahead)
                raise
        return self._feed_rest(chunk)

    def _feed_rest(self, chunk: bytes) -> bytes:
        if self.before is not None:
            chunk = self.before.feed(chunk)
        return chunk if self.redacted is None else self.redacted.feed(chunk)

    def finish(self) -> bytes:
        """The end of the stream: what is left of it."""
        left = self.shape.finish() if self.shape is not None else b""
        out = self._feed_rest(left) if left else b""
        rest = self.before.finish() if self.before is not None else b""
        if self.redacted is None:
            return out + rest
        return b"".join((out, self.redacted.feed(rest) if rest else b"", self.redacted.finish()))


def feed_stream(ctx: RequestContext, stream: StreamChain, chunk: bytes | None) -> bytes:
    """What may leave now; `chunk` None is the end of the stream. Raises Refusal (403, 502)."""
    try:
        out = stream.finish() if chunk is None else stream.feed(chunk)
    except (StreamTooLong, EventTooLong):
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, "The stream is too long to be checked.", control="redaction") from None
    except UnreadableAnswer:
        raise Refusal(UPSTREAM_BROKEN, _UNREADABLE, control="answers") from None
    except Uncheckable:
        raise _uncheckable() from None
    except Misfitting as misfitting:
        _note_misfit(ctx, misfitting.misfit, misfitting.ahead)
    except UnsearchableAnswer:
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, _UNSEARCHABLE, control="redaction") from None
    except StreamBlocked as blocked:
        assert stream.redacted is not None
        _note(ctx, stream.redacted.findings, blocked.rule, blocked.ahead)
    except Exception:
        raise _failed(ctx) from None
    if stream.redacted is not None and any(map(_is_redaction, stream.redacted.findings)):
        ctx.redaction = "found"
    if stream.shape is not None and stream.shape.flagged:
        for misfit in stream.shape.flagged:
            _note_misfit(ctx, misfit)
        stream.shape.flagged.clear()
    return out


def _whole_stream(ctx: RequestContext, body: bytes) -> bytes:
    stream = open_stream(ctx, 2 * len(body))
    if stream is None:
        return body
    return feed_stream(ctx, stream, body) + feed_stream(ctx, stream, None)


def _failed(ctx: RequestContext) -> Refusal:
    """What follows from a rule or kernel that raised: a search that did not end has found nothing out."""
    log.exception("request %s: the redaction failed", ctx.id)
    ctx.redaction = "failed"
    return Refusal(UNAVAILABLE, "The answer could not be checked, so it was withheld.", control="redaction")


def _note(ctx: RequestContext, findings: dict[str, int], blocked: str | None, ahead: bytes = b"") -> None:
    if blocked is not None:
        ctx.findings = {**ctx.findings, **findings} if ctx.findings else findings
        ctx.redaction = "blocked"
        ctx.blocked_by = blocked
        message = f"The answer was withheld by the rule '{blocked}'."
        raise Refusal(ANSWER_BLOCKED, message, control=blocked, ahead=ahead)
    if findings:
        ctx.findings = {**ctx.findings, **findings} if ctx.findings else findings
        ctx.redaction = "found"
    else:
        ctx.redaction = "clean"
