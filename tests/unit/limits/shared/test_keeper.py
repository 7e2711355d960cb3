"""Leases of several workers on a real Valkey: never over the limit, whatever the store does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from engine.limits.shared.client import CALL_TIMEOUT_S, Store, StoreDown
from engine.limits.shared.counters import Counter, quota, rate, slots
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.lease import Lease
from engine.limits.shared.life import Life
from engine.limits.shared.scripts import BUCKETS, bucket_key
from tests.valkey import ValkeyServer

DAY_NS = 86_400 * 10**9
# On a busy machine a store that is well may be slower than the time-out of a gateway.
PATIENT_S = 10.0
FAR_US = 4_000_000_000_000_000


class Told:
    """A Report that remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.calls = 0

    def called(self, count: int) -> None:
        self.calls += count

    def fell_back(self, mode: str) -> None:
        self.events.append(mode)

    def failing(self, reason: str) -> None:
        self.events.append("failing")

    def unreachable(self, reason: str) -> None:
        self.events.append("failing")

    def sound(self) -> None:
        self.events.append("sound")

    def forgot(self, bucket: int) -> None:
        self.events.append("forgot")


def limit(count: int, name: bytes = b"limit") -> Counter:
    return rate(name, DAY_NS // count, DAY_NS)


class Worker:
    """A keeper, and a way to take from it as a bound does."""

    def __init__(self, folder: Path, url: str, timeout_s: float = PATIENT_S) -> None:
        self.told = Told()
        self.keeper = Keeper(Store(url, timeout_s), Life(folder), self.told)

    async def take(self, lease: Lease) -> bool:
        """One permit, after as many turns as it takes to know."""
        while True:
            clock = asyncio.get_running_loop().time() * 1e9
            if lease.has(int(clock)):
                lease.held -= 1
                lease.spent += 1
                if lease.held <= lease.low:
                    self.keeper.ask(lease)
                return True
            if lease.denied_until_ns > clock or self.keeper.failing:
                return False
            await self.keeper.wait(lease)

    async def reserve(self, lease: Lease, amount: int) -> bool:
        """So many permits, as `SharedMetered` takes them."""
        while True:
            clock = int(asyncio.get_running_loop().time() * 1e9)
            if lease.has(clock, amount):
                lease.take(amount)
                return True
            if lease.wait_ns(clock, amount) > 0 or self.keeper.failing:
                return False
            await self.keeper.wait(lease, amount)


async def until(ask: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not ask():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def workers(
    tmp_path: Path, url: str, count: int, road: str | None = None, timeout_s: float = PATIENT_S
) -> AsyncIterator[list[Worker]]:
    """Workers of as many hosts, each of which knows the store, and reaches it by another URL where one is given."""
    made = []
    for number in range(count):
        folder = tmp_path / str(number)
        folder.mkdir()
        # As after an earlier start: a host that has never seen the store waits for those that have.
        Life(folder).adopt("store")
        made.append(Worker(folder, road or url, timeout_s))
    with Redis.from_url(url) as client:
        for bucket in range(BUCKETS):
            client.hset(bucket_key(bucket), "id", "store")
    for worker in made:
        await worker.keeper.start()
    await until(lambda: not any(worker.keeper.failing for worker in made))
    try:
        yield made
    finally:
        for worker in made:
            await worker.keeper.stop()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


@pytest.mark.parametrize("counter", [limit(60), quota(b"q", 60, 0, FAR_US)], ids=["rate", "quota"])
def test_workers_admit_exactly_the_limit(tmp_path: Path, url: str, counter: Counter) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 3) as three:
            leases = [worker.keeper.lease(counter, False) for worker in three]
            admitted = 0
            for turn in range(180):
                admitted += await three[turn % 3].take(leases[turn % 3])
            assert admitted == 60
            # Batches: fewer calls than requests.
            assert sum(worker.told.calls for worker in three) < 150

    run(test())


def test_what_lies_idle_comes_back(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2) as (one, two):
            first, second = (worker.keeper.lease(limit(10), False) for worker in (one, two))
            assert await one.take(first)
            await until(lambda: first.held > 0)
            admitted = 0
            while await two.take(second):
                admitted += 1
            assert admitted == 9 - first.held < 9
            await until(lambda: first.held == 0)
            second.denied_until_ns = 0
            while await two.take(second):
                admitted += 1
            assert admitted == 9

    run(test())


def test_a_worker_that_ends_gives_back(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2) as (one, two):
            lease = one.keeper.lease(limit(10), False)
            assert await one.take(lease)
            await one.keeper.stop()
            second = two.keeper.lease(limit(10), False)
            assert [await two.take(second) for _ in range(10)] == [True] * 9 + [False]

    run(test())


def test_slots_are_held_while_requests_run(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2) as (one, two):
            counter = slots(b"s", 3)
            first, second = (worker.keeper.lease(counter, False) for worker in (one, two))
            assert await one.reserve(first, 1)
            assert await one.reserve(first, 1)
            assert await two.reserve(second, 1)
            assert not await two.reserve(second, 1)
            # Renewed while they run, beyond what idle permits live.
            number = one.told.calls
            await until(lambda: one.told.calls > number + 1)
            first.release(1, 0)
            await until(lambda: first.held == 0 and not first.asked)
            second.denied_until_ns = 0
            assert await two.reserve(second, 1)
            assert (first.busy, second.busy) == (1, 2)

    run(test())


def test_a_request_gets_what_it_needs_however_large(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2) as (one, two):
            counter = quota(b"large", 1000, 0, FAR_US)
            first, second = (worker.keeper.lease(counter, False) for worker in (one, two))
            assert await one.reserve(first, 10)
            # The first of its caller with this worker, and larger than any lease.
            assert await two.reserve(second, 900)
            # What was reserved too large is there again for everybody, at once where there is little left.
            second.release(900, 20)
            two.keeper.ask(second)
            await until(lambda: not second.asked)
            first.denied_until_ns = 0
            assert await one.reserve(first, 600)
            first.release(600, 600)
            assert not await one.reserve(first, 400)
            # What is used above its reservation is a debt, and nothing is left.
            first.release(10, 500)
            one.keeper.ask(first)
            await until(lambda: not first.asked)
            assert not await one.reserve(first, 1)
            assert first.known == 20 + 600 + 500

    run(test())


def test_a_killed_worker_is_charged_what_it_used_and_no_more(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 1) as (living,):
            folder = tmp_path / "0"
            store, journals = Store(url, PATIENT_S), folder / "leases"
            dead = Keeper(store, Life(folder), Told(), journals)
            await dead.start()
            counters = [limit(100), quota(b"q", 100, 0, FAR_US), slots(b"s", 100)]
            rated, counted, open_now = (dead.lease(counter, False) for counter in counters)
            for lease in (rated, counted, open_now):
                await dead.wait(lease, 40)
                lease.take(10)
            # Seven of ten were used, and of ten more four are noted to be by now.
            for lease in (rated, counted):
                lease.release(10, 7)
                lease.take(10)
                lease.note(4)
            await until(lambda: not dead._asked)
            # It dies: nothing more is said by it, and its lock is gone.
            assert dead._task is not None
            assert dead._journal is not None
            dead._task.cancel()
            await store.close()
            dead._journal._file.close(remove=False)
            living.keeper._journals = journals
            await until(lambda: not list(journals.iterdir()))
            left = []
            for counter in counters:
                lease = living.keeper.lease(counter, False)
                await living.keeper.wait(lease)
                left.append(lease.free + lease.held)
            assert left == [89, 89, 100]

    run(test())


def _signal(server: ValkeyServer, number: int) -> None:
    assert server._process is not None
    os.kill(server._process.pid, number)


def test_a_frozen_store_fails_in_time_and_comes_back_by_itself(tmp_path: Path, url: str, server: ValkeyServer) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2, timeout_s=CALL_TIMEOUT_S) as two:
            leases = [worker.keeper.lease(limit(40), False) for worker in two]
            assert await two[0].take(leases[0])
            _signal(server, signal.SIGSTOP)
            try:
                # A request that needs the store waits no longer than its time-out, and is decided then.
                assert not await two[1].take(leases[1])
                assert two[1].keeper.failing
                await until(lambda: two[0].keeper.failing)
            finally:
                _signal(server, signal.SIGCONT)
            await until(lambda: not any(worker.keeper.failing for worker in two))
            assert two[1].told.events[:2] == ["sound", "failing"]
            assert two[1].told.events[-1] == "sound"
            admitted = 1
            for turn in range(80):
                admitted += await two[turn % 2].take(leases[turn % 2])
            # Permits that were granted into the pause are missing until their end, and nothing is there twice.
            assert 30 <= admitted <= 40

    run(test())


