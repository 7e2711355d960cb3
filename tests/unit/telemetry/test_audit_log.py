"""The audit log from writer to file: order, rotation, full disks, leftovers, damage, kills between any two steps."""

from __future__ import annotations

import errno
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine._fast.ring import RingError
from engine.telemetry import rings, sink
from engine.telemetry.audit import AuditWriter
from engine.telemetry.sink import AuditSink

ROOT = Path(__file__).parents[3]


class Log:
    """A sink over a folder, and writers to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.jsonl"
        self.rings = folder / "rings"
        self.fds: list[int] = []
        self.sink = self.reopen()

    def reopen(self) -> AuditSink:
        self.sink = AuditSink(self.path, self.rings)
        self.sink.open()
        return self.sink

    def writer(self) -> AuditWriter:
        self.fds.append(self.sink.new_ring())
        return AuditWriter.attach(self.fds[-1])

    def end_writers(self) -> None:
        """What the end of the worker processes does: the last reference to each locked file goes."""
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()

    def text(self) -> str:
        return self.path.read_text()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.end_writers()


def test_lines_reach_the_file_in_order_and_whole(log: Log) -> None:
    first, second = log.writer(), log.writer()
    for number in range(3):
        assert first.write(b'{"first":%d}' % number)
        assert second.write(b'{"second":%d}' % number)
    log.sink.drain()
    assert log.text().splitlines() == [f'{{"{name}":{number}}}' for name in ("first", "second") for number in range(3)]
    assert log.sink.lines == 6
    assert log.sink.backlog == 0
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in log.rings.iterdir()} == {0o600}


def test_many_batches_are_written_in_one_turn(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "BATCH_BYTES", 50)
    writer = log.writer()
    for number in range(100):
        writer.write(b"%d" % number)
    log.sink.drain()
    assert log.text() == "".join(f"{number}\n" for number in range(100))


def test_the_thread_drains_by_itself_and_stop_drains_the_rest(log: Log) -> None:
    written = threading.Event()
    drain = log.sink.drain

    def drain_and_tell() -> None:
        drain()
        if log.sink.lines:
            written.set()

    log.sink.drain = drain_and_tell  # type: ignore[method-assign]
    log.sink.start()
    writer = log.writer()
    writer.write(b"one")
    assert written.wait(10)
    writer.write(b"two")
    log.end_writers()
    log.sink.stop()
    assert log.text() == "one\ntwo\n"


def test_room_ends_when_half_is_full_and_lost_lines_are_counted(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "DATA_BYTES", 1 << 16)
    monkeypatch.setattr(rings, "RESERVE_BYTES", 1 << 15)
    writer = log.writer()
    admitted = 0
    while writer.has_room():
        assert writer.write(b"x" * 1000)
        admitted += 1
    assert admitted == 33
    while writer.write(b"x" * 1000):
        admitted += 1
    log.sink.drain()
    assert writer.has_room()
    assert log.sink.lost == 1
    assert len(log.text().splitlines()) == admitted


def test_a_full_disk_keeps_every_line_and_no_half_one(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = log.writer()
    writer.write(b"before")
    log.sink.drain()
    room = 5

    def write(fd: int, data: memoryview) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = os_write(fd, data[:room])
        room -= count
        return count

    os_write = os.write
    monkeypatch.setattr(sink.os, "write", write)
    writer.write(b"one line of some length")
    for _ in range(2):
        log.sink.drain()
        assert log.sink.problem == f"{log.path}: No space left on device"
        assert log.text() == "before\n"
    assert log.sink.backlog > 0
    monkeypatch.undo()
    log.sink.drain()
    assert log.sink.problem is None
    assert log.sink.write_errors == 2
    assert log.text() == "before\none line of some length\n"


def test_a_rotated_file_is_followed(log: Log) -> None:
    writer = log.writer()
    writer.write(b"old")
    log.sink.drain()
    rotated = log.path.with_suffix(".1")
    log.path.rename(rotated)
    writer.write(b"new")
    log.sink.drain()
    assert rotated.read_text() == "old\n"
    assert log.text() == "new\n"
    # Truncated in place (copytruncate), which an append finds by itself.
    os.truncate(log.path, 0)
    writer.write(b"newer")
    log.sink.drain()
    assert log.text() == "newer\n"


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        AuditSink(tmp_path / "missing" / "audit.jsonl", tmp_path / "rings").open()


def test_leftovers_of_a_killed_gateway_are_drained_and_removed(log: Log) -> None:
    writer = log.writer()
    writer.write(b"left over")
    log.end_writers()
    del writer
    # The sink of the killed supervisor is simply never used again.
    later = log.reopen()
    assert log.text() == "left over\n"
    later.stop()
    assert list(log.rings.iterdir()) == []


def test_a_ring_whose_producer_lives_is_drained_but_stays(log: Log) -> None:
    writer = log.writer()
    writer.write(b"one")
    later = log.reopen()
    writer.write(b"two")
    later.stop()
    assert log.text() == "one\ntwo\n"
    assert len(list(log.rings.iterdir())) == 1


def test_a_lock_is_held_from_the_rings_birth(log: Log) -> None:
    writer = log.writer()
    (path,) = log.rings.iterdir()
    consumed = rings.ConsumedRing(path)
    assert not consumed.producer_is_gone()
    del writer
    log.end_writers()
    assert consumed.producer_is_gone()
    consumed.close()


def test_a_file_left_unfinished_is_removed(log: Log) -> None:
    (log.rings / "00000009.new").write_bytes(b"")
    log.reopen()
    assert list(log.rings.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a ring", bytes(256 + (1 << 16))])
def test_a_file_that_is_no_ring_is_set_aside(log: Log, content: bytes) -> None:
    (log.rings / "00000001.ring").write_bytes(content)
    log.reopen()
    (kept,) = log.rings.iterdir()
    assert kept.match("00000001-*.damaged")
    assert kept.read_bytes() == content


def test_a_ring_damaged_later_is_set_aside_and_the_others_go_on(log: Log) -> None:
    damaged, whole = log.writer(), log.writer()
    damaged.write(b"damaged")
    whole.write(b"whole")
    with (log.rings / "00000001.ring").open("r+b") as file:
        file.seek(256)
        file.write(struct.pack("<I", 1 << 20))
    log.sink.drain()
    assert log.text() == "whole\n"
    assert log.sink.problem is None
    kept, ring = sorted(log.rings.iterdir())
    assert kept.match("00000001-*.damaged")
    assert ring.name == "00000002.ring"


def test_a_disk_without_room_for_a_ring_is_an_error_and_leaves_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rings.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        log.sink.new_ring()
    assert list(log.rings.iterdir()) == []


def test_what_is_no_ring_cannot_be_attached() -> None:
    fd = os.memfd_create("nothing")
    os.truncate(fd, 256 + 4096)
    with pytest.raises(RingError):
        AuditWriter.attach(fd)
    os.close(fd)


DYING_SINK = """
import os, signal, sys
from pathlib import Path
from engine._fast import ring as kernel
from engine.telemetry import rings, sink

