"""The budget kernel with several processes at once: admitted is the limit, to the unit, whoever is killed and when."""

from __future__ import annotations

import json
import mmap
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine._fast.bucket import SLOT_BYTES, Table
from engine._fast.budget import (
    BYTES,
    HEADER_BYTES,
    INPUT,
    KIND_CALENDAR,
    KIND_CONCURRENT,
    KIND_RATE,
    OUTPUT,
    REQUESTS,
    ROW_BYTES,
    SPEND,
    TOTAL,
    Budget,
    Journal,
    hold_word,
    replace_hold,
)

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
ROWS = 256

RUNS = 10
WORKER = """
import mmap, random, sys
from engine._fast.bucket import Table
from engine._fast.budget import Budget, Journal
folder, name, job, seed, entries, now, end = sys.argv[1:8]
def mapped(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)
table = Table(mapped(folder + "/table"), bytes(range(16)))
journal = Journal(mapped(folder + "/" + name))
def opened(entries):
    budget = Budget(table, journal, entries)
    for index in range(len(budget)):
        budget.set_window(index, 0, int(end))
    return budget
budget = opened(eval(entries))
now, choose = int(now), random.Random(int(seed))
print("ready", flush=True)
sys.stdin.read(1)
if job == "exact":
    # Each holds 3 units and uses all: what is admitted is used, once. A run has a counter of its own.
    ((_, *numbers),) = eval(entries)
    admitted = []
    for run in range(1, RUNS + 1):
        budget = opened([(run, *numbers)])
        admitted.append(0)
        for _ in range(400):
            number = budget.reserve(now, 1, 3, 0, 3, 3)
            if number >= 0:
                admitted[-1] += 1
                assert budget.settle(number, now, 1, 3, 0, 3, 3) == 0
    print(admitted)
elif job == "hold":
    print(sum(budget.reserve(now, 1, 3, 0, 3, 3) >= 0 for _ in range(100)))
elif job == "forever":
    opened = []
    while True:
        number = budget.reserve(now, 1, 3, 2, 0, 0)
        if number >= 0:
            opened.append(number)
        while len(opened) > choose.randrange(20):
            # Nothing is used, so that what is held is all there is.
            budget.settle(opened.pop(choose.randrange(len(opened))), now, 0, 0, 0, 0, 0)
"""

EVERY = [
    pytest.param((1, KIND_RATE, INPUT, SECOND, 1500 * SECOND), 3, id="input_tokens"),
    pytest.param((1, KIND_RATE, TOTAL, SECOND, 1500 * SECOND), 3, id="tokens"),
    pytest.param((1, KIND_CALENDAR, SPEND, 1, 1500), 3, id="spend"),
    pytest.param((1, KIND_RATE, BYTES, SECOND, 1500 * SECOND), 3, id="body_bytes"),
    pytest.param((1, KIND_CALENDAR, REQUESTS, 1, 500), 1, id="requests"),
]


def mapped(path: Path, size: int) -> mmap.mmap:
    path.write_bytes(bytes(size))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def make(folder: Path, count: int) -> tuple[Table, list[Journal]]:
    table = Table(mapped(folder / "table", 256 * SLOT_BYTES), bytes(range(16)))
    return table, [Journal(mapped(folder / f"j{index}", HEADER_BYTES + ROWS * ROW_BYTES)) for index in range(count)]


def start(folder: Path, job: str, entries: object, count: int, first: int = 0) -> list[subprocess.Popen[str]]:
    arguments = [repr(entries), str(NOW), str(NOW + 3600 * SECOND)]
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WORKER.replace("RUNS", str(RUNS)),
                str(folder),
                f"j{index}",
                job,
                str(index),
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for index in range(first, first + count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


def results(processes: list[subprocess.Popen[str]]) -> list[Any]:
    """What each of them prints."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=60)[0]) for process in processes]


@pytest.mark.parametrize(("entry", "cost"), EVERY)
def test_eight_processes_admit_exactly_the_limit(
    tmp_path: Path, entry: tuple[int, int, int, int, int], cost: int
) -> None:
    table, journals = make(tmp_path, 9)
    admitted = results(start(tmp_path, "exact", [entry], 8))
    assert [sum(run) for run in zip(*admitted, strict=True)] == [500] * RUNS
    assert max(map(sum, admitted)) < 500 * RUNS
    for run in range(1, RUNS + 1):
        budget = Budget(table, journals[8], [(run, *entry[1:])])
        budget.set_window(0, 0, NOW + 3600 * SECOND)
        assert budget.read(0, NOW)[:3] == (500 * cost, 0, 0)
    assert sum(journal.open for journal in journals) == 0


def test_eight_processes_hold_exactly_what_may_be_open(tmp_path: Path) -> None:
    table, _ = make(tmp_path, 8)
    assert sum(results(start(tmp_path, "hold", [(1, KIND_CONCURRENT, REQUESTS, 1, 64)], 8))) == 64
    assert hold_word(table, 1) & (1 << 40) - 1 == 64


def test_kills_at_any_moment_leave_nothing_held_and_nothing_lost(tmp_path: Path) -> None:
    entries = [
        (1, KIND_RATE, OUTPUT, SECOND, 300 * SECOND),
        (2, KIND_CONCURRENT, REQUESTS, 1, 40),
        (3, KIND_CALENDAR, INPUT, 1, 200),
    ]
    table, journals = make(tmp_path, 8)
    budget = Budget(table, Journal(mmap.mmap(-1, HEADER_BYTES + ROW_BYTES)), entries)
    budget.set_window(2, 0, NOW + 3600 * SECOND)
    choose = random.Random(7)  # noqa: S311 - a repeatable choice
    processes = start(tmp_path, "forever", entries, 4)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    dead: list[int] = []
    for index, process in enumerate(processes):
        # How long it runs is left to the machine: until it has been seen to hold something so many times.
        seen, wanted = 0, choose.randrange(50, 400)
        while seen < wanted:
            seen += journals[index].open > 0
            assert [budget.read(each, NOW)[1] <= most for each, most in enumerate((300, 40, 200))] == [True] * 3
        process.kill()
        process.communicate()
        dead.append(index)
        for fingerprint in journals[index].fingerprints():
            while (word := hold_word(table, fingerprint)) != 0:
                held = [journal.held(fingerprint) for number, journal in enumerate(journals) if number not in dead]
                if -1 not in held and replace_hold(table, fingerprint, word, sum(held), NOW):
                    break
        journals[index].clear()
    assert [budget.read(each, NOW)[:2] for each in range(3)] == [(0, 0)] * 3
