"""The same over a cluster: one node that holds every slot, as a Redis Cluster client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from engine.limits.shared.client import Store, StoreDown
from engine.limits.shared.counters import Counter, quota, rate, slots
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.life import Life
from engine.limits.shared.scripts import BUCKETS, bucket_key
from tests.unit.limits.shared.test_keeper import Told, Worker, limit, run, until
from tests.valkey import ValkeyServer


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyServer]:
    config = {"cluster-enabled": "yes", "save": "", "appendonly": "no"}
    with ValkeyServer(config=config) as server, server.client(decode_responses=True) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
            pass
        yield server


@pytest.fixture
def client(cluster: ValkeyServer) -> Iterator[Any]:
    with cluster.client(decode_responses=True) as made:
        made.flushall()
        yield made


def test_a_cluster_is_found_and_its_limits_hold(tmp_path: Path, cluster: ValkeyServer, client: Any) -> None:
    for bucket in range(BUCKETS):
        client.hset(bucket_key(bucket), "id", "store")

    async def test() -> None:
        workers = []
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            Life(folder).adopt("store")
            workers.append(Worker(folder, f"redis://127.0.0.1:{cluster.port}"))
        for worker in workers:
            await worker.keeper.start()
        await until(lambda: not any(worker.keeper.failing for worker in workers))
        names = [f"limit {number}".encode() for number in range(4)]
        for name in names:
            leases = [worker.keeper.lease(limit(20, name), False) for worker in workers]
            admitted = 0
            for turn in range(60):
                admitted += await workers[turn % 2].take(leases[turn % 2])
            assert admitted == 20
        client.flushall()
        await until(lambda: "forgot" in workers[0].told.events)
        for worker in workers:
            await worker.keeper.stop()

    run(test())


@pytest.mark.parametrize("counter", [rate(b"a", 1, 9), quota(b"b", 1, 0, 9), slots(b"c", 1)])
def test_what_is_atomic_lies_in_one_slot(counter: Counter) -> None:
    assert len({key_slot(key) for key in counter.keys}) == 1


def test_buckets_are_spread_over_the_slots() -> None:
    assert len({key_slot(bucket_key(bucket)) // 1024 for bucket in range(BUCKETS)}) == 16


def test_messages_are_heard_in_a_cluster(cluster: ValkeyServer) -> None:
    async def test() -> None:
        store = Store(f"valkey://127.0.0.1:{cluster.port}")
        await store.connect()
        assert store.clustered
        heard = store.messages("revoked")
        first = asyncio.ensure_future(anext(heard))
        with cluster.client(decode_responses=True) as client:
            await until(lambda: client.pubsub_numsub("revoked")[0][1] == 1)
        await store.publish("revoked", b"key-1")
        assert await first == b"key-1"
        await heard.aclose()
        await store.close()

    run(test())


def test_a_node_that_is_gone_is_passed_over(url: str, cluster: ValkeyServer) -> None:
    async def test() -> None:
        # Nobody listens there.
        store = Store(f"redis://127.0.0.1:1,127.0.0.1:{cluster.port}")
        await store.connect()
        assert store.clustered
        await store.connect()
        assert await store.root(bucket_key(0), None) == "store"
        await store.close()
        # One that is named beside others and is no cluster keeps a ledger of its own.
        with pytest.raises(StoreDown, match="no cluster"):
            await Store(f"{url.removesuffix('/0')},127.0.0.1:1").connect()

    with cluster.client() as client:
        client.hset(bucket_key(0), "id", "store")
    run(test())


def test_who_listens_to_a_node_that_is_gone_tries_another(cluster: ValkeyServer) -> None:
    async def test() -> None:
        store = Store(f"redis://127.0.0.1:1,127.0.0.1:{cluster.port}")
        with pytest.raises(StoreDown):
            await anext(store.messages("revoked"))
        heard = store.messages("revoked")
        first = asyncio.ensure_future(anext(heard))
        with cluster.client() as client:
            await until(lambda: client.publish("revoked", b"key-1") > 0)
        assert await first == b"key-1"
        await heard.aclose()

    run(test())


def test_a_keeper_tells_a_cluster_from_one_server(tmp_path: Path, url: str, cluster: ValkeyServer) -> None:
    async def test() -> None:
        for address, clustered in ((url, False), (f"redis://127.0.0.1:{cluster.port}", True)):
            store = Store(address)
            await store.connect()
            assert store.clustered is clustered
            await store.close()

    run(test())
    assert Keeper(Store(url), Life(tmp_path), Told()).failing
