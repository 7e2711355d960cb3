"""validate: the body becomes a typed request, and the model and parameters are held against the roles.

The bytes are read once, strictly (no duplicate keys, no odd numbers, bounded depth), so that the upstream cannot read
them another way. A generic route has no model and no known shape: its body is read by the same strict reader only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UNSUPPORTED_MEDIA, Refusal
from engine.validation.decode import decode, guard

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.policy.snapshot import Permit


def validate(ctx: RequestContext, body: bytes) -> tuple[Permit, bytes]:
    """The permit for this request and the body that may go upstream. Raises Refusal (400, 403, 404, 415)."""
    snapshot, endpoint, principal = ctx.snapshot, ctx.endpoint, ctx.principal
    assert endpoint is not None
    assert principal is not None
    ctx.request_bytes = len(body)
    check_media(ctx)
    if endpoint.route is None:
        request = decode(endpoint.name, body, snapshot.bounds)
        ctx.request = request
        ctx.model = request.model
        ctx.stream = request.stream
        permit = snapshot.permit(principal, endpoint.name, request.model)
        rules = permit.role.parameters
        if rules is not None:
            rules.check(body)
            if rules.strips:
                body = rules.strip(body)
    else:
        if body or ctx.method not in ("GET", "DELETE"):
            guard(body, snapshot.bounds)
        permit = snapshot.permit(principal, endpoint.name, None)
    ctx.permit = permit
    ctx.validated = True
    return permit, body


def check_media(ctx: RequestContext) -> None:
    """Refuses (415) a body that is not plain JSON; an absent Content-Type is taken for JSON."""
    content_type = ctx.headers.get(b"content-type")
    if content_type is not None and content_type != b"application/json":
        media, _, parameters = content_type.partition(b";")
        if media.strip().lower() != b"application/json":
            raise Refusal(UNSUPPORTED_MEDIA, "The Content-Type must be application/json.")
        charset = parameters.replace(b" ", b"").replace(b'"', b"").lower()
        if charset not in (b"", b"charset=utf-8"):
            raise Refusal(UNSUPPORTED_MEDIA, "The only charset of JSON is UTF-8 (RFC 8259).")
    encoding = ctx.headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise Refusal(UNSUPPORTED_MEDIA, "A compressed body is not accepted: send it without Content-Encoding.")
