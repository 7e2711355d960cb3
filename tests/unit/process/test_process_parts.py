"""The parts of the supervisor that need no worker: back-off, policy file, time-outs, messages, log lines, sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.process import child as child_module
from engine.process import control, policy_file
from engine.process.backoff import LONGEST_S, SETTLED_S, Backoff
from engine.process.child import BEAT_LATE_S, BEAT_TIMEOUT_S, START_TIMEOUT_S, Child, State
from engine.process.listeners import bind, bound_address
from engine.process.lock import AlreadyRunning, InstanceLock
from engine.process.logs import OneLine
from engine.process.policy_file import PolicyFile
from engine.settings import Address, load


def test_restarts_come_at_once_then_later_and_later() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(7)] == [0, 0.25, 0.5, 1, 2, LONGEST_S, LONGEST_S]
    assert backoff.after(SETTLED_S) == 0
    assert backoff.after(0.1) == 0.25


def test_a_change_counts_when_it_has_come_to_rest(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("one")
    file = PolicyFile(path)
    assert file.read() == "one"
    assert file.poll() is None
    path.write_text("tw")
    assert file.poll() is None
    path.write_text("two")
    assert file.poll() is None
    assert file.poll() == "two"
    assert file.poll() is None


def test_a_change_taken_back_is_none(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("one")
    file = PolicyFile(path)
    file.read()
    path.write_text("two")
    assert file.poll() is None
    path.write_text("one")
    assert file.poll() is None
    path.write_text("two")
    assert file.poll() is None
    assert file.poll() == "two"


def test_a_file_that_cannot_be_read_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("one")
    file = PolicyFile(path)
    file.read()
    path.unlink()
    assert [file.poll() for _ in range(3)] == [None] * 3
    path.write_bytes(b"ab\xff")
    assert [file.poll() for _ in range(3)] == [None] * 3
    monkeypatch.setattr(policy_file, "LONGEST", 10)
    path.write_text("x" * 11)
    assert [file.poll() for _ in range(3)] == [None] * 3
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        f"[Errno 2] No such file or directory: '{path}'".rpartition(": ")[2],
        "not UTF-8 at byte 2",
        "longer than 10 bytes",
    ]
    assert file.text == "one"


def test_messages_come_back_as_they_were_sent(tmp_path: Path) -> None:
    settings = load({"TIDEGATE_STATE_DIR": str(tmp_path), "TIDEGATE_REDIS_URL": "redis://user:secret@host/0"})
    policy = control.PolicyText(3, "a: ü\nb: 1\n", "p.yaml")
    messages: list[control.ToWorker] = [
        control.Start(settings, 1, 2, policy, 3, 4, 5),
        control.Load(policy),
        control.Drain(1.5),
    ]

    async def there_and_back() -> list[control.ToWorker | None]:
        reader = asyncio.StreamReader(limit=control.LONGEST_MESSAGE)
        for message in messages:
            reader.feed_data(control.encode(message))
        # What a peer that was killed in mid-message leaves.
        reader.feed_data(b'{"type":"dra')
        reader.feed_eof()
        return [await control.read_to_worker(reader) for _ in range(len(messages) + 1)]

    assert asyncio.run(there_and_back()) == [*messages, None]


WORKER = """
import socket, sys
channel = socket.socket(fileno=int(sys.argv[1]))
channel.makefile("rb").readline()
channel.sendall(sys.stdin.buffer.read() or {said!r})
{then}
"""


def live(said: bytes, then: str = "") -> tuple[int, Child, list[int]]:
    """A child that says something, and its exit code."""
    policy = control.PolicyText(7, "", "p")
    ready: list[int] = []

    async def watch() -> tuple[int, Child]:
        child = Child.spawn(1, [sys.executable, "-c", WORKER.format(said=said, then=then)], [])
        start = control.Start(load({}), 1, 1, policy, 0, 0, 0)
        return await child.watch(start, lambda child: ready.append(child.revision)), child

    code, child = asyncio.run(watch())
    return code, child, ready


def test_a_child_is_followed_to_its_end() -> None:
    said = control.encode(control.Ready(7)) + control.encode(control.Beat(5)) + control.encode(control.Draining())
    code, child, ready = live(said, "sys.exit(4)")
    assert (code, ready, child.state, child.connections) == (4, [7], State.ENDED, 0)
    assert child.left_service.is_set()


def test_what_a_failing_child_said_last_is_known() -> None:
    failed = control.Failed("no state folder", policy=False)
    code, child, ready = live(control.encode(failed), "sys.exit(1)")
    assert (code, child.failure, ready) == (1, failed, [])


@pytest.mark.parametrize("said", [b"nonsense\n", b'{"type":"unknown"}\n', b'{"type":"ready"}\n'])
def test_a_child_that_cannot_be_understood_is_killed(said: bytes) -> None:
    code, _, ready = live(said, "while True: channel.recv(100)")
    assert (code, ready) == (-9, [])


def test_a_child_that_closes_its_channel_and_stays_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "EXIT_TIMEOUT_S", 0.1)
    code, _, _ = live(b"", "import signal\nchannel.shutdown(2)\nchannel.close()\nsignal.pause()")
    assert code == -9


def test_a_frozen_child_is_overdue() -> None:
    _, child, _ = live(b"")
    child.born = child.heard = now = time.monotonic()
    child.state = State.STARTING
    assert child.overdue(now + START_TIMEOUT_S) is None
    assert child.overdue(now + START_TIMEOUT_S + 1) == "not ready after 60 s"
    assert not child.serves(now)
    child.state = State.READY
    assert child.serves(now + BEAT_LATE_S - 1)
    assert not child.serves(now + BEAT_LATE_S + 1)
    assert child.overdue(now + BEAT_TIMEOUT_S) is None
    assert child.overdue(now + BEAT_TIMEOUT_S + 1) == "silent for 15 s"
    child.state = State.DRAINING
    assert child.overdue(now + 1000) is None


def test_a_log_record_is_one_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("engine.x", logging.ERROR, "", 1, "what\r\n%s", ("came\u2028in",), sys.exc_info())
    record.created, record.msecs, record.process = 1.25, 250.0, 42
    line = OneLine().format(record)
    assert line.startswith("1970-01-01T00:00:01.250Z ERROR 42 engine.x: what\\ncame\\nin\\nTraceback")
    assert line.endswith("ValueError: first\\nsecond")
    assert len(line.splitlines()) == 1


def test_sockets_share_a_port_among_themselves_only() -> None:
    sockets = bind(Address("127.0.0.1", 0), 3)
    try:
        addresses = {bound_address(listener) for listener in sockets}
        assert len(addresses) == 1
        with socket.create_connection(addresses.pop(), 5):
            pass
        assert not any(listener.getblocking() for listener in sockets)
    finally:
        for listener in sockets:
            listener.close()


def test_a_taken_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.process.listeners.TAKEOVER_S", 0.0)
    (first,) = bind(Address("127.0.0.1", 0), 1)
    with first, pytest.raises(OSError, match="Address already in use"):
        bind(bound_address(first), 1)


def test_a_port_that_is_let_go_is_taken_over() -> None:
    (first,) = bind(Address("127.0.0.1", 0), 1)
    address = bound_address(first)
    leave = threading.Timer(0.2, first.close)
    leave.start()
    (second,) = bind(address, 1)
    leave.join()
    with second:
        assert bound_address(second) == address


def test_one_lock_for_a_state_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    lock = InstanceLock(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(AlreadyRunning, match="another gateway runs here, process"):
        InstanceLock(folder)
    lock.release()
    InstanceLock(folder).release()
