"""forward: the request as the upstream gets it.

Needs a Permit and a Reservation, so that going round a check is a type error. The head is written anew from fixed parts
and a short list of headers that mean something to the provider; nothing else of the client's head goes up: not its
credential, not its cookies, not a hop-by-hop field. The body is the one that the policy read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine._fast.message import message

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext, Reservation
    from engine.policy.snapshot import Permit
    from engine.policy.upstreams import UpstreamConfig
    from engine.validation.form import Form

# What a client may tell the provider. Each name is a documented field of a dialect, or trace context (W3C).
FORWARDED = (
    b"anthropic-version",
    b"anthropic-beta",
    b"openai-beta",
    b"idempotency-key",
    b"user-agent",
    b"traceparent",
    b"tracestate",
)

# Query parameters that the providers define on these endpoints; others are dropped, as they could carry credentials.
QUERY = (b"beta", b"api-version")

# What a client that does not say it is taken to mean: the version that the official SDKs send.
ANTHROPIC_VERSION = b"anthropic-version: 2023-06-01\r\n"


_JSON = b"content-type: application/json\r\n"


class Outgoing:
    """A request that passed. `data` is head and body, ready for the wire."""

    __slots__ = ("data", "reservation", "upstream")

    def __init__(self, upstream: UpstreamConfig, data: bytes, reservation: Reservation) -> None:
        self.upstream = upstream
        self.data = data
        self.reservation = reservation


def query(target: bytes) -> bytes:
    """The part of the query that goes upstream, with its question mark, or nothing."""
    _, mark, given = target.partition(b"?")
    if not mark:
        return b""
    kept = [pair for pair in given.split(b"&") if pair.partition(b"=")[0] in QUERY]
    return b"?" + b"&".join(kept) if kept else b""


def request_head(ctx: RequestContext, permit: Permit, method: bytes, target_query: bytes) -> tuple[bytes, ...]:
    """The head up to, not including, the fields of the body, in parts. Lines end in CRLF."""
    upstream, endpoint = permit.target.upstream, ctx.endpoint
    assert endpoint is not None
    headers = ctx.headers
    parts = [
        method,
        b" ",
        upstream.path_prefix,
        endpoint.upstream_path,
        target_query,
        b" HTTP/1.1\r\n",
        upstream.fixed_fields,
    ]
    for name in FORWARDED:
        value = headers.get(name)
        if value is not None:
            parts += (name, b": ", value, b"\r\n")
    if endpoint.name == "messages" and b"anthropic-version" not in headers:
        parts.append(ANTHROPIC_VERSION)
    return tuple(parts)


def forward(
    ctx: RequestContext, permit: Permit, reservation: Reservation, body: bytes, target_query: bytes = b""
) -> Outgoing:
    """A JSON request for the upstream that the permit names; without a body for a method that was sent none."""
    method = b"POST" if ctx.method == "POST" else ctx.method.encode()
    head = request_head(ctx, permit, method, target_query)
    if not body and ctx.method in ("GET", "DELETE"):
        return Outgoing(permit.target.upstream, b"".join((*head, b"\r\n")), reservation)
    return Outgoing(permit.target.upstream, message((*head, _JSON), body, False), reservation)


def forward_form(ctx: RequestContext, permit: Permit, reservation: Reservation, form: Form) -> Outgoing:
    """A form for the upstream that the permit names."""
    media, body = form.encode()
    head = request_head(ctx, permit, ctx.method.encode(), b"")
    data = message((*head, b"content-type: ", media, b"\r\n"), body, False)
    return Outgoing(permit.target.upstream, data, reservation)
