"""The ring kernel: against its oracle, over the end of its data area, damaged, and across processes that are killed."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine._fast import ring as kernel
from engine._fast.ring import HEADER_BYTES, MIN_DATA_BYTES, Ring, RingError
from tests.fast.oracles.ring import RingOracle

ROOT = Path(__file__).parents[2]


def make(data_bytes: int = MIN_DATA_BYTES) -> mmap.mmap:
    mapping = mmap.mmap(-1, HEADER_BYTES + data_bytes)
    Ring.format(mapping)
    return mapping


def take(ring: Ring, max_bytes: int = 1 << 20) -> bytes:
    batch = ring.peek(max_bytes)
    if batch:
        ring.begin(0, 0)
        ring.commit()
    return batch


def test_the_compiled_kernel_is_loaded() -> None:
    assert kernel.__file__.endswith(".so")


class RingMachine(RuleBasedStateMachine):
    """Any sequence of calls, reopening included, does what the oracle does."""

    @initialize(reserve=st.sampled_from([0, 100, MIN_DATA_BYTES - 1]), ending=st.sampled_from([b"", b"\n", b"\r\n\0"]))
    def start(self, reserve: int, ending: bytes) -> None:
        self.mapping = make()
        self.arguments = (reserve, ending)
        self.ring = Ring(self.mapping, *self.arguments)
        self.oracle = RingOracle(MIN_DATA_BYTES, *self.arguments)

    @rule(length=st.integers(0, 530), filler=st.integers(0, 255))
    def put(self, length: int, filler: int) -> None:
        record = bytes([filler]) * length
        try:
            expected = self.oracle.put(record)
        except ValueError:
            with pytest.raises(ValueError, match="a record of"):
                self.ring.put(record)
        else:
            assert self.ring.put(record) is expected

    @rule(max_bytes=st.integers(1, 5000))
    def peek(self, max_bytes: int) -> None:
        assert self.ring.peek(max_bytes) == self.oracle.peek(max_bytes)

    @rule(place=st.integers(0, 2**64 - 1), offset=st.integers(0, 2**64 - 1))
    def begin(self, place: int, offset: int) -> None:
        if self.oracle.peeked:
            self.oracle.begin(place, offset)
            self.ring.begin(place, offset)
        else:
            with pytest.raises(ValueError, match="nothing was peeked"):
                self.ring.begin(place, offset)

    @rule()
    def commit(self) -> None:
        if self.oracle.note is not None:
            self.oracle.commit()
            self.ring.commit()
        else:
            with pytest.raises(ValueError, match="no write was begun"):
                self.ring.commit()

    @rule()
    def reopen(self) -> None:
        """A later process finds all but what was only peeked."""
        self.ring.close()
        self.ring = Ring(self.mapping, *self.arguments)
        self.oracle.peeked = 0

    @invariant()
    def agree(self) -> None:
        assert self.ring.used == self.oracle.used
        assert self.ring.lost == self.oracle.lost
        assert self.ring.has_room() is self.oracle.has_room()
        assert self.ring.begun() == self.oracle.begun()


TestRingMachine = RingMachine.TestCase
TestRingMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None, derandomize=True)


def test_records_straddle_the_end_at_every_offset() -> None:
    ring = Ring(make())
    for turn in range(3 * MIN_DATA_BYTES // 8):
        records = [bytes([turn & 255]) * (1 + turn % 400), b"next"]
        for record in records:
            assert ring.put(record)
        assert take(ring) == b"".join(records)
    assert ring.used == 0


def test_room_ends_at_the_reserve_and_comes_back() -> None:
    ring = Ring(make(), MIN_DATA_BYTES // 2)
    while ring.has_room():
        assert ring.put(b"x" * 60)
    assert ring.used == MIN_DATA_BYTES // 2
    assert ring.put(b"x" * 60)
    take(ring)
    assert ring.has_room()


def test_producer_and_consumer_see_each_other_through_two_objects() -> None:
    mapping = make()
    producer, consumer = Ring(mapping), Ring(mapping)
    written = 0
    while producer.put(b"%07d" % written):
        written += 1
    assert not producer.put(b"1234567")
    assert consumer.lost == 2
    assert take(consumer) == b"".join(b"%07d" % n for n in range(written))
    assert producer.put(b"1234567")
    assert take(consumer) == b"1234567"


def test_a_new_note_replaces_the_old_one() -> None:
    ring = Ring(make())
    ring.put(b"one")
    ring.peek(100)
    ring.begin(1, 2)
    ring.put(b"four")
    ring.peek(100)
    ring.begin(3, 2**64 - 1)
    assert ring.begun() == (3, 2**64 - 1, 7)
    ring.commit()
    assert ring.begun() is None
    assert ring.used == 0


@pytest.mark.parametrize(
    ("offset", "word", "reason"),
    [
        (0, 1, "wrong magic"),
        (8, 1 << 20, "the header says"),
        (64, 8192, "damaged"),
        (64, 6, "damaged"),
        (128, 4, "damaged"),
    ],
)
def test_a_damaged_header_is_refused(offset: int, word: int, reason: str) -> None:
    mapping = make()
    struct.pack_into("<Q", mapping, offset, word)
    with pytest.raises(RingError, match=reason):
        Ring(mapping)


@pytest.mark.parametrize("length", [0, 9, 2**31, 2**32 - 1])
def test_a_damaged_length_is_never_followed(length: int) -> None:
    mapping = make()
    ring = Ring(mapping)
    ring.put(b"four")
    struct.pack_into("<I", mapping, HEADER_BYTES, length)
    with pytest.raises(RingError, match="damaged"):
        ring.peek(100)


def test_a_damaged_note_is_never_followed() -> None:
    mapping = make()
    ring = Ring(mapping)
    ring.put(b"four")
    ring.peek(100)
    ring.begin(1, 1)
    struct.pack_into("<Q", mapping, 200, 4096)
    with pytest.raises(RingError, match="a note up to"):
        ring.commit()


@pytest.mark.parametrize("size", [0, HEADER_BYTES, HEADER_BYTES + 2048, HEADER_BYTES + MIN_DATA_BYTES + 4])
def test_a_buffer_of_the_wrong_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"too small|not a power of two"):
        Ring.format(bytearray(size))


def test_a_closed_ring_lets_go_of_its_buffer() -> None:
    mapping = make()
    ring = Ring(mapping)
    ring.close()
    ring.close()
    mapping.close()
    for use in (ring.has_room, lambda: ring.put(b"x"), lambda: ring.peek(1), lambda: ring.used, ring.commit):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_the_reserve_must_fit() -> None:
    with pytest.raises(ValueError, match="reserve"):
        Ring(make(), MIN_DATA_BYTES)


PRODUCER = """
import mmap, os, sys
from engine._fast.ring import Ring
fd = os.open(sys.argv[1], os.O_RDWR)
ring = Ring(mmap.mmap(fd, os.fstat(fd).st_size), 0, b"\\n")
number = int(sys.argv[2])
while True:
    if ring.put(b"%d " % number * (1 + number * 7919 % 90)):
        number += 1
"""


def test_a_producer_killed_at_any_instruction_leaves_whole_records_in_order(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    path.write_bytes(bytes(HEADER_BYTES + (1 << 16)))
    with path.open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0)
    Ring.format(mapping)
    ring = Ring(mapping)
    expected = 0
    for life in range(8):
        command = [sys.executable, "-c", PRODUCER, str(path), str(expected)]
        with subprocess.Popen(command, cwd=ROOT) as producer:
            before = expected
            killed = False
            while not killed or ring.used:
                if not killed and expected - before > 500 * (life + 1):
                    os.kill(producer.pid, signal.SIGKILL)
                    producer.wait()
                    killed = True
                for line in take(ring, 4096).splitlines():
                    assert line == b"%d " % expected * (1 + expected * 7919 % 90)
                    expected += 1
    assert expected > 8 * 500
