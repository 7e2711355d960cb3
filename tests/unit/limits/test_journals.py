"""Journals of open reservations: what a process that was killed held comes back, once, and nothing else does."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine._fast.bucket import SLOT_BYTES, Table
from engine._fast.budget import KIND_CONCURRENT, KIND_RATE, REQUESTS, TOTAL, Budget, Journal
from engine.limits.journals import JournalError, OwnJournal, open_reservations, reclaim

ROOT = Path(__file__).parents[3]
NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
KEY = bytes(range(16))
ENTRIES = [(1, KIND_RATE, TOTAL, SECOND, 1000 * SECOND), (2, KIND_CONCURRENT, REQUESTS, 1, 100)]

HOLDER = """
import mmap, sys
from pathlib import Path
from engine._fast.bucket import Table
from engine._fast.budget import Budget
from engine.limits.journals import OwnJournal
folder, count = Path(sys.argv[1]), int(sys.argv[2])
with open(folder / "table", "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
own = OwnJournal(folder / "journals", 64)
budget = Budget(Table(memory, bytes(range(16))), own.journal, ENTRIES)
numbers = [budget.reserve(NOW, 1, 2, 3, 0, 0) for _ in range(count)]
assert min(numbers) >= 0
budget.note(numbers[0], 1, 1, 1, 0, 0)
print("ready", flush=True)
sys.stdin.read()
own.close()
"""


def make_table(folder: Path) -> Table:
    path = folder / "table"
    path.write_bytes(bytes(1024 * SLOT_BYTES))
    with path.open("r+b") as file:
        return Table(mmap.mmap(file.fileno(), 0), KEY)


def start(folder: Path, count: int) -> subprocess.Popen[str]:
    code = HOLDER.replace("ENTRIES", repr(ENTRIES)).replace("NOW", str(NOW))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def own_budget(table: Table, journal: Journal) -> Budget:
    return Budget(table, journal, ENTRIES)


def test_only_what_the_dead_held_comes_back(tmp_path: Path) -> None:
    table = make_table(tmp_path)
    own = OwnJournal(tmp_path / "journals", 8)
    budget = own_budget(table, own.journal)
    number = budget.reserve(NOW, 1, 4, 3, 0, 0)
    doomed, living = start(tmp_path, 10), start(tmp_path, 3)
    try:
        assert budget.read(1, NOW)[1] == 14
        assert reclaim(tmp_path / "journals", table, NOW) == 0
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        assert reclaim(tmp_path / "journals", table, NOW) == 10
        # Used: the two tokens that were noted. Held: 7 of ours and 3 times 5 of the other.
        assert budget.read(0, NOW)[:2] == (2, 22)
        assert budget.read(1, NOW)[1] == 4
        assert reclaim(tmp_path / "journals", table, NOW) == 0
        assert budget.read(0, NOW)[:2] == (2, 22)
        assert open_reservations(tmp_path / "journals") == 4
    finally:
        living.communicate()
        doomed.communicate()
    # The other ended with three reservations open, of which one had noted its use.
    assert reclaim(tmp_path / "journals", table, NOW) == 3
    budget.settle(number, NOW, 1, 4, 3, 0, 0)
    assert budget.read(0, NOW)[:2] == (11, 0)
    assert budget.read(1, NOW)[1] == 0
    assert open_reservations(tmp_path / "journals") == 0
    own.close()
    assert list((tmp_path / "journals").iterdir()) == []


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = make_table(tmp_path)
    folder = tmp_path / "journals"
    folder.mkdir()
    (folder / "1-a.journal").write_bytes(b"nothing that could be read")
    assert reclaim(folder, table, NOW) == 0
    assert "left alone" in caplog.text
    assert (folder / "1-a.journal").exists()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file")
    with pytest.raises(JournalError, match="open reservations"):
        OwnJournal(tmp_path / "journals", 8)
    assert reclaim(tmp_path / "none", make_table(tmp_path), NOW) == 0
