"""The supervisor as a process of its own, over stand-in workers: kills, drains, reloads, restarts, bad starts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.waiting import DEADLINE_S, alive, until

ROOT = Path(__file__).parents[2]
SUPERVISOR = Path(__file__).parent / "standins" / "supervisor.py"


class Gateway:
    """A folder with a policy and state, and at most one supervisor running in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy"
        self.policy.write_text("first\n")
        self.audit_log = folder / "audit.jsonl"
        self.log = folder / "log"
        self.environment = {
            "TIDEGATE_LISTEN": "127.0.0.1:0",
            "TIDEGATE_ADMIN_LISTEN": "127.0.0.1:0",
            "TIDEGATE_POLICY": str(self.policy),
            "TIDEGATE_STATE_DIR": str(folder / "state"),
            "TIDEGATE_AUDIT_LOG": str(self.audit_log),
            "TIDEGATE_WORKERS": "2",
            "TIDEGATE_GRACE": "15s",
        }
        self.process: subprocess.Popen[str] | None = None
        self.port = self.admin_port = 0
        self.asked = 0

    def launch(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a supervisor and do not wait for it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SUPERVISOR), *arguments],
                env={**inherited, **self.environment, **environment, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self.process

    def start(self, *arguments: str, **environment: str) -> int:
        """Start a supervisor, wait until every worker serves; its process id."""
        process = self.launch(*arguments, **environment)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, self.log.read_text()
        self.port, self.admin_port = map(int, line.split())
        return process.pid

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the supervisor's end: its exit code."""
        assert self.process is not None
        code = self.process.wait(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ended()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)

    def who(self) -> tuple[int, int, str]:
        """A request: the worker's process id, its place and its policy. Numbers its audit line."""
        with self.connect() as connection:
            connection.sendall(b"who %d\n" % self.asked)
            answer = connection.makefile().readline()
        assert answer, "the worker ended in mid-request"
        self.asked += 1
        pid, place, policy = answer.split(maxsplit=2)
        return int(pid), int(place), policy.strip()

    def workers(self) -> dict[int, int]:
        """Process ids by place, from as many requests as it takes to meet every worker."""
        found: dict[int, int] = {}

        def met() -> bool:
            pid, place, _ = self.who()
            found[place] = pid
            return len(found) == 2

        until(met)
        return found

    def hold(self) -> tuple[socket.socket, int]:
        """A request that is under way: its connection and the worker's process id."""
        connection = self.connect()
        connection.sendall(b"hold\n")
        return connection, int(connection.recv(100).split()[1])

    def admin(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> tuple[int, Any]:
        status, body = self.admin("/readyz")
        return status, json.loads(body)

    def metric(self, series: str) -> float:
        """The value of a series by its name and labels; 0 when it is not there."""
        for line in self.admin("/metrics")[1].splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def audited(self) -> Counter[int]:
        """How often each number stands in the audit log."""
        return Counter(json.loads(line)["number"] for line in self.audit_log.read_text().splitlines())

    def all_once(self) -> bool:
        return self.audited() == Counter(range(self.asked))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    if made.process is not None:
        with contextlib.suppress(ProcessLookupError):
            made.signal(signal.SIGCONT)
        made.signal(signal.SIGTERM)
        made.ended()


def test_it_serves_and_says_so(gateway: Gateway) -> None:
    pid = gateway.start()
    workers = gateway.workers()
    for worker in workers.values():
        assert int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1]) == pid
    assert gateway.admin("/healthz") == (200, '{"status":"alive"}')
    assert gateway.ready() == (200, {"status": "ready", "workers": 2, "workers_ready": 2, "warnings": []})
    assert gateway.metric('tidegate_requests_total{endpoint="who",status="2xx"}') == gateway.asked
    assert gateway.metric("tidegate_workers_ready") == 2
    until(gateway.all_once)
    assert gateway.metric("tidegate_audit_lines_total") == gateway.asked
    assert gateway.audit_log.stat().st_mode & 0o777 == 0o600
    held, _ = gateway.hold()
    with held:
        until(lambda: sum(gateway.metric(f'tidegate_connections{{worker="{place}"}}') for place in (0, 1)) == 1)
        held.sendall(b"go\n")
    assert gateway.stop() == 0
    assert gateway.all_once()
    assert not any(map(alive, workers.values()))


