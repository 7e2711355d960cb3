from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine._fast.bucket import ADMITTED, Plan
from engine.limits import store as module
from engine.limits.store import HEADER_BYTES, StateError, open_store

ROOT = Path(__file__).parents[3]
NOW = 1_800_000_000_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limits"


def spoil(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_new_file_is_private_whole_and_alone(path: Path) -> None:
    assert open_store(path, 64).slots == 64
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_size == HEADER_BYTES + 64 * 16
    assert status.st_blocks * 512 >= status.st_size, "its blocks are not allocated: a full disk would kill a worker"
    assert os.listdir(path.parent) == ["limits"]


def test_everybody_who_opens_it_shares_key_and_counters(path: Path) -> None:
    first, second = open_store(path, 64), open_store(path, 64)
    fingerprint = first.table.fingerprint(b"somebody")
    assert second.table.fingerprint(b"somebody") == fingerprint
    assert Plan(first.table, [(fingerprint, 10, 10)]).take(NOW) == ADMITTED
    assert Plan(second.table, [(fingerprint, 10, 10)]).take(NOW) == 0


def test_counters_survive_the_end_of_every_process(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from engine._fast.bucket import Plan;"
        "from engine.limits.store import open_store; table = open_store(Path(sys.argv[1]), 64).table;"
        f"Plan(table, [(table.fingerprint(b'x'), 10, 50)]).take({NOW}, 3); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert ended.returncode == -9
    table = open_store(path, 64).table
    assert table.peek(table.fingerprint(b"x"), NOW) == NOW + 30


def test_two_files_have_two_keys(tmp_path: Path) -> None:
    tables = [open_store(tmp_path / name, 64).table for name in "ab"]
    assert tables[0].fingerprint(b"x") != tables[1].fingerprint(b"x")


def test_a_file_made_meanwhile_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link
    winners = []

    def late(source: Path, target: Path) -> None:
        monkeypatch.undo()
        winners.append(open_store(path, 64))
        link(source, target)

    monkeypatch.setattr(module.os, "link", late)
    store = open_store(path, 64)
    assert store.table.fingerprint(b"x") == winners[0].table.fingerprint(b"x")
    assert os.listdir(path.parent) == ["limits"]


@pytest.mark.parametrize(
    ("offset", "data", "reason"),
    [
        (0, b"X", "not a file of limits"),
        (8, b"\x01", "layout version 1"),
        (12, b"\x20", "damaged"),
        (16, b"\x80", "damaged"),
        (24, b"\x00\x00\x00\x00\x00\x00\x00\x00", "damaged"),
        (40, b"\x00\x00\x00\x00\x00\x00\x00\x00", "damaged"),
    ],
)
def test_a_damaged_header_is_refused_and_left_alone(path: Path, offset: int, data: bytes, reason: str) -> None:
    open_store(path, 64)
    spoil(path, offset, data)
    before = path.read_bytes()
    with pytest.raises(StateError, match=reason) as caught:
        open_store(path, 64)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (0, "not a file of limits"),
        (7, "not a file of limits"),
        (100, "cut short"),
        (HEADER_BYTES, "bytes, its header says"),
        (HEADER_BYTES + 64 * 16 - 1, "bytes, its header says"),
        (HEADER_BYTES + 64 * 16 + 1, "bytes, its header says"),
    ],
)
def test_a_file_of_another_length_is_refused(path: Path, size: int, reason: str) -> None:
    open_store(path, 64)
    os.truncate(path, size)
    with pytest.raises(StateError, match=reason):
        open_store(path, 64)
    assert path.stat().st_size == size


def test_another_number_of_slots_is_refused_with_both(path: Path) -> None:
    open_store(path, 64)
    with pytest.raises(StateError, match=r"made for 64 slots, 128 are configured.*TIDEGATE_LIMIT_SLOTS=64"):
        open_store(path, 128)


@pytest.mark.parametrize("slots", [0, -16, 8, 17, 48, 1 << 31])
def test_an_impossible_number_of_slots_is_refused(path: Path, slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        open_store(path, slots)
    assert not path.exists()


def test_what_is_no_regular_file_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StateError):
        open_store(path, 64)
    other = path.with_name("fifo")
    os.mkfifo(other)
    with pytest.raises(StateError, match="not a regular file"):
        open_store(other, 64)


def test_a_symbolic_link_is_not_followed(path: Path) -> None:
    open_store(path, 64)
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(StateError):
        open_store(link, 64)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No such file or directory"):
        open_store(tmp_path / "absent" / "limits", 64)


def test_a_full_disk_is_said_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "posix_fallocate", full)
    with pytest.raises(StateError, match="No space left on device"):
        open_store(path, 64)
    assert os.listdir(path.parent) == []
