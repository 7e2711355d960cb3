"""record: one audit line and the counters of a request; always runs, after early refusals too.

The line says who, from where, what, what each control decided, what was found (rule and count, never the text), what it
cost and how long it took. `status` is what the client got; 499 stands for a client that left before its answer's end.
Fields that do not apply are left out.
"""

from __future__ import annotations

from time import gmtime, strftime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.pipeline.meters import Meters
    from engine.telemetry.audit import AuditWriter


class AuditLine(msgspec.Struct, omit_defaults=True):
    """The audit line of a request. Times: RFC 3339 in UTC, durations in milliseconds, sizes in bytes.

    `controls` holds the controls that ran to their end and what each decided: a control that is not named did not run.
    """

    time: str
    id: str
    status: int
    address: str
    method: str
    path: str
    endpoint: str | None = None
    subject: str | None = None
    key: str | None = None
    team: str | None = None
    role: str | None = None
    credential: str | None = None
    model: str | None = None
    upstream: str | None = None
    stream: bool = False
    reason: str | None = None
    limited_by: str | None = None
    controls: dict[str, str] = {}
    findings: dict[str, int] | None = None
    tokens: dict[str, int] | None = None
    request_bytes: int = 0
    answer_bytes: int = 0
    duration_ms: float = 0.0


_encoder = msgspec.json.Encoder()


class _Clock:
    """Formats times; the part down to the second is written once a second."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, now_ns: int) -> str:
        second, rest = divmod(now_ns, 1_000_000_000)
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._prefix}.{rest // 1_000_000:03d}Z"


_clock = _Clock()


def audit_line(ctx: RequestContext, seconds: float) -> bytes:
    """The line as JSON, without its newline."""
    principal, permit, usage = ctx.principal, ctx.permit, ctx.usage
    controls = {"network": "allowed"}
    line = AuditLine(
        _clock.text(ctx.now_ns),
        ctx.id,
        ctx.status,
        ctx.address_text,
        ctx.method,
        ctx.path,
        stream=ctx.stream,
        reason=ctx.reason,
        limited_by=ctx.limited_by,
        controls=controls,
        findings=ctx.findings,
        request_bytes=ctx.request_bytes,
        answer_bytes=ctx.answer_bytes,
        duration_ms=round(seconds * 1000, 3),
    )
    if ctx.reason == "address_denied":
        controls["network"] = "denied"
    if ctx.endpoint is not None:
        line.endpoint = ctx.endpoint.name
    if principal is not None:
        line.subject = principal.subject
        line.key = principal.key_id
        line.team = principal.team
        line.credential = controls["identify"] = principal.source
    if ctx.limited_by is not None:
        controls["limits"] = "refused"
    elif ctx.reservation is not None:
        controls["limits"] = ctx.limits_mode or "admitted"
    if permit is not None:
        controls["authorize"] = "permitted"
        line.role = permit.role.name
        line.upstream = permit.target.upstream.name
    if ctx.model is not None:
        line.model = ctx.model
    if ctx.validated:
        controls["validate"] = "valid"
    if ctx.redaction is not None:
        controls["redaction"] = ctx.redaction
    if usage is not None:
        line.tokens = {"input": max(usage.input, 0), "output": max(usage.output, 0)}
    return _encoder.encode(line)


def record(ctx: RequestContext, seconds: float, audit: AuditWriter | None, meters: Meters) -> None:
    """Writes the audit line and counts. `seconds`: from the head of the request to the end of its answer."""
    if audit is not None:
        audit.write(audit_line(ctx, seconds))
    meters.request(ctx, seconds)
