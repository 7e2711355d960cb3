"""Journals of leases: what a worker that is gone has left, read once by others, and nothing of one that lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.limits.shared.counters import Counter, quota, rate, restored, slots
from engine.limits.shared.journal import NOWHERE, LeaseJournal, last_words
from engine.limits.shared.lease import Lease

COUNTERS = [rate(b"r", 7, 700), quota(b"q", 50, 3, 10**15), slots(b"s", 9)]


@pytest.mark.parametrize("counter", COUNTERS)
def test_a_counter_is_found_again_by_its_key_and_numbers(counter: Counter) -> None:
    assert restored(counter.script.name, counter.key, counter.limits) == counter  # type: ignore[arg-type]


def test_what_was_spent_and_noted_is_reported_when_the_owner_is_gone(tmp_path: Path) -> None:
    journal = LeaseJournal(tmp_path, "host.1", 4)
    leases = [Lease(counter) for counter in COUNTERS]
    for number, lease in enumerate(leases):
        lease.held = 100
        journal.open(lease)
        lease.take(10 + number)
        lease.note(5)
        lease.release(10 + number, 6)
        lease.spend()
    journal.close(leases[2])
    leases[2].spend()
    # A row that makes no sense is nobody's.
    journal._cells[3 * 16], journal._cells[3 * 16 + 3] = 1, 99
    # The owner lives.
    assert list(last_words(tmp_path)) == []
    journal._file.close(remove=False)
    ((path, words),) = list(last_words(tmp_path))
    assert path == journal.path
    calls = words.calls("store", 5)
    assert [call.keys for call in calls] == [counter.keys for counter in COUNTERS[:2]]
    for call, counter in zip(calls, COUNTERS, strict=False):
        store, _, owner, _, ttl, spent, acknowledged, keep = call.arguments[:8]
        assert (store, owner, ttl, spent, acknowledged, keep) == ("store", "host.1", 5, 12, 12, 0)
        assert call.arguments[15 : 15 + len(counter.limits)] == counter.limits


def test_rows_are_used_again_and_who_finds_none_goes_without(tmp_path: Path) -> None:
    journal = LeaseJournal(tmp_path, "host.1", 2)
    leases = [Lease(slots(bytes([number]), 5)) for number in range(3)]
    for lease in leases:
        journal.open(lease)
    assert [lease.cells is NOWHERE for lease in leases] == [False, False, True]
    journal.close(leases[0])
    journal.open(leases[2])
    assert [lease.cells is NOWHERE for lease in leases] == [True, False, False]
    journal.close(leases[1])
    journal.close(leases[2])
    journal.end()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"short", b"TIDELEAS" + bytes(4096))):
        (tmp_path / f"{number}.leases").write_bytes(content)
    assert list(last_words(tmp_path)) == []
    assert len(list(tmp_path.iterdir())) == 3
