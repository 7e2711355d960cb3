"""identify: the credential of a request becomes a Principal.

One credential a request. It may stand in `Authorization: Bearer`, `x-api-key` (Anthropic) or `api-key` (Azure), on
every endpoint; two that differ are refused, because nobody could say which one the upstream or the audit log meant.
No credential is the anonymous role where the policy declares one, and 401 otherwise. A key store that cannot be read
is a refusal (503), never a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UNAUTHENTICATED, UNAVAILABLE, Refusal
from engine.identity.principal import Principal
from engine.identity.store import IdentityUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.identity.store import KeyCache
    from engine.pipeline.context import RequestContext

# RFC 6750, section 3: the scheme is named on every 401; the error code only where a credential was given.
_CHALLENGE = (("www-authenticate", "Bearer"),)
_CHALLENGE_INVALID = (("www-authenticate", 'Bearer error="invalid_token"'),)


def credential(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The one credential of a request, or None. Raises Refusal (401) for a second, different one or another scheme."""
    found: bytes | None = None
    authorization = headers.get(b"authorization")
    if authorization is not None:
        # The scheme is case-insensitive (RFC 9110, section 11.1).
        found = authorization[7:].strip(b" ") if authorization[:7].lower() == b"bearer " else None
        if not found:
            raise Refusal(
                UNAUTHENTICATED, "The Authorization header must be 'Bearer <key>'.", headers=_CHALLENGE_INVALID
            )
    for name in (b"x-api-key", b"api-key"):
        other = headers.get(name)
        if other is not None:
            if found is not None and other != found:
                raise Refusal(
                    UNAUTHENTICATED, "The request carries two different credentials.", headers=_CHALLENGE_INVALID
                )
            found = other
    return found


def identify(ctx: RequestContext, keys: KeyCache) -> Principal:
    """The principal of a request, also set in the context. Raises Refusal (401, 503)."""
    token = credential(ctx.headers)
    if token is None:
        anonymous = ctx.snapshot.anonymous
        if anonymous is None:
            raise Refusal(
                UNAUTHENTICATED,
                "No API key was given. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
                headers=_CHALLENGE,
            )
        ctx.principal = anonymous
        return anonymous
    if not ctx.snapshot.api_keys:
        raise Refusal(UNAUTHENTICATED, "API keys are not accepted here.", headers=_CHALLENGE_INVALID)
    try:
        principal = keys.lookup(token, ctx.now_ns / 1e9)
    except IdentityUnavailable:
        raise Refusal(UNAVAILABLE, "Credentials cannot be checked at the moment.", control="identify") from None
    if principal is None:
        raise Refusal(UNAUTHENTICATED, "The API key is not valid.", headers=_CHALLENGE_INVALID)
    ctx.principal = principal
    return principal
