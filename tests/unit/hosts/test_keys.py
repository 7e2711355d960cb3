"""Keys of several hosts over one real Valkey: the same everywhere, and never wider because the store has failed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from engine.hosts import keys as module
from engine.hosts.keys import Disagreement, KeyShare, share_once
from engine.identity.errors import IdentityUnavailable
from engine.identity.key_store import KeyStore
from engine.identity.keys import NewKey
from engine.identity.records import KeyFields
from engine.identity.store import KeyCache
from engine.limits.shared.client import Store, StoreDown
from tests.valkey import ValkeyServer

DEADLINE_S = 60.0
TIMEOUT_S = 10.0


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Host:
    """A host: what changes its keys, what a worker knows of them, and what keeps them the same as the others'."""

    def __init__(self, folder: Path, url: str, keep_s: float = 3600.0) -> None:
        self.folder = folder
        self.store = KeyStore(folder, "test")
        self.failures: list[str] = []
        self.problem: str | None = None
        self.share = KeyShare(Store(url, TIMEOUT_S), folder, keep_s, self)
        self.cache = KeyCache(folder, shared=True)

    def failing(self, reason: str) -> None:
        self.failures.append(reason)
        self.problem = reason

    def sound(self) -> None:
        self.problem = None

    def settling(self) -> None:
        pass

    def received(self, count: int) -> None:
        pass

    def accepts(self, key: NewKey) -> bool | None:
        """None: that cannot be told now."""
        self.cache.check_trust()
        try:
            return self.cache.lookup(key.key, time.time()) is not None
        except IdentityUnavailable:
            return None

    def create(self, subject: str = "alice") -> NewKey:
        return self.store.create(subject, ["user"])


@pytest.fixture
def hosts(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Host]]:
    monkeypatch.setattr(module, "SETTLE_S", 0.0)
    made = [Host(tmp_path / name, url) for name in ("one", "two")]
    yield made
    for host in made:
        host.store.close()
        host.cache.close()


async def agree(*hosts: Host) -> None:
    for host in hosts:
        await host.share.agree()


@contextmanager
def stopped(server: ValkeyServer) -> Iterator[None]:
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server._process.pid, signal.SIGCONT)


@asynccontextmanager
async def running(*hosts: Host) -> Any:
    for host in hosts:
        host.share.start()
    try:
        yield
    finally:
        for host in hosts:
            await host.share.stop()


async def until(condition: Any) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - of another process, too
            await asyncio.sleep(0.01)


@in_a_loop
async def test_every_change_is_known_to_all(hosts: list[Host]) -> None:
    one, two = hosts
    key, other = one.create(), two.create("bob")
    await agree(one, two, one)
    assert all(host.accepts(made) for host in hosts for made in (key, other))
    two.store.disable(key.id)
    await agree(two, one)
    assert not one.accepts(key)
    one.store.enable(key.id)
    await agree(one, two)
    assert two.accepts(key)
    rotated = two.store.rotate(key.id, 0.0)
    assert rotated is not None
    await agree(two, one)
    assert (one.accepts(key), one.accepts(rotated)) == (False, True)
    one.store.revoke(key.id)
    await agree(one, two)
    assert not two.accepts(rotated)
    assert two.accepts(other)
    two.store.expire(other.id, 1.0)
    await agree(two, one)
    assert not one.accepts(other)
    record = [(change.actor, change.action) for change in one.store.changes(other.id)]
    assert record == [("another host", "receive")] * 2
    assert one.store.list() == two.store.list()


@in_a_loop
async def test_a_key_with_all_that_it_may_have(hosts: list[Host]) -> None:
    one, two = hosts
    made = one.store.create(
        "alice", ["a", "b"], team="t", expires=3e9, owner="o", models=["m*"], addresses=["192.0.2.0/24"], limits=["l"]
    )
    fields = KeyFields("bob", ("user",))
    one.store.import_digest("ab" * 32, fields)
    one.store.rotate(made.id, 60.0)
    await agree(one, two)
    assert two.store.list() == one.store.list()
    # Nothing is left to be told.
    assert await one.share.agree()
    assert one.share._sums == two.share._sums


@in_a_loop
async def test_what_was_changed_on_both_sides_while_they_were_apart(hosts: list[Host]) -> None:
    one, two = hosts
    key = one.create()
    await agree(one, two)
    one.store.disable(key.id)
    rotated = two.store.rotate(key.id, 0.0)
    assert rotated is not None
    one.store.expire(key.id, 3e9)
    await agree(one, two, one)
    for host in hosts:
        record = host.store.get(key.id)
        assert record is not None
        assert (record.disabled, record.expires) == (True, 3e9)
    one.store.enable(key.id)
    two.store.revoke(key.id)
    await agree(one, two, one)
    assert [host.accepts(rotated) for host in hosts] == [False, False]


