"""The bucket kernel with several processes at once: exact, nothing lost, whole after a kill."""

from __future__ import annotations

import mmap
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from engine._fast.bucket import ADMITTED, SLOT_BYTES, WINDOW, Plan, Table

ROOT = Path(__file__).parents[2]
KEY = bytes(range(16))
NOW = 1_800_000_000_000_000_000


def occupied(memory: mmap.mmap) -> list[tuple[int, int]]:
    return [slot for slot in struct.iter_unpack("<Qq", memory[:]) if slot[0]]


WORKER = """
import itertools, mmap, random, struct, sys
from engine._fast.bucket import ADMITTED, Plan, Table
path, seed, job = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
table = Table(memory, bytes(range(16)))
now = 1_800_000_000_000_000_000
print("ready", flush=True)
sys.stdin.read(1)
if job == "exact":
    entries = [tuple(map(int, entry.split(","))) for entry in sys.argv[4:]]
    take = Plan(table, entries).take
    print(sum(take(now) == ADMITTED for _ in range(4000)))
elif job == "churn":
    # Take and give back: over more keys than slots, counters come and go; over few keys, they are always in demand.
    # A key that is held cannot lose its slot, so at that moment it has one counter, with debt and within the limit.
    # Say how often that was not so, and what was kept.
    choose = random.Random(seed)
    plans = [Plan(table, [(key, 10, 30)]) for key in range(1, int(sys.argv[4]) + 1)]
    kept = [0] * len(plans)
    wrong = 0
    for _ in range(20000):
        index = choose.randrange(len(plans))
        if kept[index] and choose.random() < 0.9:
            plans[index].give_back(now, taken_ns=now)
            kept[index] -= 1
        elif plans[index].take(now) == ADMITTED:
            kept[index] += 1
            counters = [tat for key, tat in struct.iter_unpack("<Qq", memory[:]) if key == index + 1 and tat >= 0]
            wrong += len(counters) != 1 or not now < counters[0] <= now + 30
    print(wrong, *kept)
elif job == "forever":
    choose = random.Random(seed)
    for turn in itertools.count():
        plan = Plan(table, [(key, 10, 30) for key in choose.sample(range(1, 25), 3)])
        if plan.take(now) == ADMITTED:
            plan.give_back(now, taken_ns=now)
        if turn == 1000:
            print("busy", flush=True)
"""


class Workers:
    def __init__(self, path: Path, count: int, *job: str) -> None:
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(path), str(seed), *job],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for seed in range(count)
        ]

    def start(self) -> None:
        """Let all of them go at once, when the last one is ready."""
        self.await_line("ready")
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("g")
            process.stdin.flush()

    def await_line(self, line: str) -> None:
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == line + "\n"

    def results(self) -> list[list[int]]:
        self.start()
        answers = [process.communicate(timeout=120)[0] for process in self.processes]
        assert [process.returncode for process in self.processes] == [0] * len(self.processes)
        return [[int(word) for word in answer.split()] for answer in answers]

    def kill(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
        for process in self.processes:
            process.communicate()


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Path, mmap.mmap, Table]:
    path = tmp_path / "slots"
    path.write_bytes(bytes(WINDOW * SLOT_BYTES))
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), 0)
    return path, memory, Table(memory, KEY)


@pytest.mark.parametrize("tight", [0, 1, 2])
def test_eight_processes_admit_the_limit_exactly(shared: tuple[Path, mmap.mmap, Table], tight: int) -> None:
    path, _, table = shared
    counts = [50_000, 50_000, 50_000]
    counts[tight] = 3000
    entries = [(key + 1, 1000, 1000 * count) for key, count in enumerate(counts)]
    admitted = Workers(path, 8, "exact", *(",".join(map(str, entry)) for entry in entries)).results()
    assert sum(count for (count,) in admitted) == 3000
    assert [(table.peek(key, NOW) - NOW) // 1000 for key, _, _ in entries] == [3000] * 3


@pytest.mark.parametrize("count", [2, 24])
def test_no_charge_is_lost_or_doubled(shared: tuple[Path, mmap.mmap, Table], count: int) -> None:
    path, memory, table = shared
    wrong, *kept = (sum(column) for column in zip(*Workers(path, 4, "churn", str(count)).results(), strict=True))
    assert wrong == 0
    assert max(kept) <= 3
    assert [max(0, table.peek(key, NOW) - NOW) // 10 for key in range(1, count + 1)] == kept
    keys = [key for key, tat in occupied(memory) if tat >= 0]
    assert len(keys) == len(set(keys))


def test_killed_processes_leave_whole_counters(shared: tuple[Path, mmap.mmap, Table]) -> None:
    path, memory, table = shared
    for _ in range(5):
        workers = Workers(path, 3, "forever")
        workers.start()
        workers.await_line("busy")
        workers.kill()
        slots = occupied(memory)
        counters = [key for key, tat in slots if tat >= 0]
        assert len(counters) == len(set(counters))
        assert all(0 < key < 25 for key, _ in slots)
        assert all(tat < 0 or (NOW <= tat <= NOW + 30 and (tat - NOW) % 10 == 0) for _, tat in slots)
    # What they held when they were killed has drained a moment later, and every limit is itself again.
    for key in range(1, 25):
        plan = Plan(table, [(key, 10, 30)])
        assert [plan.take(NOW + 30) for _ in range(4)] == [ADMITTED] * 3 + [0]
        plan.give_back(NOW + 30, 3, taken_ns=NOW + 30)