step, folder = sys.argv[1], Path(sys.argv[2])

def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

class Dying(kernel.Ring):
    def begin(self, *arguments):
        if step == "before the note":
            die()
        super().begin(*arguments)
        if step == "after the note":
            die()
    def commit(self):
        if step == "before the removal":
            die()
        super().commit()
        if step == "after the removal":
            die()

def half(fd, data):
    real_write(fd, data[: len(data) // 2])
    die()

real_write = os.write
if step == "half written":
    sink.os.write = half
rings.Ring = Dying
AuditSink = sink.AuditSink(folder / "audit.jsonl", folder / "rings")
AuditSink.open()
"""


@pytest.mark.parametrize(
    "step", ["before the note", "after the note", "half written", "before the removal", "after the removal"]
)
def test_a_supervisor_killed_between_any_two_steps_repeats_and_drops_nothing(log: Log, step: str) -> None:
    writer = log.writer()
    writer.write(b"earlier")
    log.sink.drain()
    writer.write(b"one")
    writer.write(b"two")
    command = [sys.executable, "-c", DYING_SINK, step, str(log.path.parent)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    writer.write(b"three")
    log.reopen()
    assert log.text() == "earlier\none\ntwo\nthree\n"


KILLED_SINK = """
import sys
from pathlib import Path
from engine.telemetry import sink
sink.BATCH_BYTES = 600
log = sink.AuditSink(Path(sys.argv[1], "audit.jsonl"), Path(sys.argv[1], "rings"))
log.open()
while True:
    log.drain()
"""


def test_supervisors_killed_at_any_instruction_repeat_and_drop_nothing(log: Log) -> None:
    writer = log.writer()
    number = 0
    command = [sys.executable, "-c", KILLED_SINK, str(log.path.parent)]
    for life in range(6):
        with subprocess.Popen(command, cwd=ROOT) as killed:
            goal = log.path.stat().st_size + 4000 * (life + 1)
            while log.path.stat().st_size < goal:
                if writer.has_room():
                    writer.write(b'{"number":%d}' % number)
                    number += 1
            killed.kill()
    log.reopen()
    assert log.text() == "".join(f'{{"number":{n}}}\n' for n in range(number))