def test_a_killed_worker_is_back_and_no_connection_is_refused(gateway: Gateway) -> None:
    gateway.start()
    before = gateway.workers()
    killed_at = time.monotonic()
    os.kill(before[0], signal.SIGKILL)
    # Connections to the dead worker's socket wait for its successor: every one of these must be answered.
    connections = [gateway.connect() for _ in range(40)]
    assert until(lambda: gateway.workers())[0] != before[0]
    assert time.monotonic() - killed_at < 5
    for connection in connections:
        with connection:
            connection.sendall(b"who %d\n" % gateway.asked)
            assert connection.makefile().readline()
            gateway.asked += 1
    assert gateway.workers()[1] == before[1]
    until(lambda: gateway.ready()[0] == 200)
    assert gateway.metric("tidegate_worker_restarts_total") == 1
    # The successor counts on where the dead worker stopped.
    assert gateway.metric('tidegate_requests_total{endpoint="who",status="2xx"}') == gateway.asked
    until(gateway.all_once)
    until(lambda: len(list((gateway.folder / "state" / "rings").iterdir())) == 2)


def test_all_workers_are_killed_at_once(gateway: Gateway) -> None:
    gateway.start()
    before = gateway.workers()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    after = gateway.workers()
    assert not set(before.values()) & set(after.values())
    until(lambda: gateway.ready()[0] == 200)
    until(gateway.all_once)


def test_audit_lines_survive_the_kill_of_the_supervisor(gateway: Gateway) -> None:
    pid = gateway.start()
    workers = gateway.workers()
    until(gateway.all_once)
    # It cannot drain any more: these lines are in the rings only.
    os.kill(pid, signal.SIGSTOP)
    for _ in range(50):
        gateway.who()
    held, _ = gateway.hold()
    gateway.signal(signal.SIGKILL)
    assert gateway.ended() == -signal.SIGKILL
    assert sum(gateway.audited().values()) < gateway.asked
    # The workers notice, let what runs end, and end.
    with held:
        held.sendall(b"go\n")
        assert held.recv(100) == b"done\n"
    until(lambda: not any(map(alive, workers.values())))
    gateway.start()
    until(gateway.all_once)


def test_a_successor_runs_beside_workers_that_still_drain(gateway: Gateway) -> None:
    gateway.start()
    held, pid = gateway.hold()
    gateway.signal(signal.SIGKILL)
    gateway.ended()
    gateway.start()
    with held:
        assert alive(pid)
        rings = gateway.folder / "state" / "rings"
        until(lambda: len(list(rings.iterdir())) == 3)
        held.sendall(b"go\n")
        assert held.recv(100) == b"done\n"
    until(lambda: len(list(rings.iterdir())) == 2)
    gateway.workers()
    until(gateway.all_once)


def test_sigterm_lets_running_answers_end(gateway: Gateway) -> None:
    gateway.start()
    held, _ = gateway.hold()
    gateway.signal(signal.SIGTERM)
    status, state = until(lambda: (answer := gateway.ready())[0] == 503 and answer)
    assert (status, state["title"]) == (503, "Service Unavailable")
    assert "the gateway is ending" in state["reasons"]

    def refused() -> bool:
        try:
            gateway.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    until(refused)
    with held:
        held.sendall(b"go\n")
        assert held.recv(100) == b"done\n"
    assert gateway.ended() == 0


def test_the_grace_time_ends(gateway: Gateway) -> None:
    gateway.start(TIDEGATE_GRACE="200ms")
    held, pid = gateway.hold()
    with held:
        assert gateway.stop() == 0
        assert held.recv(100) == b""
    assert not alive(pid)


def test_a_second_sigterm_ends_at_once(gateway: Gateway) -> None:
    gateway.start(TIDEGATE_GRACE="1h")
    held, _ = gateway.hold()
    with held:
        gateway.signal(signal.SIGTERM)
        until(lambda: gateway.ready()[0] == 503)
        gateway.signal(signal.SIGTERM)
        assert gateway.ended() == 0


def test_half_a_request_to_the_admin_listener_does_not_keep_it(gateway: Gateway) -> None:
    token = "t" * 40
    gateway.start(TIDEGATE_ADMIN_TOKEN=token)
    with socket.create_connection(("127.0.0.1", gateway.admin_port)) as half:
        head = f"POST /keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        half.sendall(f"{head}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n".encode())
        # Its handler runs, and waits for what does not come.
        assert half.recv(100).startswith(b"HTTP/1.1 100 ")
        assert gateway.stop() == 0


def test_a_worker_told_to_end_is_replaced_while_it_drains(gateway: Gateway) -> None:
    gateway.start()
    held, pid = gateway.hold()
    with held:
        os.kill(pid, signal.SIGTERM)
        until(lambda: pid not in gateway.workers().values())
        assert alive(pid)
        assert gateway.ready()[0] == 200
        held.sendall(b"go\n")
        assert held.recv(100) == b"done\n"
    until(lambda: not alive(pid))
    until(gateway.all_once)


