"""forward: the request as the upstream gets it.

Needs a Permit and a Reservation, so that going round a check is a type error. The head is written anew from fixed parts
and a short list of headers that mean something to the provider; nothing else of the client's head goes up: not its
credential, not its cookies, not a hop-by-hop field. The body is the one that the policy read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext, Reservation
    from engine.policy.snapshot import Permit, UpstreamConfig

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

ANTHROPIC_VERSION = b"2023-06-01"


class Outgoing(NamedTuple):
    """A request that passed. `data` is head and body, ready for the wire."""

    upstream: UpstreamConfig
    data: bytes
    reservation: Reservation


def credentials(upstream: UpstreamConfig) -> tuple[tuple[bytes, bytes], ...]:
    """The header that authenticates this gateway upstream, by dialect; none without a key."""
    if not upstream.api_key:
        return ()
    key = upstream.api_key.encode("latin-1")
    if upstream.dialect == "anthropic":
        return ((b"x-api-key", key),)
    return ((b"authorization", b"Bearer " + key),)


def query(target: bytes) -> bytes:
    """The part of the query that goes upstream, with its question mark, or nothing."""
    _, mark, given = target.partition(b"?")
    if not mark:
        return b""
    kept = [pair for pair in given.split(b"&") if pair.partition(b"=")[0] in QUERY]
    return b"?" + b"&".join(kept) if kept else b""


def request_head(ctx: RequestContext, permit: Permit, method: bytes, target_query: bytes) -> bytes:
    """The head up to, not including, the fields of the body. Lines end in CRLF."""
    upstream, endpoint = permit.target.upstream, ctx.endpoint
    assert endpoint is not None
    lines = [
        b"%b %b%b%b HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n"
        % (method, upstream.path_prefix, endpoint.upstream_path, target_query, upstream.authority)
    ]
    lines += [b"%b: %b\r\n" % pair for pair in credentials(upstream)]
    headers = ctx.headers
    lines += [b"%b: %b\r\n" % (name, headers[name]) for name in FORWARDED if name in headers]
    if endpoint.name == "messages" and b"anthropic-version" not in headers:
        lines.append(b"anthropic-version: %b\r\n" % ANTHROPIC_VERSION)
    return b"".join(lines)


def forward(
    ctx: RequestContext, permit: Permit, reservation: Reservation, body: bytes, target_query: bytes = b""
) -> Outgoing:
    """A JSON request for the upstream that the permit names; without a body for a method that was sent none."""
    head = request_head(ctx, permit, ctx.method.encode(), target_query)
    if not body and ctx.method in ("GET", "DELETE"):
        return Outgoing(permit.target.upstream, head + b"\r\n", reservation)
    data = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (head, len(body), body)
    return Outgoing(permit.target.upstream, data, reservation)
