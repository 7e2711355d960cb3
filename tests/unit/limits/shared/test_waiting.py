"""A request whose limits have to ask the store waits, and is authorised, counted and admitted once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.errors import UNAUTHENTICATED, Refusal
from engine.identity.errors import InvalidToken
from engine.identity.key_store import KeyStore
from engine.identity.principal import Principal
from engine.identity.store import KeyCache
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.client import Store
from engine.limits.shared.keeper import Keeper, _wake
from engine.limits.shared.lease import Lease
from engine.limits.shared.life import Life
from engine.limits.shared.sharing import Sharing
from engine.pipeline.context import RequestContext
from engine.pipeline.forward import Outgoing
from engine.pipeline.phases import Pipeline
from engine.policy.loader import parse_policy
from engine.policy.snapshot import compile_snapshot, scratch_table
from tests.unit.limits.shared.test_keeper import Told

POLICY = """
upstreams: {local: {base_url: "http://127.0.0.1:1/v1"}}
redaction: {default: {}}
roles: {user: {endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {name: user, by: user, requests: 10/minute}
  - {name: address, by: ip, requests: 10/minute}
  - {name: model, by: model, requests: 10/minute}
  - {name: tokens, by: user, tokens: 10000/minute}
"""
ALICE = Principal("alice", "", None, ("user",), None, "jwt")
BODY = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}).encode()


class Tokens:
    """Has to ask for every token, and finds one to be valid."""

    def lookup(self, token: bytes, now_s: float, monotonic_s: float) -> Awaitable[Principal]:
        return self._ask(token)

    async def _ask(self, token: bytes) -> Principal:
        await asyncio.sleep(0)
        if token == b"token":
            return ALICE
        raise InvalidToken("The token is not valid.")


class Failures:
    """Counts the credentials that failed."""

    count = 0

    def fail(self, *_: object) -> Any:
        self.count += 1
        return SimpleNamespace(banned_s=0.0, delay_s=0.0)


class Host:
    """A pipeline over leases that the test fills, as the store's answers would."""

    def __init__(self, keeper: Keeper, leases: list[Lease], folder: Path) -> None:
        policy = parse_policy(POLICY, "test.yaml", {})
        table = scratch_table()
        snapshot = compile_snapshot(policy, table=table, hash_key=bytes(32), sharing=Sharing(keeper))
        self.failures = Failures()
        self.leases = leases
        with KeyStore(folder) as keys:
            self.key = keys.create("alice", ["user"]).key
        self.pipeline = Pipeline(snapshot, KeyCache(folder), None, cast("Any", None))
        self.pipeline.failures = cast("Any", self.failures)

    def open(self, credential: str) -> RequestContext:
        given = {"good": self.key}.get(credential, credential)
        headers = {b"authorization": b"Bearer " + given.encode(), b"content-type": b"application/json"}
        endpoint = self.pipeline.snapshot.endpoint("/v1/chat/completions")
        ctx = self.pipeline.open("POST", "/v1/chat/completions", endpoint, headers, bytes(4), "0.0.0.0")
        ctx.now_ns = 1
        return ctx

    def answer(self) -> None:
        """The store's answer to all who wait: as many permits as each needs."""
        for lease in self.leases:
            if lease.waiting:
                lease.held, lease.asked = lease.held + lease.waiting, False
                lease.end_ns = time.monotonic_ns() + 3600 * 10**9
                _wake(lease)

    async def after_answers(self, pending: Awaitable[Any]) -> Any:
        """What is awaited, with the store answering until it is there."""
        task = asyncio.ensure_future(pending)
        while not task.done():
            self.answer()
            await asyncio.sleep(0)
        return task.result()

    def spent(self) -> list[int]:
        return [lease.spent for lease in self.leases]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    leases: dict[int, Lease] = {}
    given: Callable[..., Lease] = Keeper.lease

    def lease(self: Keeper, *arguments: Any) -> Lease:
        made = given(self, *arguments)
        leases[id(made)] = made
        found[:] = leases.values()
        return made

    found: list[Lease] = []
    monkeypatch.setattr(Keeper, "lease", lease)
    keeper = Keeper(Store("redis://127.0.0.1:1"), Life(tmp_path), Told())
    keeper.failing = False
    keeper.sound_since_ns = 0
    return Host(keeper, found, tmp_path)


@pytest.mark.parametrize("credential", ["good", "token"])
def test_a_request_is_authorised_and_admitted_once(host: Host, credential: str) -> None:
    async def test() -> None:
        if credential == "token":
            host.pipeline.tokens = cast("Any", Tokens())
        ctx = host.open(credential)
        pending = host.pipeline.head(ctx)
        assert pending is not None
        assert host.spent() in ([], [0, 0])
        await host.after_answers(pending)
        assert host.spent() == [1, 1]
        # Limits are taken at the time of the answer.
        assert ctx.now_ns > 1
        out = host.pipeline.body(ctx, BODY)
        assert not isinstance(out, Outgoing)
        # The limits of this model, and what is reserved.
        assert host.spent() == [1, 1, 0, 0]
        assert ctx.reservation is None
        assert isinstance(await host.after_answers(out), Outgoing)
        assert host.spent() == [1, 1, 0, 1]
        assert isinstance(ctx.late, SharedBound)
        reservation, metered = ctx.reservation, ctx.late.metered
        assert reservation is not None
        assert reservation.held is not None
        assert metered is not None
        assert metered.state(0, time.time_ns())[1] == reservation.held.input + reservation.held.output
        reservation.give_back(time.time_ns())
        assert host.spent() == [0, 0, 0, 0]
        assert metered.state(0, time.time_ns())[1] == 0

    asyncio.run(test())


def test_without_a_wait_nothing_is_awaited(host: Host) -> None:
    async def test() -> None:
        first = host.open("good")
        await host.after_answers(cast("Any", host.pipeline.head(first)))
        await host.after_answers(cast("Any", host.pipeline.body(first, BODY)))
        for lease in host.leases:
            lease.held = 5000
        ctx = host.open("good")
        assert host.pipeline.head(ctx) is None
        assert isinstance(host.pipeline.body(ctx, BODY), Outgoing)
        assert host.spent() == [2, 2, 0, 2]

    asyncio.run(test())


@pytest.mark.parametrize("tokens", [None, Tokens()], ids=["key", "token"])
def test_a_bad_credential_is_counted_once_and_refused(host: Host, tokens: Tokens | None) -> None:
    async def test() -> None:
        host.pipeline.tokens = cast("Any", tokens)
        pending = host.pipeline.head(host.open("wrong"))
        assert pending is not None
        with pytest.raises(Refusal) as refused:
            await host.after_answers(pending)
        assert refused.value.kind is UNAUTHENTICATED
        assert (host.spent(), host.failures.count) == ([1], 1)

    asyncio.run(test())


def test_who_leaves_while_waiting_takes_nothing(host: Host) -> None:
    async def test() -> None:
        pending = host.pipeline.head(host.open("good"))
        task = asyncio.ensure_future(cast("Any", pending))
        await asyncio.sleep(0)
        # The answer is there already when the client leaves.
        host.answer()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert host.spent() == [0, 0]

    asyncio.run(test())


def test_the_headers_speak_each_dialect_and_tell_of_all_limits(host: Host) -> None:
    async def test() -> None:
        ctx = host.open("good")
        await host.after_answers(cast("Any", host.pipeline.head(ctx)))
        await host.after_answers(cast("Any", host.pipeline.body(ctx, BODY)))
        assert ctx.late is not None
        openai = ctx.late.headers(time.time_ns(), "openai")
        assert b"x-ratelimit-limit-requests: 10\r\n" in openai
        assert b"x-ratelimit-limit-tokens: 10000\r\n" in openai
        assert b"anthropic" not in openai
        anthropic = ctx.late.headers(time.time_ns(), "anthropic")
        assert b"anthropic-ratelimit-requests-limit: 10\r\n" in anthropic
        assert b"anthropic-ratelimit-tokens-limit: 10000\r\n" in anthropic

    asyncio.run(test())
