"""A cluster loses a primary, the very node that the gateways were told of, and a replica takes its place."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from redis.exceptions import RedisError

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import until
from tests.valkey import ValkeyServer

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1"}}
identity: {{anonymous: user}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {{name: requests, by: model, requests: 60/day, models: ["m*"]}}
"""
LIMIT = 60
# Counters of many buckets, so that some lie on every node.
MODELS = 12
CONFIG = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1000",
    "cluster-replica-validity-factor": "0",
    "repl-diskless-sync-delay": "0",
    "save": "",
    "appendonly": "no",
}
SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


def _command(server: ValkeyServer, *words: object) -> str:
    client: Any
    with server.client(decode_responses=True) as client:
        return str(client.execute_command(*words))


def _is_up(server: ValkeyServer) -> bool:
    try:
        return "cluster_state:ok" in _command(server, "CLUSTER", "INFO")
    except RedisError:
        return False


@pytest.fixture
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ValkeyServer]]:
    """Three primaries, then a replica of each."""
    with ExitStack() as running:
        folders = [tmp_path_factory.mktemp("node") for _ in range(6)]
        made = [running.enter_context(ValkeyServer(data_dir=folder, config=CONFIG)) for folder in folders]
        for node, slots in zip(made, SLOTS, strict=False):
            _command(node, "CLUSTER", "ADDSLOTSRANGE", *slots)
        for node in made[1:]:
            _command(made[0], "CLUSTER", "MEET", "127.0.0.1", node.port)
        for primary, replica in zip(made[:3], made[3:], strict=True):
            name = _command(primary, "CLUSTER", "MYID")
            until(lambda replica=replica, name=name: name in _command(replica, "CLUSTER", "NODES"))
            _command(replica, "CLUSTER", "REPLICATE", name)
            until(lambda replica=replica: "master_link_status:up" in _info(replica))
        until(lambda: all(map(_is_up, made)))
        yield made


def _info(server: ValkeyServer) -> str:
    client: Any
    with server.client(decode_responses=True) as client:
        return f"master_link_status:{client.info('replication').get('master_link_status')}"


def _failing(gateways: list[Gateway]) -> int:
    return int(sum(gateway.metric("tidegate_limits_store_failing") for gateway in gateways))


def test_a_primary_dies_under_load(run_gateway: Run, upstream: Upstream, nodes: list[ValkeyServer]) -> None:
    store = f"redis://127.0.0.1:{nodes[0].port}"
    gateways = [run_gateway(POLICY.format(port=upstream.port), TIDEGATE_REDIS_URL=store) for _ in range(2)]

    def one(turn: int) -> int:
        model = f"m{turn // 2 % MODELS}"
        return ask(gateways[turn % 2].port, request("", chat(model), more="Connection: close\r\n")).status

    def admitted() -> Counter[str]:
        return Counter(json.loads(received.body)["model"] for received in list(upstream.received))

    with ThreadPoolExecutor(8) as pool:
        seen = Counter(pool.map(one, range(MODELS * 20)))
        # 503 is for a store that a busy machine makes slow.
        assert set(seen) <= {200, 503}
        assert nodes[0]._process is not None
        os.kill(nodes[0]._process.pid, signal.SIGKILL)
        until(lambda: seen.update(pool.map(one, range(8))) or _failing(gateways) > 0)
        until(lambda: seen.update(pool.map(one, range(8))) or _failing(gateways) == 0)

        def used_up() -> bool:
            more = Counter(pool.map(one, range(MODELS * 4)))
            seen.update(more)
            return set(more) == {429}

        until(used_up)
    assert set(seen) == {200, 429, 503}
    # What was told the store last may be charged twice, at most all of it; nothing is given out twice.
    assert all(LIMIT - 20 <= count <= LIMIT for count in admitted().values()), admitted()
    assert len(admitted()) == MODELS
    assert "Unclosed" not in gateways[0].log.read_text()