def test_a_store_that_is_flushed_is_told_again(tmp_path: Path, url: str, client: Any) -> None:
    async def test() -> None:
        async with workers(tmp_path, url, 2) as two:
            leases = [worker.keeper.lease(limit(40), False) for worker in two]
            admitted = sum([await two[turn % 2].take(leases[turn % 2]) for turn in range(20)])
            assert admitted == 20
            await until(lambda: all(lease.is_settled() for lease in leases))
            client.flushall()
            await until(lambda: all("forgot" in worker.told.events for worker in two))
            # Nothing is granted before the leases of the life before have ended.
            assert not await two[0].take(leases[0])
            await until(lambda: leases[0].back_ns < asyncio.get_running_loop().time() * 1e9)
            leases[1].denied_until_ns = 0
            for turn in range(80):
                admitted += await two[turn % 2].take(leases[turn % 2])
            assert admitted == 40

    run(test())


def test_a_host_is_known_by_its_files(tmp_path: Path) -> None:
    first = Life(tmp_path)
    assert first.store == ""
    first.adopt("abc")
    again = Life(tmp_path)
    assert (again.store, again.host) == ("abc", first.host)
    other = tmp_path / "other"
    other.mkdir()
    assert Life(other).host != first.host


def test_a_new_deployment_begins_with_whole_budgets(tmp_path: Path, url: str) -> None:
    async def test() -> None:
        hosts = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            hosts.append(Worker(folder, url))
        await asyncio.gather(*(host.keeper.start() for host in hosts))
        await until(lambda: not any(host.keeper.failing for host in hosts))
        leases = [host.keeper.lease(limit(10), False) for host in hosts]
        admitted = 0
        for turn in range(30):
            admitted += await hosts[turn % 2].take(leases[turn % 2])
        assert admitted == 10
        assert (tmp_path / "0" / "store.id").read_text() == (tmp_path / "1" / "store.id").read_text()
        for host in hosts:
            await host.keeper.stop()

    run(test())


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    async def test() -> None:
        worker = Worker(tmp_path, "redis://127.0.0.1:1/0")
        await worker.keeper.start()
        assert worker.told.events == ["failing"]
        assert not await worker.take(worker.keeper.lease(limit(5), False))
        await worker.keeper.stop()
        with pytest.raises(StoreDown):
            await Store("redis://127.0.0.1:1/0").connect()

    run(test())


