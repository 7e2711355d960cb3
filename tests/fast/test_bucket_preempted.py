"""The bucket kernel stopped between two instructions: another process acts, or it is killed.

A child runs one `take` under ptrace, one machine instruction at a time. It is held at every STRIDE-th of them, or
killed after each of its writes (in between, what it leaves does not change). That meets on purpose what a load from
many processes meets by luck.
"""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from engine._fast.bucket import ADMITTED, SLOT_BYTES, WINDOW, Plan, Table

NOW = 1_800_000_000_000_000_000
BLOCK = WINDOW // 2
# Shorter than the stretches that matter: from the look at a slot to the compare-and-swap of another.
STRIDE = 17
# Instructions of interest before the first write: a take of a new key looks at its window twice.
LEAD = 500

PTRACE_TRACEME, PTRACE_CONT, PTRACE_SINGLESTEP = 0, 7, 9
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ptrace as on Linux")


class Stepped:
    """A child that is about to call `action` and ends with status 1 if that returned ADMITTED."""

    def __init__(self, action: Callable[[], int]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            if _libc.ptrace(PTRACE_TRACEME, 0, None, None) != 0:
                os._exit(2)
            me = os.getpid()
            os.kill(me, signal.SIGSTOP)
            verdict = action()
            os.kill(me, signal.SIGSTOP)
            os._exit(verdict == ADMITTED)
        if os.WIFEXITED(os.waitpid(self.pid, 0)[1]):
            pytest.skip("this system lets no process trace its own child")

    def step(self) -> bool:
        """One instruction. False: the action is over."""
        _libc.ptrace(PTRACE_SINGLESTEP, self.pid, None, None)
        return os.WSTOPSIG(os.waitpid(self.pid, 0)[1]) == signal.SIGTRAP

    def finish(self) -> bool:
        """Whether it was admitted."""
        while True:
            _libc.ptrace(PTRACE_CONT, self.pid, None, None)
            status = os.waitpid(self.pid, 0)[1]
            if os.WIFEXITED(status):
                return os.WEXITSTATUS(status) == 1

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        while not os.WIFSIGNALED(os.waitpid(self.pid, 0)[1]):
            pass


def occupied(memory: mmap.mmap) -> list[tuple[int, int]]:
    return [slot for slot in struct.iter_unpack("<Qq", memory[:]) if slot[0]]


def held_everywhere(memory: mmap.mmap, reset: Callable[[], None], action: Callable[[], int]) -> Iterator[Stepped]:
    """The child at every STRIDE-th instruction around its writes, each time from the state that `reset` makes."""
    reset()
    state = memory[:]
    writes = []
    child = Stepped(action)
    for number in itertools.count(1):
        if not child.step():
            break
        if memory[:] != state:
            state = memory[:]
            writes.append(number)
    child.finish()
    for stop in range(writes[0] - LEAD, writes[-1] + STRIDE, STRIDE):
        reset()
        child = Stepped(action)
        for _ in range(stop):
            child.step()
        yield child


def killed_after_each_write(memory: mmap.mmap, reset: Callable[[], None], action: Callable[[], int]) -> Iterator[int]:
    """The number of writes that the child had made when it was killed, from none to all."""
    for writes in itertools.count():
        reset()
        state = memory[:]
        child = Stepped(action)
        made = 0
        while made < writes and child.step():
            if memory[:] != state:
                state = memory[:]
                made += 1
        child.kill()
        if made < writes:
            return
        yield writes


@pytest.mark.parametrize(("mine", "theirs"), [(0, 1), (1, 0)], ids=["it prefers a later slot", "an earlier one"])
def test_two_that_add_a_key_at_once_make_one_counter(mine: int, theirs: int) -> None:
    memory = mmap.mmap(-1, WINDOW * SLOT_BYTES)
    table = Table(memory, bytes(16))
    key = BLOCK  # even: its first block is the first of the two
    new = Plan(table, [(key, 10, 10)])
    fillers = [Plan(table, [(1000 + index, 10, 10)]) for index in range(WINDOW)]

    def reset() -> None:
        # Everything is in use but one slot, in the block that the child will therefore choose.
        for index in range(WINDOW):
            struct.pack_into("<Qq", memory, index * SLOT_BYTES, 1000 + index, NOW + 10)
        struct.pack_into("<Qq", memory, (mine * BLOCK + 4) * SLOT_BYTES, 0, 0)

    for child in held_everywhere(memory, reset, partial(Plan(table, [(key, 10, 10)]).take, NOW)):
        # Now the other block has more room, so that this process chooses a slot there for the same key.
        for index in (2, 3, 5):
            fillers[theirs * BLOCK + index].give_back(NOW, taken_ns=NOW)
        here = new.take(NOW) == ADMITTED
        there = child.finish()
        assert here + there == 1
        assert [tat for found, tat in occupied(memory) if found == key] == [NOW + 10]


@pytest.mark.parametrize(("mine", "theirs"), [(16, 8), (8, 16)], ids=["it charges", "it takes over"])
def test_an_idle_slot_is_charged_or_taken_over_but_not_both(mine: int, theirs: int) -> None:
    # The only free slot belongs to the idle counter of 16; 8 has none yet.
    memory = mmap.mmap(-1, WINDOW * SLOT_BYTES)
    table = Table(memory, bytes(16))
    rival = Plan(table, [(theirs, 10, 10)])

    def reset() -> None:
        for index in range(WINDOW):
            struct.pack_into("<Qq", memory, index * SLOT_BYTES, 1000 + index, NOW + 10)
        struct.pack_into("<Qq", memory, 5 * SLOT_BYTES, 16, NOW - 10)

    for child in held_everywhere(memory, reset, partial(Plan(table, [(mine, 10, 10)]).take, NOW)):
        here = rival.take(NOW) == ADMITTED
        there = child.finish()
        assert here + there == 1
        assert table.peek(theirs, NOW) == (NOW + 10 if here else 0)
        assert table.peek(mine, NOW) == (NOW + 10 if there else 0)


def test_a_process_killed_after_any_write_leaves_a_whole_table() -> None:
    memory = mmap.mmap(-1, WINDOW * SLOT_BYTES)
    table = Table(memory, bytes(16))
    limits = [(8, 10, 30), (9, 10, 30), (24, 10, 30)]

    def reset() -> None:
        memory[:] = bytes(len(memory))
        Plan(table, limits[:1]).take(NOW)

    left = []
    for _ in killed_after_each_write(memory, reset, partial(Plan(table, limits).take, NOW)):
        charged = [max(0, table.peek(key, NOW) - NOW) // 10 for key, _, _ in limits]
        left.append(charged)
        for limit, taken in zip(limits, charged, strict=True):
            assert [Plan(table, [limit]).take(NOW) for _ in range(4 - taken)] == [ADMITTED] * (3 - taken) + [0]
        assert sorted(occupied(memory)) == [(8, NOW + 30), (9, NOW + 30), (24, NOW + 30)]
    # Nothing; the charge; then for each of the others a claim and the charge.
    assert left == [[1, 0, 0], [2, 0, 0], [2, 0, 0], [2, 1, 0], [2, 1, 0], [2, 1, 1]]


def test_a_process_killed_while_it_rolls_back_leaves_a_whole_table() -> None:
    memory = mmap.mmap(-1, WINDOW * SLOT_BYTES)
    table = Table(memory, bytes(16))
    limits = [(8, 10, 30), (9, 10, 30), (16, 10, 30)]

    def reset() -> None:
        # No slot is left for the third.
        for index in range(WINDOW):
            struct.pack_into("<Qq", memory, index * SLOT_BYTES, 1000 + index, NOW + 10)
        struct.pack_into("<Qq", memory, 0, 8, NOW + 10)
        struct.pack_into("<Qq", memory, BLOCK * SLOT_BYTES, 9, NOW + 10)

    left = []
    for _ in killed_after_each_write(memory, reset, partial(Plan(table, limits).take, NOW)):
        left.append([max(0, table.peek(key, NOW) - NOW) // 10 for key, _, _ in limits])
        assert len(occupied(memory)) == WINDOW
    assert left == [[1, 1, 0], [2, 1, 0], [2, 2, 0], [2, 1, 0], [1, 1, 0]]