@in_a_loop
async def test_a_store_that_comes_back_empty_deletes_nothing_and_brings_nothing_back(
    hosts: list[Host], server: ValkeyServer
) -> None:
    one, two = hosts
    kept, revoked, late = one.create(), one.create(), one.create()
    one.store.revoke(revoked.id)
    await agree(one, two)
    # Host two misses this, and is the first at the empty store.
    one.store.revoke(late.id)
    with server.client() as client:
        client.flushall()
    await agree(two, one, two)
    for host in hosts:
        assert [host.accepts(key) for key in (kept, revoked, late)] == [True, False, False]


@in_a_loop
async def test_a_store_that_nobody_knows_is_not_believed_at_once(
    tmp_path: Path, url: str, server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that only the test ends it.
    monkeypatch.setattr(module, "SETTLE_S", 3600.0)
    one, two = Host(tmp_path / "one", url), Host(tmp_path / "two", url)
    key = one.create()
    await agree(one, two)
    assert [host.accepts(key) for host in (one, two)] == [None, None]
    monkeypatch.setattr(module, "SETTLE_S", 0.0)
    one.share._settling = two.share._settling = ""
    await agree(one, two)
    assert [host.accepts(key) for host in (one, two)] == [True, True]
    # A host that starts again knows the store, and believes it at once.
    monkeypatch.setattr(module, "SETTLE_S", 3600.0)
    again = Host(tmp_path / "two", url)
    assert again.accepts(key) is None
    await agree(again)
    assert again.accepts(key) is True
    # An empty one it does not: it may not have heard of a revocation, and waits for who has.
    two.store.close()
    with server.client() as client:
        client.flushall()
    third = Host(tmp_path / "two", url)
    assert not await third.share.agree()
    assert third.accepts(key) is None


@in_a_loop
async def test_a_writer_of_this_host_that_was_faster_than_the_exchange(hosts: list[Host]) -> None:
    one, two = hosts
    key = one.create()
    await agree(one, two)
    before = one.share._exchange_some

    async def interrupted(buckets: Any) -> list[int]:
        two.store.disable(key.id)
        one.share._exchange_some = before  # type: ignore[method-assign]
        await agree(two)
        return await before(buckets)

    one.share._exchange_some = interrupted  # type: ignore[method-assign]
    one.store.expire(key.id, 3e9)
    await agree(one, two)
    for host in hosts:
        record = host.store.get(key.id)
        assert record is not None
        assert (record.disabled, record.expires) == (True, 3e9)


@in_a_loop
async def test_a_swap_that_another_host_won_is_done_again(hosts: list[Host], url: str) -> None:
    one, two = hosts
    key = one.create()
    await agree(one, two)
    before = one.share._put

    async def beaten(puts: Any) -> list[int]:
        one.share._put = before  # type: ignore[method-assign]
        two.store.disable(key.id)
        await agree(two)
        return await before(puts)

    one.share._put = beaten  # type: ignore[method-assign]
    one.store.expire(key.id, 3e9)
    await agree(one, two)
    assert not any(host.accepts(key) for host in hosts)
    assert all((record := host.store.get(key.id)) is not None and record.expires == 3e9 for host in hosts)


@pytest.mark.parametrize("text", [b"garbage", b'{"id":"abc"}'])
@in_a_loop
async def test_a_key_in_the_store_that_cannot_be_read_is_no_agreement(
    hosts: list[Host], server: ValkeyServer, text: bytes
) -> None:
    one, _ = hosts
    key = one.create()
    await agree(one)
    bucket = module._bucket(key.id)
    with server.client() as client:
        client.hset(f"tidegate:{{keys}}:{bucket}", key.id, text)
        client.hset("tidegate:{keys}:sums", mapping={str(bucket): 1, "all": 1})
    with pytest.raises(Disagreement, match=key.id):
        await agree(one)


@in_a_loop
async def test_many_keys_and_a_key_written_by_another_version(hosts: list[Host], server: ValkeyServer) -> None:
    one, two = hosts
    for _ in range(600):
        one.create()
    await agree(one, two)
    assert len(two.store.list()) == 600
    key = one.create()
    await agree(one)
    bucket = module._bucket(key.id)
    with server.client() as client:
        name = f"tidegate:{{keys}}:{bucket}"
        old = client.hget(name, key.id)
        script = module._script("keys_put")
        new = old[:-1] + b',"of_tomorrow":1}'
        client.eval(script.text, 2, name, "tidegate:{keys}:sums", str(bucket), key.id, old, new)
        await agree(one, two)
        # Taken for what it is here, and left as it is there.
        assert client.hget(name, key.id) == new
    assert two.accepts(key)
    await agree(one, two)
    assert one.share._sums == two.share._sums


@in_a_loop
async def test_a_command_shares_and_leaves_the_gateway_beside_it_alone(
    tmp_path: Path, hosts: list[Host], url: str, server: ValkeyServer
) -> None:
    one, two = hosts
    key = one.create()
    await agree(one)
    assert await share_once(url, two.folder) is None
    assert two.store.get(key.id) is not None
    # The gateway of that host has not looked: it believes nothing because of a command.
    assert two.accepts(key) is None
    two.store.revoke(key.id)
    assert await share_once(url, two.folder) is None
    await agree(one)
    assert one.accepts(key) is False
    assert await share_once("redis://127.0.0.1:1/0", two.folder) is not None


@in_a_loop
async def test_trust_ends_by_itself(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.0)
    now = time.monotonic_ns()
    host = Host(tmp_path / "one", url, keep_s=5.0)
    key = host.create()
    monkeypatch.setattr("engine.hosts.keys.time.monotonic_ns", lambda: now)
    await agree(host)
    assert host.share._replica._revision.trusted_until == now + 5_000_000_000
    assert host.accepts(key)
    # What the worker would see five seconds later, whatever the supervisor does.
    monkeypatch.setattr("engine.identity.store.monotonic_ns", lambda: now + 5_000_000_001)
    assert host.accepts(key) is None
    principal = type("P", (), {"source": "api_key", "key_id": key.id})()
    with pytest.raises(IdentityUnavailable):
        host.cache.is_revoked(principal)


@in_a_loop
async def test_the_push_is_heard_and_what_is_not_heard_is_polled(
    hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = hosts
    key, other = one.create(), one.create()
    # No poll within the test: what arrives was pushed.
    monkeypatch.setattr(module, "POLL_S", 3600.0)
    async with running(two, one):
        await until(lambda: two.accepts(key))
        one.store.revoke(key.id)
        await until(lambda: two.accepts(key) is False)

    async def deaf(channel: str, message: bytes) -> None:
        raise StoreDown("not now")

    monkeypatch.setattr(module, "POLL_S", 0.05)
    three, four = (Host(host.folder, host.share._store._named[0]) for host in hosts)
    monkeypatch.setattr(three.share._store, "publish", deaf)
    async with running(three, four):
        await until(lambda: four.accepts(other))
        three.store.revoke(other.id)
        await until(lambda: four.accepts(other) is False)


@in_a_loop
async def test_an_end_that_comes_with_a_message_is_one(hosts: list[Host]) -> None:
    share = hosts[0].share
    waiting = asyncio.create_task(share._until_due(share._replica.word))
    await asyncio.sleep(0)
    share._wake.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@in_a_loop
async def test_an_end_that_comes_at_any_step_is_one(tmp_path: Path, url: str) -> None:
    for steps in range(60):
        share = KeyShare(Store(url, TIMEOUT_S), tmp_path, 3600.0)
        share.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_S):
            await share.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}