def test_a_store_that_evicts_is_refused(url: str, client: Any) -> None:
    async def test() -> None:
        with pytest.raises(StoreDown, match="evicts keys"):
            await Store(url).connect()

    client.config_set("maxmemory", 100_000_000)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        run(test())
    finally:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


def test_messages_reach_who_listens(url: str, client: Any) -> None:
    async def test() -> None:
        store = Store(url)
        await store.connect()
        heard = store.messages("revoked")
        first: Awaitable[bytes] = asyncio.ensure_future(anext(heard))
        await until(lambda: client.pubsub_numsub("revoked")[0][1] == 1)
        await store.publish("revoked", b"key-1")
        assert await first == b"key-1"
        await heard.aclose()
        await store.close()

    run(test())


class SlowRoad:
    """A TCP proxy in front of the store that holds back what passes, either way, for `delay_s`."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self._target = port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> SlowRoad:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for source, target in ((reader, other_writer), (other_reader, writer)):
            self._tasks.add(asyncio.create_task(self._pass(source, target)))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await asyncio.sleep(self.delay_s)
            target.write(data)
        target.close()


def test_a_slow_store_is_used_and_one_that_is_too_slow_fails(tmp_path: Path, url: str, server: ValkeyServer) -> None:
    async def test() -> None:
        async with (
            SlowRoad(server.port) as road,
            workers(tmp_path, url, 2, f"redis://127.0.0.1:{road.port}", 0.5) as two,
        ):
            leases = [worker.keeper.lease(limit(20), False) for worker in two]
            road.delay_s = 0.02
            admitted = sum([await two[turn % 2].take(leases[turn % 2]) for turn in range(10)])
            assert admitted == 10
            road.delay_s = 0.5
            await until(lambda: all(worker.keeper.failing for worker in two))
            # What comes late was asked for by nobody any more: it is not used, and not lost for longer than a lease.
            road.delay_s = 0.0
            await until(lambda: not any(worker.keeper.failing for worker in two))
            for turn in range(60):
                admitted += await two[turn % 2].take(leases[turn % 2])
            assert admitted <= 20

    run(test())
