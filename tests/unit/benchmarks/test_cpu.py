"""CPU accounting: the arithmetic by hand, and real processes that say themselves what they used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks import cpu
from benchmarks.cpu import Usage
from benchmarks.errors import BenchmarkError

# What a reading may lag behind by: a scheduler tick of the slowest usual kernel, 10 ms, and one more for the reader.
LAG_NS = 20_000_000

BURN = """
import sys, time
while time.process_time_ns() < 100_000_000:
    pass
print(time.process_time_ns(), flush=True)
sys.stdin.read()
"""

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=sys.stdin, start_new_session=len(sys.argv) > 2)
child.wait()
"""


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def said(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_threads_are_summed_and_new_ones_count_from_zero() -> None:
    before = {(1, 5): Usage({1: 100, 2: 40}, 0)}
    after = {(1, 5): Usage({1: 150, 2: 40, 3: 7}, 0), (9, 6): Usage({9: 1000}, 0)}
    assert cpu.between(before, after) == 50 + 7 + 1000


def test_a_thread_that_ended_is_billed_by_the_ticks_of_its_process() -> None:
    before = {(1, 5): Usage({1: 100, 2: 40}, 30_000_000)}
    after = {(1, 5): Usage({1: 150}, 90_000_000)}
    assert cpu.between(before, after) == 60_000_000


def test_ticks_stand_in_where_the_kernel_keeps_no_schedstat() -> None:
    assert cpu.between({(1, 5): Usage({}, 10)}, {(1, 5): Usage({}, 25)}) == 15


def test_a_process_that_ended_is_an_error_even_when_its_pid_lives_on() -> None:
    with pytest.raises(BenchmarkError, match=r"ended while it was measured: \[7\]"):
        cpu.between({(7, 1): Usage({7: 1}, 0)}, {(7, 2): Usage({7: 1}, 0)})


def test_a_process_is_billed_for_what_it_says_it_used() -> None:
    with started(BURN) as process:
        own = said(process)
        assert own - LAG_NS < cpu.between({}, cpu.sample(process.pid)) < own + LAG_NS


@pytest.mark.parametrize("apart", [[], ["a session of its own"]])
def test_children_are_billed_with_their_parent(apart: list[str]) -> None:
    with started(PARENT, BURN, *apart) as process:
        own = said(process)
        taken = cpu.sample(process.pid)
        assert len(taken) == 2
        assert cpu.between({}, taken) > own - LAG_NS


def test_memory_is_that_of_the_process() -> None:
    with started("import sys; block = bytearray(b'x' * 50_000_000); print(1, flush=True); sys.stdin.read()") as process:
        said(process)
        read = cpu.memory(process.pid)
        assert 50_000_000 < read.rss < 100_000_000
        assert 0 < read.pss <= read.rss


def test_memory_of_no_process_is_an_error() -> None:
    with started("") as process:
        process.wait()
        with pytest.raises(BenchmarkError, match="cannot be read"):
            cpu.memory(process.pid)