def policies(gateway: Gateway) -> set[str]:
    """The policies that workers answer with, over enough requests to meet both."""
    return {gateway.who()[2] for _ in range(20)}


def test_a_changed_policy_is_loaded_by_all(gateway: Gateway) -> None:
    gateway.start()
    workers = gateway.workers()
    gateway.policy.write_text("second\n")
    until(lambda: policies(gateway) == {"second"})
    gateway.policy.write_text("third\n")
    gateway.signal(signal.SIGHUP)
    until(lambda: policies(gateway) == {"third"})
    assert gateway.workers() == workers
    assert gateway.metric('tidegate_policy_reloads_total{result="applied"}') >= 2
    os.kill(workers[0], signal.SIGKILL)
    until(lambda: gateway.workers()[0] != workers[0])
    assert policies(gateway) == {"third"}


@pytest.mark.parametrize("text", ["bad\n", "unloadable\n", "jwt\n"])
def test_a_bad_policy_is_refused_and_the_old_one_stays(gateway: Gateway, text: str) -> None:
    gateway.start()
    workers = gateway.workers()
    gateway.policy.write_text(text)
    until(lambda: gateway.metric('tidegate_policy_reloads_total{result="refused"}') == 1)
    assert policies(gateway) == {"first"}
    status, state = gateway.ready()
    assert status == 200
    assert "line 1" in state["warnings"][0]
    assert "line 1" in gateway.log.read_text()
    gateway.policy.write_text("mended\n")
    until(lambda: policies(gateway) == {"mended"})
    assert gateway.ready()[1]["warnings"] == []
    assert gateway.workers() == workers


def test_a_policy_file_that_is_gone_changes_nothing(gateway: Gateway) -> None:
    gateway.start()
    gateway.policy.unlink()
    gateway.signal(signal.SIGHUP)
    until(lambda: gateway.metric('tidegate_policy_reloads_total{result="refused"}') == 1)
    assert policies(gateway) == {"first"}


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("bad", 2, "line 1: bad policy"),
        ("jwt", 2, "does not enforce jwt (line 1)"),
        ("unloadable", 2, "line 1: unloadable"),
        (None, 2, "No such file"),
    ],
)
def test_a_bad_start_ends_with_the_reason(gateway: Gateway, text: str | None, code: int, reason: str) -> None:
    if text is None:
        gateway.policy.unlink()
    else:
        gateway.policy.write_text(text)
    gateway.launch()
    assert gateway.ended() == code
    assert reason in gateway.log.read_text()


def test_unenforced_controls_can_be_allowed_and_are_told(gateway: Gateway) -> None:
    gateway.policy.write_text("jwt")
    gateway.start("--allow-unenforced")
    assert gateway.ready()[1]["warnings"] == ["not enforced: jwt (line 1)"]
    assert "WARNING" in next(line for line in gateway.log.read_text().splitlines() if "not enforced: jwt" in line)


def test_one_gateway_in_one_state_folder(gateway: Gateway, tmp_path: Path) -> None:
    pid = gateway.start()
    (tmp_path / "other").mkdir()
    other = Gateway(tmp_path / "other")
    other.environment["TIDEGATE_STATE_DIR"] = gateway.environment["TIDEGATE_STATE_DIR"]
    other.launch()
    assert other.ended() == 1
    assert f"another gateway runs here, process {pid}" in other.log.read_text()


def test_a_port_is_not_shared_with_another_gateway(gateway: Gateway, tmp_path: Path) -> None:
    gateway.start()
    (tmp_path / "other").mkdir()
    other = Gateway(tmp_path / "other")
    other.launch(TIDEGATE_LISTEN=f"127.0.0.1:{gateway.port}")
    assert other.ended() == 1
    assert "Address already in use" in other.log.read_text()


def test_an_audit_log_that_cannot_be_written_makes_it_not_ready(gateway: Gateway) -> None:
    gateway.start(TIDEGATE_AUDIT_LOG="/dev/full")
    assert gateway.ready()[0] == 200
    gateway.who()
    _, state = until(lambda: (answer := gateway.ready())[0] == 503 and answer)
    assert "No space left on device" in state["detail"]
    assert gateway.metric("tidegate_audit_backlog_bytes") > 0
    assert gateway.stop() == 0
    # Nothing was lost: with a log that can be written the line is there.
    gateway.start()
    until(gateway.all_once)


def test_a_worker_that_ends_again_and_again_does_not_end_the_gateway(gateway: Gateway) -> None:
    gateway.start()
    for _ in range(4):
        with gateway.connect() as connection:
            connection.sendall(b"die\n")
            assert connection.recv(100) == b""
    gateway.workers()
    until(lambda: gateway.ready()[0] == 200)
    assert gateway.metric("tidegate_worker_restarts_total") == 4
