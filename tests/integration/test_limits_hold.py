"""Limits over two workers: exact, whoever is killed and however often; keys made and revoked while it runs."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import alive, until

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1"}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
  free: {{endpoints: ["*"], models: ["*"], redaction: none}}
limits:
  - {{name: hundred, by: user, requests: 100/day, roles: [user]}}
"""


def _ask_until_refused(gateway: Gateway, key: str, stop: threading.Event) -> dict[int, int]:
    """Asks, each time on a new connection, until the limit says no. How often which status came; 0: cut."""
    seen: dict[int, int] = {}
    while not stop.is_set():
        try:
            status = ask(gateway.port, request(key, chat(), more="Connection: close\r\n")).status
        except OSError:
            status = 0
        seen[status] = seen.get(status, 0) + 1
        if status == 429:
            return seen
    return seen


def _together(gateway: Gateway, key: str, stop: threading.Event, threads: int = 8) -> dict[int, int]:
    with ThreadPoolExecutor(threads) as pool:
        total: dict[int, int] = {}
        for future in [pool.submit(_ask_until_refused, gateway, key, stop) for _ in range(threads)]:
            for status, count in future.result().items():
                total[status] = total.get(status, 0) + count
        return total


def test_two_workers_admit_exactly_the_limit(run_gateway: Run, upstream: Upstream) -> None:
    gateway = run_gateway(POLICY.format(port=upstream.port))
    # Two keys of one user have one limit.
    keys = [gateway.key("alice")[0] for _ in range(2)]
    before = len(upstream.received)
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda key: _together(gateway, key, threading.Event(), 4), keys))
    assert sum(count.get(200, 0) for count in counts) == 100
    assert len(upstream.received) - before == 100
    assert {status for count in counts for status in count} == {200, 429}
    # Another user has a limit of its own.
    assert ask(gateway.port, request(gateway.key("bob")[0], chat())).status == 200


def test_kill_9_in_mid_load_neither_gives_nor_takes(run_gateway: Run, upstream: Upstream) -> None:
    gateway = run_gateway(POLICY.format(port=upstream.port))
    key, _ = gateway.key("carol")
    before = len(upstream.received)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(_together, gateway, key, stop)
        until(lambda: len(upstream.received) - before >= 10)
        # One worker, then all of them.
        os.kill(gateway.workers()[0], signal.SIGKILL)
        until(lambda: len(upstream.received) - before >= 40 or load.done())
        gateway.kill_workers()
        total = load.result(60)
    until(gateway.ready)
    # Each request took at most one from the limit, and each that went upstream took one: what was cut by the kills
    # is all that may be missing.
    admitted, cut = total.get(200, 0), total.get(0, 0)
    assert admitted <= len(upstream.received) - before <= 100
    assert admitted + cut >= 100
    assert ask(gateway.port, request(key, chat())).status == 429
    # And after the kill of everything, supervisor included.
    gateway.kill()
    gateway.start()
    assert ask(gateway.port, request(key, chat())).status == 429
    assert ask(gateway.port, request(gateway.key("dave")[0], chat())).status == 200


def test_a_killed_worker_is_back(run_gateway: Run, upstream: Upstream) -> None:
    gateway = run_gateway(POLICY.format(port=upstream.port))
    (first, *_), before = gateway.workers(), len(gateway.workers())
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first) and len(gateway.workers()) == before and gateway.ready())


def test_a_key_counts_from_its_making_to_its_revocation(run_gateway: Run, upstream: Upstream) -> None:
    gateway = run_gateway(POLICY.format(port=upstream.port))
    warm, _ = gateway.key("erin", "free")
    # Connections to both workers, kept open over the change.
    connections = [Connection(gateway.port) for _ in range(16)]
    for connection in connections:
        connection.send(request(warm, chat()))
        assert connection.answer().status == 200
    for _ in range(3):
        key, key_id = gateway.key("erin", "free")
        for connection in connections:
            connection.send(request(key, chat()))
            assert connection.answer().status == 200
        assert gateway.run("keys", "revoke", key_id).returncode == 0
        for connection in connections:
            connection.send(request(key, chat()))
            assert connection.answer().status == 401
    expired, _ = gateway.key("erin", "free", "--expires", "1s")
    until(lambda: ask(gateway.port, request(expired, chat())).status == 401)
    for connection in connections:
        connection.__exit__()


def test_reload_and_drain_cut_nothing(run_gateway: Run, upstream: Upstream) -> None:
    gateway = run_gateway(POLICY.format(port=upstream.port))
    key, _ = gateway.key("frank", "free")
    text = gateway.policy.read_text()
    gateway.policy.write_text(text + "  - {name: none, by: user, requests: 1/fortnight}\n")
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "fortnight" in gateway.log.read_text())
    assert ask(gateway.port, request(key, chat())).status == 200
    gateway.policy.write_text(text.replace("[user]", "[user, free]").replace("100/day", "1/day"))
    until(lambda: ask(gateway.port, request(key, chat())).status == 429)
    gateway.policy.write_text(text)
    until(lambda: ask(gateway.port, request(key, chat())).status == 200)
    # A stream that runs while the gateway ends is ended by its upstream, not by the gateway.
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat("endless", stream=True)))
        assert connection.head().status == 200
        gateway.process.send_signal(signal.SIGTERM)
        assert connection.line()
        until(lambda: "ending" in gateway.log.read_text())
        assert connection.line()
        upstream.release.set()
        while connection.line():
            pass
    assert gateway.process.wait(20) == 0
    gateway.process = None
    upstream.release.clear()
