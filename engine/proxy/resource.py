"""`GET /.well-known/oauth-protected-resource`: which issuers' tokens are accepted here (RFC 9728).

For anybody: a client reads it to learn where to get a token. The resource is the URL that the policy names, or, where
it names none, the one that the client itself used: it is compared by the client with what it asked (section 3.3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from engine.errors import NOT_FOUND, Refusal

if TYPE_CHECKING:
    from aiohttp import web

    from engine.policy.snapshot import Snapshot

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"

_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def metadata(snapshot: Snapshot, request: web.BaseRequest, certificates: bool) -> bytes:
    """The document. `certificates`: tokens that are bound to a client certificate are accepted (RFC 8705).

    Raises Refusal (404) where the policy has no issuer, or the Host could not be one."""
    issuers = [issuer.source.issuer for issuer in snapshot.tokens.issuers]
    resource = snapshot.resource or (f"{request.scheme}://{request.host}" if _HOST.fullmatch(request.host) else None)
    if not issuers or resource is None:
        raise Refusal(NOT_FOUND, "There is no such route here.")
    return orjson.dumps(
        {
            "resource": resource,
            "authorization_servers": issuers,
            "bearer_methods_supported": ["header"],
            "tls_client_certificate_bound_access_tokens": certificates,
            "dpop_bound_access_tokens_required": False,
        }
    )
