"""record: one audit line and the counters of a request; always runs, after early refusals too.

The line says who, from where, what, what each control decided, what was found (rule and count, never the text), what it
cost and how long it took. `status` is what the client got; 499 stands for a client that left before its answer's end.
Fields that do not apply are left out.
"""

from __future__ import annotations

from time import gmtime, strftime
from typing import TYPE_CHECKING, Final

import msgspec

from engine._fast.jsonline import Line

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.pipeline.meters import Meters
    from engine.telemetry.audit import AuditWriter


_encode: Final = msgspec.json.Encoder().encode
_controls_texts: dict[tuple[str | None, ...], bytes] = {}
# One for the process: a line is written at once, and only by the event loop's thread.
_line = Line()


def _text(member: bytes, text: str) -> None:
    """Writes a member, given with its quotes, colon and what stands before it, and a text as its value."""
    _line.raw(member)
    if not _line.text(text):
        _line.raw(_encode(text.encode("utf-8", "replace").decode()))


class _Clock:
    """Formats times; the part down to the second is written once a second."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""

    def write(self, now_ns: int) -> None:
        """Writes the time as a JSON string, RFC 3339 in UTC, to the millisecond."""
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second = second
            self._prefix = strftime('"%Y-%m-%dT%H:%M:%S.', gmtime(second)).encode()
        _line.raw(self._prefix)
        _line.number(now_ns // 1_000_000 % 1000, 3)
        _line.raw(b'Z"')


_clock = _Clock()


def _controls(ctx: RequestContext) -> bytes:
    """The controls that ran to their end and what each decided, as JSON: one that is not named did not run."""
    network = "denied" if ctx.reason == "address_denied" else "allowed"
    identify = ctx.principal.source if ctx.principal is not None else None
    authorize = "permitted" if ctx.permit is not None else None
    validate = "valid" if ctx.validated else None
    limits = None
    if ctx.limited_by is not None:
        limits = "refused"
    elif ctx.reservation is not None:
        limits = ctx.limits_mode or "admitted"
    decided = (network, identify, limits, authorize, validate, ctx.redaction)
    text = _controls_texts.get(decided)
    if text is None:
        names = ("network", "identify", "limits", "authorize", "validate", "redaction")
        text = _encode({name: value for name, value in zip(names, decided, strict=True) if value is not None})
        # Each has a few values, written in the code.
        _controls_texts[decided] = text
    return text


def audit_line(ctx: RequestContext, seconds: float) -> bytes:
    """The line as JSON, without its newline.

    Times: RFC 3339 in UTC, durations in milliseconds, sizes in bytes. It is put together from parts that are JSON
    already, because an encoder would write the same names anew for every request.
    """
    principal, permit, usage, endpoint = ctx.principal, ctx.permit, ctx.usage, ctx.endpoint
    _line.begin()
    _line.raw(b'{"time":')
    _clock.write(ctx.now_ns)
    _text(b',"id":', ctx.id)
    _line.raw(b',"status":')
    _line.number(ctx.status)
    _text(b',"address":', ctx.address_text)
    _text(b',"method":', ctx.method)
    _text(b',"path":', ctx.path)
    if endpoint is not None:
        _text(b',"endpoint":', endpoint.name)
    if principal is not None:
        _text(b',"subject":', principal.subject)
        _text(b',"credential":', principal.source)
        if principal.key_id:
            _text(b',"key":', principal.key_id)
        if principal.team is not None:
            _text(b',"team":', principal.team)
    if permit is not None:
        _text(b',"role":', permit.role.name)
        _text(b',"upstream":', permit.target.upstream.name)
    if ctx.model is not None:
        _text(b',"model":', ctx.model)
    if ctx.stream:
        _line.raw(b',"stream":true')
    if ctx.reason is not None:
        _text(b',"reason":', ctx.reason)
    if ctx.limited_by is not None:
        _text(b',"limited_by":', ctx.limited_by)
    if ctx.findings:
        _line.raw(b',"findings":')
        _line.raw(_encode(ctx.findings))
    if usage is not None:
        _line.raw(b',"tokens":{"input":')
        _line.number(max(0, usage.input))
        _line.raw(b',"output":')
        _line.number(max(0, usage.output))
        _line.raw(b"}")
    _line.raw(b',"controls":')
    _line.raw(_controls(ctx))
    _line.raw(b',"request_bytes":')
    _line.number(ctx.request_bytes)
    _line.raw(b',"answer_bytes":')
    _line.number(ctx.answer_bytes)
    microseconds = int(seconds * 1e6)
    _line.raw(b',"duration_ms":')
    _line.number(microseconds // 1000)
    _line.raw(b".")
    _line.number(microseconds % 1000, 3)
    _line.raw(b"}")
    return _line.take()


def record(ctx: RequestContext, seconds: float, audit: AuditWriter | None, meters: Meters) -> None:
    """Writes the audit line and counts. `seconds`: from the head of the request to the end of its answer."""
    if audit is not None:
        audit.write(audit_line(ctx, seconds))
    meters.request(ctx, seconds)
