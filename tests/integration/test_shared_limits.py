"""Limits that two gateways keep together in one Valkey: never over, whatever happens to the store."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.extraction.tokens import estimate_request
from engine.limits.model import Limit
from engine.limits.rates import Rate
from engine.limits.scopes import Caller, identity
from engine.limits.shared.sharing import counter_of
from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Answer, Connection, ask, chat, request
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
redaction: {{default: {{}}}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {{name: everything, by: global, requests: 1000000/hour, when_store_fails: open}}
  - {{name: address, by: ip, requests: 900000/hour, when_store_fails: open}}
  - {{name: closed, by: model, requests: 100/day, models: ["closed*"]}}
  - {{name: share, by: model, requests: 100/day, models: ["share*"], when_store_fails: local_share}}
  - {{name: open, by: model, requests: 100/day, models: ["open*"], when_store_fails: open}}
  - {{name: tokens, by: model, tokens: 300/day, models: ["tokens*", half]}}
  - {{name: spend, by: model, spend: 0.0005/month, models: ["spend*"]}}
  - {{name: monthly, by: model, requests: 60/month, window: calendar, models: ["monthly*"]}}
  - {{name: bytes, by: model, body_bytes: 5KiB/day, models: ["bytes*"]}}
  - {{name: parallel, by: ip, concurrent: 4, models: [stall]}}
"""
LIMIT = 100
WORKERS = 4
SLOTS = 4
# By what a model's name begins with: its limit, what one answer uses of it, and at most what is reserved for one. The
# upstream reports 3 tokens of input and 2 of output; the input is estimated at a third of the body's bytes.
BODY = len(chat("monthly-1", max_tokens=2))
BUDGETS = {
    "tokens": (300, 5, BODY // 3 + 1 + 2),
    "spend": (50_000, 700, (BODY // 3 + 1) * 100 + 400),
    "monthly": (60, 1, 1),
    "bytes": (5120, len(chat("bytes-1", max_tokens=2)), len(chat("bytes-1", max_tokens=2))),
}


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
    body = chat(model, max_tokens=2) if model.partition("-")[0] in BUDGETS else chat(model)
    return ask(gateway.port, request("", body, more="Connection: close\r\n"))


def _hammer(gateways: list[Gateway], models: str, done: Callable[[], bool], threads: int = 8) -> dict[int, int]:
    """Asks all gateways for all models by turns, on new connections, until it is done. How often which status came."""
    names = models.split()
    seen: dict[int, int] = {}
    lock = threading.Lock()

    def one(turn: int) -> None:
        while not done():
            status = _ask(gateways[turn % len(gateways)], names[turn // len(gateways) % len(names)]).status
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


def _ask_until_let_in(gateway: Gateway, over: threading.Event) -> int:
    status = 429
    while status in (429, 503) and not over.is_set():
        status = _ask(gateway, "stall").status
    return status


def _budgets(number: int) -> str:
    return " ".join(f"{name}-{number}" for name in BUDGETS)


def _used(upstream: Upstream, number: int) -> dict[str, int]:
    """What the upstream gave of each budget."""
    return {name: _received(upstream, f"{name}-{number}") * each for name, (_, each, _) in BUDGETS.items()}


def _exhaust_budgets(gateways: list[Gateway], upstream: Upstream, number: int, lost: int = 0) -> None:
    """Hammers until less is left of each budget than a request reserves, and holds that none went over. `lost`: so many
    requests may have been charged twice, as the answers to their reports were lost together with the store."""

    def used_up() -> bool:
        _hammer(gateways, _budgets(number), _after(40))
        used = _used(upstream, number)
        return all(used[name] > limit - reserved - lost * each for name, (limit, each, reserved) in BUDGETS.items())

    try:
        until(used_up)
    except AssertionError:
        pytest.fail(f"not used up: {_used(upstream, number)}")
    until(lambda: _hammer(gateways, _budgets(number), _after(40)) == {429: 40})
    used = _used(upstream, number)
    assert all(used[name] <= limit for name, (limit, *_) in BUDGETS.items()), used


def _after(count: int) -> Callable[[], bool]:
    left = iter(range(count))
    return lambda: next(left, None) is None


def _failing(gateways: list[Gateway]) -> int:
    return int(sum(gateway.metric("tidegate_limits_store_failing") for gateway in gateways))


def _leased(valkey: ValkeyServer, name: str, rate: str, model: str) -> int:
    """What workers hold of a limit on requests by model, as the store knows it."""
    limit = Limit(name, "model", Rate.parse(rate))
    counter = counter_of(limit, identity(limit, Caller("", "", None, b"", "", model)))
    with valkey.client() as client:
        return int(client.hget(counter.keys[1], "held") or 0)


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


def test_two_gateways_use_up_every_kind_of_budget_and_no_more(gateways: list[Gateway], upstream: Upstream) -> None:
    _exhaust_budgets(gateways, upstream, 1)
    answer = _ask(gateways[0], "tokens-1")
    assert answer.headers["x-ratelimit-limit-tokens"] == "300"
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) < BUDGETS["tokens"][2]
    assert int(answer.headers["retry-after"]) >= 1
    # The command line looks at the same counter, and mends it for all hosts.
    shown = gateways[0].run("limits", "show", "--json", "--limit", "monthly", "--model", "monthly-1")
    (counter,) = json.loads(shown.stdout)
    assert (counter["used"], counter["held"], counter["left"]) == (60, 0, 0)
    assert gateways[0].run("limits", "set", "monthly", "58", "--model", "monthly-1").returncode == 0
    until(lambda: _hammer(gateways, "monthly-1", _after(8)) and _received(upstream, "monthly-1") == 62)
    until(lambda: _hammer(gateways, "monthly-1", _after(8)) == {429: 8})
    assert _received(upstream, "monthly-1") == 62


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
    for model in ("closed-3", "share-3", *_budgets(3).split()):
        until(lambda model=model: _ask(gateways[0], model).status == 200)
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: _failing(gateways) == WORKERS)
        # What is in hand may be spent; then every mode is what it is declared to be.
        until(lambda: _hammer(gateways, "closed-3 " + _budgets(3), _after(20)) == {503: 20})
        assert _hammer(gateways, "open-3", _after(150)) == {200: 150}
        until(lambda: _hammer(gateways, "share-3", _after(60)) == {429: 60})
        answer = _ask(gateways[0], "open-3")
        line = gateways[0].audited(answer.headers["x-request-id"])
        assert line["controls"]["limits"] == "open"
        assert gateways[0].metric('tidegate_limits_without_store_total{mode="closed"}') > 0
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: _failing(gateways) == 0)
    # Half a share of 100 for each of two hosts, beside what the store had given out.
    assert LIMIT <= _received(upstream, "share-3") <= LIMIT + 2 * WORKERS
    _exhaust(gateways, upstream, "closed-3")
    until(lambda: _hammer(gateways, "closed-3", _after(40)) == {429: 40})
    assert _received(upstream, "closed-3") == LIMIT
    _exhaust_budgets(gateways, upstream, 3)
    assert any(event["event"] == "limits_store_failing" for event in _events(gateways[0]))
    until(lambda: any(event["event"] == "limits_store_sound" for event in _events(gateways[0])))


def test_a_killed_worker_is_charged_for_what_it_had_sent_and_holds_nothing(
    gateways: list[Gateway], upstream: Upstream
) -> None:
    body = chat("half", max_tokens=200)
    with Connection(gateways[0].port) as connection:
        connection.send(request("", body))
        until(lambda: _received(upstream, "half") == 1)
        gateways[0].kill_workers()
    until(gateways[0].ready)

    def counter() -> dict[str, Any]:
        shown = gateways[1].run("limits", "show", "--json", "--limit", "tokens", "--model", "half")
        (found,) = json.loads(shown.stdout)
        return found

    # Another worker of its host has told what it used, which is less than what the lease would have been taken for.
    until(lambda: counter()["held"] == 0)
    assert counter()["used"] == estimate_request(body)


def test_a_store_that_is_killed_in_mid_load_and_comes_back_empty_gives_nothing_away_again(
    gateways: list[Gateway], upstream: Upstream, valkey: ValkeyServer
) -> None:
    assert valkey._process is not None
    _hammer(gateways, "closed-4", _after(50))
    before = _received(upstream, "closed-4")
    assert before <= 50
    # All of it is told and heard: what is in flight when a store is lost may be charged twice.
    until(lambda: _leased(valkey, "closed", "100/day", "closed-4") == 0)
    over = threading.Event()
    with ThreadPoolExecutor(1 + 2 * SLOTS) as pool:
        load = pool.submit(_hammer, gateways, "closed-5 " + _budgets(5), over.is_set, 2)
        until(lambda: _received(upstream, "closed-5") >= 10)
        running = [pool.submit(_ask_until_let_in, gateways[turn % 2], over) for turn in range(2 * SLOTS)]
        until(lambda: _received(upstream, "stall") >= SLOTS)
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
        # Those that run have run through all of it, and nobody was let in beside them.
        until(lambda: _ask(gateways[0], "stall").status == 429)
        assert _received(upstream, "stall") == SLOTS
        over.set()
        statuses = load.result(60)
        upstream.release.set()
        assert sorted(each.result(60) for each in running)[-SLOTS:] == [502] * SLOTS
    until(lambda: _ask(gateways[0], "stall").status == 502)
    assert set(statuses) <= {200, 429, 503}
    until(lambda: all(any(e["event"] == "limits_store_forgot" for e in _events(gateway)) for gateway in gateways))
    # The workers have told what was used: the rest is there when the leases from before have ended, and no more.
    _exhaust(gateways, upstream, "closed-4")
    until(lambda: _hammer(gateways, "closed-4", _after(40)) == {429: 40})
    assert _received(upstream, "closed-4") == LIMIT
    assert _received(upstream, "closed-5") <= LIMIT
    _exhaust_budgets(gateways, upstream, 5, lost=8)
    # What nobody knew may have been used up: it comes back at its rate. Who is open without the store begins anew.
    until(lambda: _ask(gateways[0], "closed-6").status == 429)
    until(lambda: _ask(gateways[0], "open-6").status == 200)
