"""Opaque tokens: their issuer is asked what they stand for (RFC 7662).

Rules. A token is asked for once, whoever else brings it meanwhile, and its answer is kept: a good one for the policy's
`cache` and never past the token's `exp`, a bad one for `negative_cache`. Both are kept under the whole token or its
SHA-256, never under a part of it. `active` counts when it is `true` and nothing else. Calls under way are bounded.

Failure modes. A provider that is down, slow, or answers with something else than a 200 and strict JSON gives
IdentityUnavailable, and is left alone for `_REST_S`. Nothing of that is kept as an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec

from engine._fast.jsonguard import GuardError, check
from engine.identity.claims import ClaimRules, check_audience, check_times, to_principal
from engine.identity.errors import IdentityUnavailable, InvalidToken
from engine.identity.fetch import Fetcher, FetchError
from engine.identity.principal import Principal

log = logging.getLogger(__name__)

_MAX_ANSWER: Final = 64 * 1024
_MAX_DEPTH: Final = 16
_MAX_CALLS: Final = 64
_REST_S: Final = 1.0
_MAX_NEGATIVE: Final = 16_384


@dataclass(frozen=True, slots=True)
class IntrospectionConfig:
    """One endpoint. `posts_secret`: the client's id and secret go into the form, not into HTTP Basic. Seconds."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    rules: ClaimRules
    issuer: str | None = None
    cache_s: float = 60.0
    negative_cache_s: float = 10.0
    posts_secret: bool = False
    ca_file: str | None = None


class Introspector:
    """The endpoints of a policy, in order: a token is the first's that says it is active."""

    __slots__ = ("_calls", "_configs", "_down_until", "_fetcher", "_negative")

    def __init__(self, configs: tuple[IntrospectionConfig, ...], fetcher: Fetcher) -> None:
        self._configs = configs
        self._fetcher = fetcher
        self._calls: dict[bytes, asyncio.Task[tuple[Principal, float]]] = {}
        self._negative: dict[bytes, float] = {}
        self._down_until = [0.0] * len(configs)

    def refuse_known(self, token: bytes, now_s: float) -> None:
        """Raises InvalidToken for a token that was not active a moment ago."""
        until = self._negative.get(sha256(token).digest())
        if until is not None and now_s < until:
            raise InvalidToken("The token is not active.")

    async def ask(self, token: bytes) -> tuple[Principal, float]:
        """The token's principal, and until when (seconds since the epoch) it may be kept.

        Raises InvalidToken, IdentityUnavailable.
        """
        digest = sha256(token).digest()
        call = self._calls.get(digest)
        if call is None:
            if len(self._calls) >= _MAX_CALLS:
                raise IdentityUnavailable("too many tokens are being introspected")
            call = self._calls[digest] = asyncio.get_running_loop().create_task(self._call(token))
            call.add_done_callback(lambda done: self._done(digest, done))
        # One client that leaves must not end the call for the others.
        return await asyncio.shield(call)

    def close(self) -> None:
        """End the calls that are under way."""
        for call in self._calls.values():
            call.cancel()

    def _done(self, digest: bytes, call: asyncio.Task[tuple[Principal, float]]) -> None:
        del self._calls[digest]
        if call.cancelled() or not isinstance(call.exception(), InvalidToken):
            return
        if len(self._negative) >= _MAX_NEGATIVE:
            self._negative.clear()
        self._negative[digest] = time.time() + min(config.negative_cache_s for config in self._configs)

    async def _call(self, token: bytes) -> tuple[Principal, float]:
        unavailable: IdentityUnavailable | None = None
        refused = InvalidToken("The token is not active.")
        for index, config in enumerate(self._configs):
            try:
                return self._judge(config, await self._answer(index, config, token), time.time())
            except InvalidToken as error:
                refused = error
            except IdentityUnavailable as error:
                unavailable = error
        # Of those that answered none knew it; one that did not answer might have.
        raise unavailable or refused

    async def _answer(self, index: int, config: IntrospectionConfig, token: bytes) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._down_until[index]:
            raise IdentityUnavailable("the introspection endpoint did not answer a moment ago")
        fields = {"token": token.decode("latin-1"), "token_type_hint": "access_token"}
        client: tuple[str, str] | None = (config.client_id, config.client_secret)
        if config.posts_secret:
            fields |= {"client_id": config.client_id, "client_secret": config.client_secret}
            client = None
        try:
            text = await self._fetcher.post(config.url, fields, _MAX_ANSWER, config.ca_file, client)
            check(text, _MAX_DEPTH)
            answer = msgspec.json.decode(text, type=dict[str, Any])
        except (FetchError, GuardError, msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
            self._down_until[index] = loop.time() + _REST_S
            log.warning("a token cannot be introspected at %s: %s", config.url, error)
            raise IdentityUnavailable("the introspection endpoint does not answer") from None
        if not isinstance(answer.get("active"), bool):
            raise IdentityUnavailable("the introspection endpoint's answer is malformed")
        return answer

    def _judge(self, config: IntrospectionConfig, answer: dict[str, Any], now_s: float) -> tuple[Principal, float]:
        if not answer["active"]:
            raise InvalidToken("The token is not active.")
        if config.issuer is not None and answer.get("iss") != config.issuer:
            raise InvalidToken("The token is another issuer's.")
        if str(answer.get("token_type", "Bearer")).lower() != "bearer":
            raise InvalidToken("The token is not a bearer token.")
        expires_at = check_times(answer, now_s, config.rules.clock_skew_s, needs_expiry=False)
        if config.rules.audience:
            check_audience(answer, config.rules.audience)
        until = now_s + config.cache_s
        return (
            to_principal(answer, config.rules, expires_at, "introspection"),
            until if expires_at is None else min(until, expires_at),
        )
