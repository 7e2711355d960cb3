"""sanitize: an upstream's answer becomes one that may leave.

The same code for answers and streams, success and error: every text is searched under the redaction profile of the
permit's role. Where a text cannot be searched (not JSON, not text, too long to hold) or the search fails, nothing
leaves: the client gets a refusal instead. A profile without any rule switched on is the one case in which bytes pass as
they came.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson

from engine.errors import ANSWER_BLOCKED, UNAVAILABLE, UPSTREAM_BROKEN, Refusal
from engine.extraction.answers import drop_logprobs
from engine.pipeline.usage import is_counted
from engine.redaction.answers import UnsearchableAnswer, redact_answer
from engine.redaction.stream import RedactedStream, StreamBlocked, StreamTooLong

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext

log = logging.getLogger(__name__)

EVENT_STREAM = b"text/event-stream"

_SCHEMA = "response_schema"
_UNSEARCHABLE = "The upstream's answer is of a kind that cannot be checked, so it was withheld."


def must_be_whole(ctx: RequestContext) -> bool:
    """Whether the answer is looked at as a whole: no part of it may leave before, or its report of usage is needed."""
    permit, endpoint = ctx.permit, ctx.endpoint
    assert permit is not None
    assert endpoint is not None
    if ctx.profile is not None or endpoint.response_schema is not None or is_counted(ctx):
        return True
    return permit.role.parameters is not None and bool(permit.role.parameters.strips)


def check_answer(ctx: RequestContext, body: bytes) -> None:
    """Holds a good answer against the route's schema. Raises Refusal (502) where the policy blocks what does not fit;
    where it flags it, the audit line has it as the finding `response_schema`."""
    endpoint = ctx.endpoint
    assert endpoint is not None
    schema, route = endpoint.response_schema, endpoint.route
    if schema is None or schema.accepts(body):
        return
    ctx.findings = {**(ctx.findings or {}), _SCHEMA: 1}
    if route is None or route.invalid_response == "block":
        raise Refusal(UPSTREAM_BROKEN, "The upstream's answer does not fit the route's schema.", control=_SCHEMA)


def sanitize(ctx: RequestContext, media: bytes, body: bytes) -> bytes:
    """The body that may leave; the very same object where nothing was found. Raises Refusal (403, 502)."""
    permit, endpoint = ctx.permit, ctx.endpoint
    assert permit is not None
    assert endpoint is not None
    parameters = permit.role.parameters
    if parameters is not None and "logprobs" in parameters.strips:
        body = _without_logprobs(body)
    profile = ctx.profile
    if profile is None:
        ctx.redaction = "off"
        return body
    if media.lower().startswith(EVENT_STREAM):
        # An error that came as a stream: its texts stand in pieces.
        return _whole_stream(ctx, body)
    try:
        result = redact_answer(profile, body, media=media, pointers=endpoint.response_text)
    except UnsearchableAnswer:
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, _UNSEARCHABLE, control="redaction") from None
    except Exception:
        raise _failed(ctx) from None
    _note(ctx, result.findings, result.blocked)
    return result.body


def _without_logprobs(body: bytes) -> bytes:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Not JSON, so it has no such field; whether it may leave is the redaction's to say.
        return body
    return orjson.dumps(answer) if drop_logprobs(answer) else body


def open_stream(ctx: RequestContext, max_bytes: int) -> RedactedStream | None:
    """What redacts a stream, holding `max_bytes` of it at most; None where the profile switches nothing on."""
    profile = ctx.profile
    if profile is None:
        ctx.redaction = "off"
        return None
    stream = RedactedStream(profile, max_bytes)
    # The record has what was found also of a stream that breaks off.
    if ctx.findings:
        stream.findings.update(ctx.findings)
    ctx.findings = stream.findings
    ctx.redaction = "clean"
    return stream


def feed_stream(ctx: RequestContext, stream: RedactedStream, chunk: bytes | None) -> bytes:
    """What may leave now; `chunk` None is the end of the stream. Raises Refusal (403, 502)."""
    try:
        out = stream.finish() if chunk is None else stream.feed(chunk)
    except StreamTooLong:
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, "The stream is too long to be checked.", control="redaction") from None
    except UnsearchableAnswer:
        ctx.redaction = "unsearchable"
        raise Refusal(UPSTREAM_BROKEN, _UNSEARCHABLE, control="redaction") from None
    except StreamBlocked as blocked:
        _note(ctx, stream.findings, blocked.rule, blocked.ahead)
    except Exception:
        raise _failed(ctx) from None
    if stream.findings.keys() - {_SCHEMA}:
        ctx.redaction = "found"
    return out


def _whole_stream(ctx: RequestContext, body: bytes) -> bytes:
    stream = open_stream(ctx, 2 * len(body))
    assert stream is not None
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
