"""Access tokens of other issuers: JWTs that are verified here, opaque tokens that their issuer is asked about.

Theory of operation. `lookup` answers at once where it can: a token that was verified costs one look-up of its bytes the
next time, a new one of a known key its signature. Where it takes the network (keys that are not at hand, a token that
is to be introspected) it gives an awaitable in place of the principal, and the caller waits.

Rules. What is kept is kept under the whole token, as long as the token is valid and the very key set that verified it
is the one in use: a key that its issuer has withdrawn takes its tokens with it, and so does an issuer that cannot be
asked for its keys any more. Tokens kept are bounded in number and bytes; past the bound the older half is verified
again.

Failure modes. InvalidToken for what is not valid, IdentityUnavailable for what cannot be told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from engine.identity.claims import ClaimRules, check_audience, check_times, to_principal
from engine.identity.errors import InvalidToken
from engine.identity.fetch import Fetcher
from engine.identity.introspection import IntrospectionConfig, Introspector
from engine.identity.jwks import KeySet, UnknownKey
from engine.identity.jws import MAX_TOKEN, Token, looks_like_jwt, read
from engine.identity.key_source import KeySource, KeySourceConfig
from engine.identity.principal import Principal

__all__ = ["IssuerConfig", "TokenAuthority", "TokenConfig"]

# Of each generation; together 32 MiB and 32,768 tokens at most.
_KEPT_BYTES: Final = 16 << 20
_KEPT_TOKENS: Final = 16_384


@dataclass(frozen=True, slots=True)
class IssuerConfig:
    """An issuer of JWTs."""

    source: KeySourceConfig
    rules: ClaimRules


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """All that a policy says of tokens."""

    issuers: tuple[IssuerConfig, ...] = ()
    introspection: tuple[IntrospectionConfig, ...] = ()


class _Kept(NamedTuple):
    """`until`: seconds since the epoch. `source` and `keys`: what it rests on; None for an introspected token."""

    principal: Principal
    until: float
    source: KeySource | None
    keys: KeySet | None


class _Issuer(NamedTuple):
    source: KeySource
    algorithms: frozenset[str]
    rules: ClaimRules


class TokenAuthority:
    """The tokens of one policy in one worker."""

    __slots__ = ("_fetcher", "_introspector", "_issuers", "_kept", "_older", "_size", "_sources")

    def __init__(self, config: TokenConfig, fetcher: Fetcher, before: TokenAuthority | None = None) -> None:
        """Takes over from the authority `before` the keys of issuers that have not changed.

        Raises OSError or KeySetError for keys in a file that cannot be used.
        """
        self._fetcher = fetcher
        old: Mapping[KeySourceConfig, KeySource] = before._sources if before is not None else {}
        self._sources: dict[KeySourceConfig, KeySource] = {}
        self._issuers: dict[str, _Issuer] = {}
        for issuer in config.issuers:
            source = old.get(issuer.source)
            if source is None:
                source = KeySource(issuer.source, fetcher)
                source.load_file()
            self._sources[issuer.source] = source
            self._issuers[issuer.source.issuer] = _Issuer(source, issuer.source.algorithms, issuer.rules)
        self._introspector = Introspector(config.introspection, fetcher) if config.introspection else None
        self._kept: dict[bytes, _Kept] = {}
        self._older: dict[bytes, _Kept] = {}
        self._size = 0

    def warm(self) -> None:
        """Starts to fetch the keys that are not at hand, so that the first request need not wait. In a running loop."""
        now = time.monotonic()
        for source in self._sources.values():
            source.current(now)

    def close(self) -> None:
        """End what is under way."""
        for source in self._sources.values():
            source.close()
        if self._introspector is not None:
            self._introspector.close()

    def lookup(self, token: bytes, now_s: float, monotonic_s: float) -> Principal | Awaitable[Principal]:
        """The principal of a token, or what to await for it. `now_s`: seconds since the epoch.

        Raises InvalidToken, IdentityUnavailable; so does what is awaited.
        """
        kept = self._kept.get(token)
        if kept is None and self._older:
            kept = self._older.get(token)
            if kept is not None:
                self._keep(token, kept)
        if kept is not None and now_s < kept.until:
            source = kept.source
            if source is None:
                return kept.principal
            if source.keys is kept.keys and (
                monotonic_s < source.fresh_until or source.current(monotonic_s) is not None
            ):
                return kept.principal
        if looks_like_jwt(token) and self._issuers:
            return self._jwt(token, now_s, monotonic_s)
        if self._introspector is None:
            raise InvalidToken("The credential is not valid.")
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The token is too long.")
        self._introspector.refuse_known(token, now_s)
        return self._introspected(self._introspector, token)

    def _jwt(self, token: bytes, now_s: float, monotonic_s: float) -> Principal | Awaitable[Principal]:
        parsed = read(token)
        name = parsed.claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise InvalidToken("The token's issuer is not known.")
        # What costs little first: nobody waits, and no key is fetched, for a token that could not pass.
        if parsed.algorithm not in issuer.algorithms:
            raise InvalidToken("The token's algorithm is not accepted.")
        principal = _principal(parsed, issuer, now_s)
        keys = issuer.source.current(monotonic_s)
        if keys is None:
            return self._learned(token, parsed, issuer)
        try:
            return self._verified(token, parsed, issuer, keys, principal)
        except UnknownKey:
            if issuer.source.is_absent(parsed.key_id, monotonic_s):
                raise
            return self._learned(token, parsed, issuer)

    async def _learned(self, token: bytes, parsed: Token, issuer: _Issuer) -> Principal:
        await issuer.source.learn(parsed.key_id)
        keys = issuer.source.keys
        assert keys is not None
        principal = _principal(parsed, issuer, time.time())
        try:
            return self._verified(token, parsed, issuer, keys, principal)
        except UnknownKey:
            raise issuer.source.miss(parsed.key_id) from None

    def _verified(self, token: bytes, parsed: Token, issuer: _Issuer, keys: KeySet, principal: Principal) -> Principal:
        keys.verify(parsed)
        assert principal.expires_at is not None
        self._keep(token, _Kept(principal, principal.expires_at, issuer.source, keys))
        return principal

    async def _introspected(self, introspector: Introspector, token: bytes) -> Principal:
        principal, until = await introspector.ask(token)
        self._keep(token, _Kept(principal, until, None, None))
        return principal

    def _keep(self, token: bytes, kept: _Kept) -> None:
        if self._size + len(token) > _KEPT_BYTES or len(self._kept) >= _KEPT_TOKENS:
            self._older = self._kept
            self._kept = {}
            self._size = 0
        if token not in self._kept:
            self._size += len(token)
        self._kept[token] = kept


def _principal(token: Token, issuer: _Issuer, now_s: float) -> Principal:
    """What the claims say, signed or not. Raises InvalidToken."""
    expires_at = check_times(token.claims, now_s, issuer.rules.clock_skew_s, needs_expiry=True)
    check_audience(token.claims, issuer.rules.audience)
    return to_principal(token.claims, issuer.rules, expires_at, "jwt")
