"""The same over a cluster: one node that holds every slot, as a Redis Cluster client sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.crc import key_slot

from engine.hosts import keys as module
from tests.unit.hosts.test_keys import Host, agree, in_a_loop, running, until
from tests.valkey import ValkeyServer


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyServer]:
    config = {"cluster-enabled": "yes", "save": "", "appendonly": "no"}
    with ValkeyServer(config=config) as server, server.client(decode_responses=True) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
            pass
        yield server


@in_a_loop
async def test_keys_of_hosts_on_a_cluster(
    tmp_path: Path, cluster: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.0)
    one, two = (Host(tmp_path / name, f"redis://127.0.0.1:{cluster.port}") for name in ("one", "two"))
    keys = [one.create() for _ in range(300)]
    await agree(one, two)
    assert two.store.list() == one.store.list()
    monkeypatch.setattr(module, "POLL_S", 3600.0)
    async with running(two, one):
        await until(lambda: two.accepts(keys[0]))
        one.store.revoke(keys[0].id)
        await until(lambda: two.accepts(keys[0]) is False)


def test_what_is_atomic_lies_in_one_slot() -> None:
    assert {key_slot(module._key(bucket)) for bucket in range(module.BUCKETS)} == {key_slot(module._SUMS)}
