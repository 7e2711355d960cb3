"""identify: the credential of a request becomes a Principal.

One credential a request. It may stand in `Authorization: Bearer`, `x-api-key` (Anthropic) or `api-key` (Azure), on
every endpoint; two that differ are refused, because nobody could say which one the upstream or the audit log meant.
No credential is whoever the client certificate names, where TLS has verified one and the policy knows it; else the
anonymous role where the policy declares one, and 401 otherwise. A token that is bound to a certificate (RFC 8705) is
its holder's only on a connection that has shown that certificate. What can not be checked now (a key
store that cannot be read, an issuer that is down) is a refusal (503), never a pass.

What begins with `tg_` is an API key; what has the three parts of a JWT is one, where the policy has issuers; anything
else is an API key of another form, or a token that an introspection endpoint knows. Where the answer needs the network,
`identify` gives what is to be awaited for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UNAUTHENTICATED, UNAVAILABLE, Refusal
from engine.identity.errors import IdentityUnavailable, InvalidToken
from engine.identity.jws import looks_like_jwt
from engine.identity.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from engine.identity.certificate import Certificate
    from engine.identity.store import KeyCache
    from engine.identity.tokens import TokenAuthority
    from engine.pipeline.context import RequestContext

_INVALID_KEY = "The API key is not valid."


class BadCredential(Refusal):
    """401 for a credential that was given and is not valid; it counts against the address that it came from."""

    def __init__(self, ctx: RequestContext, message: str) -> None:
        headers = _challenge(ctx, f'error="invalid_token", error_description="{message}"')
        super().__init__(UNAUTHENTICATED, message, headers=headers, control="identify")


def _challenge(ctx: RequestContext, error: str = "") -> tuple[tuple[str, str], ...]:
    """RFC 6750, section 3: the scheme is named on every 401; the error only where a credential was given."""
    metadata = ctx.snapshot.resource_metadata
    parameters = ", ".join(filter(None, (error, f'resource_metadata="{metadata}"' if metadata else "")))
    return (("www-authenticate", f"Bearer {parameters}".rstrip()),)


def credential(ctx: RequestContext) -> bytes | None:
    """The one credential of a request, or None. Raises Refusal (401) for a second, different one or another scheme."""
    headers = ctx.headers
    found: bytes | None = None
    authorization = headers.get(b"authorization")
    if authorization is not None:
        # The scheme is case-insensitive (RFC 9110, section 11.1).
        if authorization.startswith(b"Bearer ") or authorization[:7].lower() == b"bearer ":
            found = authorization[7:].strip(b" ")
        if not found:
            raise BadCredential(ctx, "The Authorization header must be 'Bearer <key>'.")
    for name in (b"x-api-key", b"api-key"):
        other = headers.get(name)
        if other is not None:
            if found is not None and other != found:
                raise BadCredential(ctx, "The request carries two different credentials.")
            found = other
    return found


def identify(ctx: RequestContext, keys: KeyCache, tokens: TokenAuthority | None) -> Principal | Awaitable[Principal]:
    """The principal of a request, also set in the context, or what to await for it. `tokens`: None where the policy
    accepts none. Raises Refusal (401, 503); so does what is awaited."""
    token = credential(ctx)
    if token is None:
        if ctx.certificate is not None:
            certified = _by_certificate(ctx, ctx.certificate)
            if certified is not None:
                return _admit(ctx, certified)
        anonymous = ctx.snapshot.anonymous
        if anonymous is None:
            raise Refusal(
                UNAUTHENTICATED,
                "No API key was given. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
                headers=_challenge(ctx),
            )
        return _admit(ctx, anonymous)
    now_s = ctx.now_ns / 1e9
    try:
        found: Principal | Awaitable[Principal] | None = None
        if tokens is None or not looks_like_jwt(token):
            found = _by_key(ctx, keys, token, now_s, tokens is None)
        if found is None:
            assert tokens is not None
            found = tokens.lookup(token, now_s, ctx.started)
    except IdentityUnavailable:
        raise _unavailable() from None
    except InvalidToken as error:
        raise BadCredential(ctx, str(error)) from None
    if isinstance(found, Principal):
        return _admit(ctx, found)
    return _awaited(ctx, found)


def _by_key(ctx: RequestContext, keys: KeyCache, token: bytes, now_s: float, alone: bool) -> Principal | None:
    """The principal of an API key; None for what may be a token. `alone`: no tokens are accepted."""
    if not ctx.snapshot.api_keys:
        if alone:
            raise BadCredential(ctx, "API keys are not accepted here.")
        return None
    principal = keys.lookup(token, now_s)
    if principal is None and (alone or token.startswith(b"tg_")):
        raise BadCredential(ctx, _INVALID_KEY)
    return principal


def _by_certificate(ctx: RequestContext, certificate: Certificate) -> Principal | None:
    """Whose the connection is, None where the policy does not say."""
    try:
        return certificate.principal(ctx.snapshot.certificates, ctx.now_ns / 1e9)
    except InvalidToken as error:
        raise BadCredential(ctx, str(error)) from None


async def _awaited(ctx: RequestContext, pending: Awaitable[Principal]) -> Principal:
    try:
        principal = await pending
    except IdentityUnavailable:
        raise _unavailable() from None
    except InvalidToken as error:
        raise BadCredential(ctx, str(error)) from None
    return _admit(ctx, principal)


def _admit(ctx: RequestContext, principal: Principal) -> Principal:
    """Sets the principal. Raises Refusal: 403 where it may not call from this address, 401 where its token is bound to
    a certificate that this connection has not shown."""
    if principal.certificate is not None and (
        ctx.certificate is None or ctx.certificate.thumbprint != principal.certificate
    ):
        raise BadCredential(ctx, "The token is bound to a certificate that was not shown.")
    ctx.principal = principal
    if principal.limits is not None:
        ctx.snapshot.check_assigned(principal)
    if principal.addresses is not None or ctx.snapshot.role_networks:
        ctx.principal = principal = ctx.snapshot.at_address(principal, ctx.address)
    return principal


def _unavailable() -> Refusal:
    return Refusal(UNAVAILABLE, "Credentials cannot be checked at the moment.", retry_after=1, control="identify")
