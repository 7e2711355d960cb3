"""Opaque tokens: asked for once, kept no longer than they may be, and never opened by what went wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.identity import introspection
from engine.identity.claims import ClaimRules
from engine.identity.errors import IdentityUnavailable, InvalidToken
from engine.identity.fetch import Fetcher, FetchError
from engine.identity.introspection import IntrospectionConfig
from engine.identity.principal import Principal
from engine.identity.tokens import TokenAuthority, TokenConfig

RULES = ClaimRules(frozenset(), frozenset(["user"]), ("sub", "username", "client_id"), roles_claim="scope")
FIRST = IntrospectionConfig("https://one.example", "id", "secret", RULES)
ACTIVE = {"active": True, "sub": "alice", "scope": "user other"}


class Endpoint(Fetcher):
    """Answers of an endpoint, by URL and token."""

    def __init__(self, answer: Callable[[str, str], Any]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def post(
        self, url: str, fields: dict[str, str], limit: int, ca_file: str | None, client: tuple[str, str] | None
    ) -> bytes:
        self.asked.append((url, fields["token"]))
        await self.open.wait()
        answer = self.answer(url, fields["token"])
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def run(
    story: Callable[[TokenAuthority, Endpoint], Awaitable[None]],
    answer: Callable[[str, str], Any],
    *configs: IntrospectionConfig,
) -> None:
    async def tell() -> None:
        endpoint = Endpoint(answer)
        await story(TokenAuthority(TokenConfig(introspection=configs or (FIRST,)), endpoint), endpoint)

    asyncio.run(tell())


async def ask(authority: TokenAuthority, token: bytes, ahead_s: float = 0.0) -> Principal:
    found = authority.lookup(token, time.time() + ahead_s, time.monotonic())
    return found if isinstance(found, Principal) else await found


def test_one_call_whoever_asks_and_none_while_it_is_kept() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        endpoint.open.clear()
        asking = [asyncio.create_task(ask(authority, b"opaque")) for _ in range(50)]
        await asyncio.sleep(0)
        # One who leaves does not end the call for the others.
        asking[0].cancel()
        endpoint.open.set()
        found = await asyncio.gather(*asking[1:])
        assert {(principal.subject, principal.roles, principal.source) for principal in found} == {
            ("alice", ("user",), "introspection")
        }
        assert (await ask(authority, b"opaque", 59)).subject == "alice"
        assert len(endpoint.asked) == 1
        await ask(authority, b"opaque", 61)
        assert len(endpoint.asked) == 2

    run(story, lambda url, token: ACTIVE)


def test_never_kept_past_its_expiry() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        await ask(authority, b"opaque")
        await ask(authority, b"opaque", 8)
        assert len(endpoint.asked) == 1
        await ask(authority, b"opaque", 10)
        assert len(endpoint.asked) == 2

    run(story, lambda url, token: ACTIVE | {"exp": int(time.time()) + 10})


def test_a_no_is_kept_too() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        for _ in range(5):
            with pytest.raises(InvalidToken):
                await ask(authority, b"opaque")
        assert len(endpoint.asked) == 1
        with pytest.raises(InvalidToken):
            await ask(authority, b"opaque", 11)
        assert len(endpoint.asked) == 2

    run(story, lambda url, token: {"active": False})


def test_tokens_with_equal_prefixes_never_cross() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        names = [f"{index:04}" for index in range(1000)]
        for _ in range(2):
            for name in names:
                assert (await ask(authority, b"x" * 200 + name.encode())).subject == f"user-{name}"
        assert len(endpoint.asked) == 1000

    run(story, lambda url, token: ACTIVE | {"sub": f"user-{token[-4:]}"})


@pytest.mark.parametrize(
    "answer",
    [
        FetchError("down"),
        b"",
        b"<html>",
        b"[]",
        b"{}",
        {"active": "true"},
        {"active": 1},
        {"active": None},
        b'{"active": false, "active": true, "sub": "alice"}',
        b'{"active": true, "sub": "alice"',
    ],
)
def test_what_is_no_answer_is_unavailable_and_not_kept(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "_REST_S", 0.0)

    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        for _ in range(2):
            with pytest.raises(IdentityUnavailable):
                await ask(authority, b"opaque")
        assert len(endpoint.asked) == 2
        endpoint.answer = lambda url, token: ACTIVE
        assert (await ask(authority, b"opaque")).subject == "alice"

    run(story, lambda url, token: answer)


def test_an_endpoint_that_is_down_is_left_alone_for_a_moment() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        for index in range(50):
            with pytest.raises(IdentityUnavailable):
                await ask(authority, b"opaque-%d" % index)
        assert len(endpoint.asked) == 1

    run(story, lambda url, token: FetchError("down"))


@pytest.mark.parametrize(
    "more",
    [
        {"sub": None, "username": 1},
        {"sub": 1},
        {"sub": "a\n"},
        {"exp": 1},
        {"exp": "4000000000"},
        {"exp": True},
        {"nbf": 4000000000},
        {"scope": 1},
        {"cnf": {"jkt": "x"}},
        {"token_type": "DPoP"},
        {"token_type": "mac"},
    ],
)
def test_claims_that_are_refused(more: dict[str, Any]) -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        with pytest.raises(InvalidToken):
            await ask(authority, b"opaque")

    run(story, lambda url, token: ACTIVE | more)


def test_issuer_audience_and_a_clients_own_token() -> None:
    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        assert (await ask(authority, b"right")).subject == "service"
        for token in (b"issuer", b"audience", b"none"):
            with pytest.raises(InvalidToken):
                await ask(authority, token)

    answers = {
        "right": {"iss": "i", "aud": ["a", "b"], "token_type": "bearer"},
        "issuer": {"iss": "x", "aud": "a"},
        "audience": {"iss": "i", "aud": "x"},
        "none": {"iss": "i"},
    }
    rules = ClaimRules(frozenset(["a"]), frozenset(["user"]), ("sub", "client_id"))
    config = IntrospectionConfig("https://one.example", "id", "secret", rules, issuer="i")
    run(story, lambda url, token: {"active": True, "client_id": "service"} | answers[token], config)


def test_several_endpoints() -> None:
    second = IntrospectionConfig("https://two.example", "id", "secret", RULES)
    known: dict[str, Any] = {"https://one.example": {"active": False}, "https://two.example": ACTIVE}

    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        assert (await ask(authority, b"opaque")).subject == "alice"
        known["https://two.example"] = {"active": False}
        with pytest.raises(InvalidToken):
            await ask(authority, b"nobodys")
        # One says no, the other nothing: it might have been the other's.
        known["https://one.example"] = FetchError("down")
        with pytest.raises(IdentityUnavailable):
            await ask(authority, b"perhaps")

    run(story, lambda url, token: known[url], FIRST, second)


def test_calls_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "_MAX_CALLS", 3)

    async def story(authority: TokenAuthority, endpoint: Endpoint) -> None:
        endpoint.open.clear()
        asking = [asyncio.create_task(ask(authority, b"opaque-%d" % index)) for index in range(4)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [IdentityUnavailable]
        endpoint.open.set()
        await asyncio.gather(*asking, return_exceptions=True)

    run(story, lambda url, token: ACTIVE)
