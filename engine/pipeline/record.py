"""record: one audit line and the counters of a request; always runs, after early refusals too.

The line says who, from where, what, what each control decided, what was found (rule and count, never the text), what it
cost and how long it took. `status` is what the client got; 499 stands for a client that left before its answer's end.
Fields that do not apply are left out.
"""

from __future__ import annotations

from time import gmtime, strftime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.pipeline.meters import Meters
    from engine.telemetry.audit import AuditWriter


# Texts that come again and again (names of the policy, subjects, addresses), as JSON; at most 4 MB of them.
_KNOWN_TEXTS: Final = 8192

_encode: Final = msgspec.json.Encoder().encode
_quoted_texts: dict[str, str] = {}
_controls_texts: dict[tuple[str | None, ...], str] = {}


def _quoted(text: str) -> str:
    """A text as a JSON string."""
    known = _quoted_texts.get(text)
    if known is None:
        known = _encode(text).decode()
        if len(text) <= 256:
            if len(_quoted_texts) >= _KNOWN_TEXTS:
                _quoted_texts.clear()
            _quoted_texts[text] = known
    return known


class _Clock:
    """Formats times; the part down to the second is written once a second."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def text(self, now_ns: int) -> str:
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second = second
            self._prefix = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        milliseconds = now_ns // 1_000_000 % 1000
        return f"{self._prefix}.{milliseconds:03d}Z"


_clock = _Clock()


def _controls(ctx: RequestContext) -> str:
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
        text = _encode({name: value for name, value in zip(names, decided, strict=True) if value is not None}).decode()
        # Each has a few values, written in the code.
        _controls_texts[decided] = text
    return text


def audit_line(ctx: RequestContext, seconds: float) -> bytes:
    """The line as JSON, without its newline.

    Times: RFC 3339 in UTC, durations in milliseconds, sizes in bytes. It is put together from parts that are JSON
    already, because an encoder would write the same names and subjects anew for every request.
    """
    principal, permit, usage = ctx.principal, ctx.permit, ctx.usage
    microseconds = int(seconds * 1e6)
    milliseconds, rest = microseconds // 1000, microseconds % 1000
    parts = [
        f'{{"time":"{_clock.text(ctx.now_ns)}","id":"{ctx.id}","status":{ctx.status},'
        f'"address":{_quoted(ctx.address_text)},"method":{_quoted(ctx.method)},"path":{_quoted(ctx.path)}'
    ]
    if ctx.endpoint is not None:
        parts.append(f',"endpoint":{_quoted(ctx.endpoint.name)}')
    if principal is not None:
        parts.append(f',"subject":{_quoted(principal.subject)},"credential":"{principal.source}"')
        if principal.key_id:
            parts.append(f',"key":{_quoted(principal.key_id)}')
        if principal.team is not None:
            parts.append(f',"team":{_quoted(principal.team)}')
    if permit is not None:
        parts.append(f',"role":{_quoted(permit.role.name)},"upstream":{_quoted(permit.target.upstream.name)}')
    if ctx.model is not None:
        parts.append(f',"model":{_quoted(ctx.model)}')
    if ctx.stream:
        parts.append(',"stream":true')
    if ctx.reason is not None:
        parts.append(f',"reason":{_quoted(ctx.reason)}')
    if ctx.limited_by is not None:
        parts.append(f',"limited_by":{_quoted(ctx.limited_by)}')
    if ctx.findings:
        parts.append(f',"findings":{_encode(ctx.findings).decode()}')
    if usage is not None:
        given, made = max(usage.input, 0), max(usage.output, 0)
        parts.append(f',"tokens":{{"input":{given},"output":{made}}}')
    parts.append(
        f',"controls":{_controls(ctx)},"request_bytes":{ctx.request_bytes},"answer_bytes":{ctx.answer_bytes},'
        f'"duration_ms":{milliseconds}.{rest:03d}}}'
    )
    return "".join(parts).encode("utf-8", "surrogatepass")


def record(ctx: RequestContext, seconds: float, audit: AuditWriter | None, meters: Meters) -> None:
    """Writes the audit line and counts. `seconds`: from the head of the request to the end of its answer."""
    if audit is not None:
        audit.write(audit_line(ctx, seconds))
    meters.request(ctx, seconds)
