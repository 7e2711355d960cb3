"""Every kind of limit, ten times over: eight workers at one counter, of one host and of two that share a Valkey."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import until
from tests.valkey import ValkeyServer

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1"}}
models:
  "*": {{upstream: local, price: {{input: 1.00, output: 2.00}}}}
identity: {{anonymous: user}}
network: {{trusted_proxies: [127.0.0.1/32]}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {{name: requests, by: ip, requests: 40/day, models: [requests]}}
  - {{name: monthly, by: ip, requests: 40/month, window: calendar, models: [monthly]}}
  - {{name: bytes, by: ip, body_bytes: {bytes}/day, models: [bytes]}}
  - {{name: tokens, by: ip, tokens: 200/day, models: [tokens]}}
  - {{name: spend, by: ip, spend: 0.00028/month, models: [spend]}}
  - {{name: parallel, by: ip, concurrent: 12, models: [endless]}}
"""
RUNS = 10
ADMITTED = 40
PARALLEL = 12
WORKERS = 8


def _body(model: str) -> bytes:
    return chat(model, max_tokens=2)


# Of the 5 tokens that the upstream reports, 3 come in: 0.000007 USD. What is reserved is more.
_RESERVED = len(_body("tokens")) // 3 + 1 + 2
_LEFT_OVER = {"tokens": -(-_RESERVED // 5), "spend": -(-(_RESERVED + 2) // 7)}


class Hosts(NamedTuple):
    """Gateways that count together."""

    gateways: list[Gateway]
    # 503 is for a store that a busy machine makes slow.
    refusals: frozenset[int]

    def ask(self, run: int, model: str, turn: int) -> int:
        gateway = self.gateways[turn % len(self.gateways)]
        return ask(gateway.port, request("", _body(model), more=f"{_address(run)}Connection: close\r\n")).status

    def open_stream(self, run: int, turn: int) -> Connection:
        connection = Connection(self.gateways[turn % len(self.gateways)].port)
        connection.send(request("", chat("endless", stream=True, max_tokens=1000), more=_address(run)))
        return connection


def _address(run: int) -> str:
    """Each run has counters of its own."""
    return f"X-Forwarded-For: 192.0.2.{run}\r\n"


@pytest.fixture(scope="module", params=["one-host", "two-hosts"])
def hosts(
    request: pytest.FixtureRequest, run_gateway: Run, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hosts]:
    policy = POLICY.format(port=upstream.port, bytes=ADMITTED * len(_body("bytes")))
    with ExitStack() as running:
        if request.param == "one-host":
            gateways = [run_gateway(policy, TIDEGATE_WORKERS=str(WORKERS))]
            refusals = {429}
        else:
            folder = tmp_path_factory.mktemp("valkey")
            valkey = running.enter_context(ValkeyServer(data_dir=folder, save="", appendonly="no"))
            store = f"redis://127.0.0.1:{valkey.port}/0"
            each = str(WORKERS // 2)
            gateways = [run_gateway(policy, TIDEGATE_WORKERS=each, TIDEGATE_REDIS_URL=store) for _ in range(2)]
            refusals = {429, 503}
        yield Hosts(gateways, frozenset(refusals))


@pytest.mark.parametrize("model", ["requests", "monthly", "bytes", "tokens", "spend"])
def test_what_is_admitted_is_the_limit(hosts: Hosts, upstream: Upstream, model: str) -> None:
    least = ADMITTED - _LEFT_OVER.get(model, 0)
    before = len(upstream.received)
    seen: list[Counter[int]] = [Counter() for _ in range(RUNS)]
    with ThreadPoolExecutor(WORKERS * 2) as pool:

        def used_up(run: int, count: int) -> bool:
            more = Counter(pool.map(lambda turn: hosts.ask(run, model, turn), range(count)))
            seen[run].update(more)
            return seen[run][200] >= least and set(more) == {429}

        for run in range(RUNS):
            used_up(run, ADMITTED * 2)
        # What was reserved beside those that were refused comes back, and so does what another worker leases.
        for run in range(RUNS):
            until(partial(used_up, run, WORKERS))
    for statuses in seen:
        assert set(statuses) - hosts.refusals == {200}
        assert least <= statuses[200] <= ADMITTED
    assert sum(statuses[200] for statuses in seen) == len(upstream.received) - before


def test_what_is_open_at_once_is_the_limit(hosts: Hosts) -> None:
    for run in range(RUNS):
        with ExitStack() as running:
            statuses: Counter[int] = Counter()

            def full(run: int = run, statuses: Counter[int] = statuses, running: ExitStack = running) -> bool:
                more = [running.enter_context(hosts.open_stream(run, turn)) for turn in range(PARALLEL * 2)]
                seen = Counter(connection.head().status for connection in more)
                statuses.update(seen)
                return statuses[200] >= PARALLEL and set(seen) == {429}

            until(full)
            assert set(statuses) - hosts.refusals == {200}
            assert statuses[200] == PARALLEL
