"""How keys are fetched, kept, and given up: over a provider and a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.identity import key_source
from engine.identity.errors import IdentityUnavailable
from engine.identity.fetch import Fetcher, FetchError
from engine.identity.key_source import ABSENT_S, FLOOR_S, PATIENCE, SLOW_FLOOR_S, KeySource, KeySourceConfig
from tests.unit.identity import forge

URL = "https://idp.example.com/keys"


class Provider(Fetcher):
    """An identity provider: a key set at each URL, or what goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    def publish(self, *names: str) -> None:
        self.pages[URL] = {"keys": [forge.rsa_jwk(forge.RSA, kid=name) for name in names]}

    async def get(self, url: str, limit: int, ca_file: str | None = None) -> bytes:
        self.asked.append(url)
        await self.open.wait()
        page = self.pages.get(url)
        if page is None:
            raise FetchError("it answered with 404")
        return page if isinstance(page, bytes) else json.dumps(page).encode()


class World:
    """A source, its provider and the time."""

    def __init__(self, **config: Any) -> None:
        self.now = 1000.0
        self.provider = Provider()
        defaults = {"issuer": forge.ISSUER, "jwks": URL, "algorithms": frozenset(["RS256"])}
        self.source = KeySource(KeySourceConfig(**defaults | config), self.provider, lambda: self.now)

    def names(self) -> set[str]:
        keys = self.source.current(self.now)
        return {str(name) for name, _, _ in keys.identities} if keys is not None else set()

    async def settle(self) -> None:
        """Lets everything that can run do so."""
        for _ in range(10):
            await asyncio.sleep(0)


def run(story: Callable[[World], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, **config: Any) -> None:
    async def tell() -> None:
        world = World(**config)
        sleep = asyncio.sleep

        async def wait(seconds: float) -> None:
            # The source's own waiting moves the clock.
            world.now += seconds
            await sleep(0)

        monkeypatch.setattr(key_source.asyncio, "sleep", wait)
        await story(world)

    asyncio.run(tell())


def test_keys_are_fetched_once_and_again_before_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        assert world.names() == set()
        await asyncio.gather(*(world.source.learn("one") for _ in range(100)))
        assert world.names() == {"one"}
        assert len(world.provider.asked) == 1
        keys = world.source.keys
        world.now += 299
        world.names()
        assert len(world.provider.asked) == 1
        world.now += 2
        world.provider.open.clear()
        # Due: requests go on with the keys at hand, and one fetch is under way.
        assert [world.names() for _ in range(10)] == [{"one"}] * 10
        await world.settle()
        assert len(world.provider.asked) == 2
        world.provider.open.set()
        await world.settle()
        # Nothing has changed: what was verified stays so.
        assert world.source.keys is keys

    run(story, monkeypatch)


def test_a_rotation_is_learned_with_the_first_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.provider.publish("old")
        await world.source.learn("old")
        keys = world.source.keys
        world.provider.publish("old", "new")
        # Within the floor: it is waited for, not refused.
        await asyncio.gather(*(world.source.learn("new") for _ in range(50)))
        assert world.names() == {"old", "new"}
        assert len(world.provider.asked) == 2
        assert world.now >= 1000 + FLOOR_S
        assert world.source.keys is not keys

    run(story, monkeypatch)


def test_made_up_names_make_few_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        await world.source.learn("one")
        begun = world.now
        for index in range(500):
            name = f"made-up-{index}"
            if not world.source.is_absent(name, world.now):
                await world.source.learn(name)
                world.source.miss(name)
            world.now += 0.01
        passed = world.now - begun
        assert len(world.provider.asked) <= 2 + PATIENCE + passed / SLOW_FLOOR_S
        # A name that was just looked for costs nothing at all.
        fetches = len(world.provider.asked)
        assert world.source.is_absent("made-up-0", begun + ABSENT_S / 2)
        assert len(world.provider.asked) == fetches

    run(story, monkeypatch)


@pytest.mark.parametrize("page", [None, b"<html>", {"keys": []}, b'{"keys": 1}', b"x" * ((1 << 20) + 1)])
def test_while_the_issuer_is_down_its_keys_are_kept_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        await world.source.learn("one")
        world.provider.pages[URL] = page
        for _ in range(359):
            world.now += 10
            assert world.names() == {"one"}
            await world.settle()
        assert 300 < len(world.provider.asked) < 360
        # What cannot be told is no refusal of the token.
        with pytest.raises(IdentityUnavailable):
            await world.source.learn("two")
        world.now = 1000 + 3600
        assert world.names() == set()
        with pytest.raises(IdentityUnavailable):
            await world.source.learn("one")
        world.provider.publish("one")
        world.now += FLOOR_S
        await world.source.learn("one")
        assert world.names() == {"one"}

    run(story, monkeypatch)


def test_a_client_that_leaves_does_not_end_the_fetch_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        world.provider.open.clear()
        first, second = (asyncio.create_task(world.source.learn("one")) for _ in range(2))
        await world.settle()
        first.cancel()
        await world.settle()
        world.provider.open.set()
        await second
        assert world.names() == {"one"}
        assert len(world.provider.asked) == 1

    run(story, monkeypatch)


def test_those_who_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        monkeypatch.setattr(key_source, "_MAX_WAITING", 3)
        world.provider.publish("one")
        world.provider.open.clear()
        waiting = [asyncio.create_task(world.source.learn("one")) for _ in range(3)]
        await world.settle()
        with pytest.raises(IdentityUnavailable):
            await world.source.learn("one")
        world.provider.open.set()
        await asyncio.gather(*waiting)

    run(story, monkeypatch)


@pytest.mark.parametrize(
    ("issuer", "place"),
    [
        ("https://idp.example.com", "https://idp.example.com/.well-known/openid-configuration"),
        ("https://idp.example.com/realms/a", "https://idp.example.com/realms/a/.well-known/openid-configuration"),
        ("https://idp.example.com/realms/a", "https://idp.example.com/.well-known/oauth-authorization-server/realms/a"),
    ],
)
def test_discovery(monkeypatch: pytest.MonkeyPatch, issuer: str, place: str) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        world.provider.pages[place] = {"issuer": issuer, "jwks_uri": URL, "more": [1]}
        await world.source.learn("one")
        assert world.names() == {"one"}

    run(story, monkeypatch, issuer=issuer, jwks=None)


@pytest.mark.parametrize(
    "document",
    [b"", {"issuer": "https://evil.example", "jwks_uri": URL}, {"issuer": "https://idp.example.com"}, b"[]"],
)
def test_a_discovery_document_that_is_not_the_issuers(monkeypatch: pytest.MonkeyPatch, document: Any) -> None:
    async def story(world: World) -> None:
        world.provider.publish("one")
        world.provider.pages["https://idp.example.com/.well-known/openid-configuration"] = document
        with pytest.raises(IdentityUnavailable):
            await world.source.learn("one")

    run(story, monkeypatch, issuer="https://idp.example.com", jwks=None)


def test_a_file_that_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    def write(name: str) -> None:
        path.write_text(json.dumps({"keys": [forge.rsa_jwk(forge.RSA, kid=name)]}))

    async def story(world: World) -> None:
        write("one")
        world.source.load_file()
        assert world.names() == {"one"}
        write("two")
        await world.source.learn("two")
        assert world.names() == {"two"}
        path.unlink()
        world.now += 400
        assert world.names() == {"two"}

    run(story, monkeypatch, jwks=str(path))