@in_a_loop
async def test_an_end_that_the_client_of_the_store_loses_is_said_again(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, lost = asyncio.Event(), []

    async def connect() -> None:
        reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append(True)
        raise StoreDown("and goes on")

    share = KeyShare(Store(url, TIMEOUT_S), tmp_path, 3600.0)
    monkeypatch.setattr(share._store, "connect", connect)
    share.start()
    async with asyncio.timeout(DEADLINE_S):
        await reached.wait()
        await share.stop()
    assert lost == [True]


@in_a_loop
async def test_a_store_that_is_frozen_killed_and_started_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.1)
    monkeypatch.setattr(module, "RETRY_MOST_S", 0.1)
    with ValkeyServer(save="", appendonly="no") as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        one, two = Host(tmp_path / "one", url, 1.0), Host(tmp_path / "two", url, 1.0)
        for host in (one, two):
            host.share._store._timeout_s = 0.3
        kept, revoked, late = one.create(), one.create(), one.create()
        async with running(one, two):
            await until(lambda: two.accepts(kept) and two.accepts(late))
            one.store.revoke(revoked.id)
            await until(lambda: two.accepts(revoked) is False)
            with stopped(server):
                await until(lambda: one.accepts(kept) is None and two.accepts(kept) is None)
                assert one.failures
                assert two.failures
                # Nobody can be told, and nobody believes anything.
                one.store.revoke(late.id)
                assert two.accepts(late) is None
            await until(lambda: one.accepts(kept) and two.accepts(kept))
            # What comes back is not what was known before the freeze.
            await until(lambda: two.accepts(late) is False)
            port = server.port
            server.terminate()
            await until(lambda: one.accepts(kept) is None and two.accepts(kept) is None)
            server._desired_port = port
            server.start()
            await until(lambda: one.accepts(kept) and two.accepts(kept))
            for host in (one, two):
                assert [host.accepts(key) for key in (kept, revoked, late)] == [True, False, False]
                assert host.problem is None


@in_a_loop
async def test_a_database_that_was_replaced(hosts: list[Host], tmp_path: Path) -> None:
    one, two = hosts
    key, lost = one.create(), one.create()
    await agree(one, two)
    one.store.revoke(lost.id)
    await agree(one)
    for path in one.folder.glob("keys.sqlite*"):
        path.unlink()
    KeyStore(one.folder, "test").close()
    await agree(one, two)
    assert {record.id for record in KeyStore(one.folder).list()} == {key.id, lost.id}
    assert two.accepts(lost) is False
    record = KeyStore(one.folder).get(lost.id)
    assert record is not None
    assert record.revoked is not None
