"""The budget kernel: by hand, against its oracle, at its edges, and after a process that was killed."""

from __future__ import annotations

import mmap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import budget as kernel
from engine._fast.bucket import SLOT_BYTES, Table
from engine._fast.budget import (
    BYTES,
    HEADER_BYTES,
    INPUT,
    KIND_CALENDAR,
    KIND_CONCURRENT,
    KIND_RATE,
    MAX_AMOUNT,
    MAX_HOLDS,
    MAX_SPAN_NS,
    NO_ROOM,
    OUTPUT,
    REFUSED,
    REQUESTS,
    ROW_BYTES,
    SPEND,
    STALE,
    TOTAL,
    Budget,
    Journal,
    held_of,
    hold_word,
    replace_hold,
    replace_used,
)
from tests.fast.oracles.budget import Amounts, BudgetOracle

PROFILE = settings(max_examples=150, deadline=None, derandomize=True)
NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
WINDOW = (NOW - NOW % HOUR, NOW - NOW % HOUR + HOUR)


def make_table(slots: int = 1024) -> Table:
    return Table(mmap.mmap(-1, slots * SLOT_BYTES), bytes(range(16)))


def make_journal(rows: int = 8) -> Journal:
    return Journal(mmap.mmap(-1, HEADER_BYTES + rows * ROW_BYTES))


def rate(fingerprint: int, column: int, interval: int, capacity: int) -> tuple[int, int, int, int, int]:
    return fingerprint, KIND_RATE, column, interval, capacity * interval


def quota(fingerprint: int, column: int, capacity: int) -> tuple[int, int, int, int, int]:
    return fingerprint, KIND_CALENDAR, column, 1, capacity


def parallel(fingerprint: int, capacity: int) -> tuple[int, int, int, int, int]:
    return fingerprint, KIND_CONCURRENT, REQUESTS, 1, capacity


def tokens(budget: Budget, now: int, amount: int) -> int:
    return budget.reserve(now, 1, 0, amount, 0, 0)


def settle(budget: Budget, number: int, now: int, amount: int) -> int:
    return budget.settle(number, now, 1, 0, amount, 0, 0)


def test_the_compiled_kernel_is_loaded() -> None:
    assert kernel.__file__.endswith(".so")


# --- by hand: one token every 10 ns, 100 at once


def one(capacity: int = 100, interval: int = 10) -> Budget:
    return Budget(make_table(), make_journal(), [rate(7, TOTAL, interval, capacity)])


def test_what_is_held_does_not_drain_and_is_charged_when_it_is_settled() -> None:
    budget = one()
    first = tokens(budget, NOW, 100)
    assert first >= 0
    # An hour later the reservation is still open: nothing is left.
    assert tokens(budget, NOW + HOUR, 1) == REFUSED
    assert settle(budget, first, NOW + HOUR, 40) == 0
    assert budget.read(0, NOW + HOUR) == (40, 0, 60, 400)
    # The 40 that were used drain from the moment at which they were known: one each 10 ns.
    assert budget.read(0, NOW + HOUR + 100) == (30, 0, 70, 300)
    assert tokens(budget, NOW + HOUR + 100, 71) == REFUSED
    assert budget.wait_ns == 10
    assert tokens(budget, NOW + HOUR + 110, 71) >= 0


def test_a_reservation_above_the_limit_waits_for_ever() -> None:
    budget = one()
    assert tokens(budget, NOW, 101) == REFUSED
    assert (budget.refused, budget.wait_ns) == (0, -1)
    assert tokens(budget, NOW, 100) >= 0


def test_more_than_was_reserved_is_a_debt() -> None:
    budget = one(interval=SECOND)
    number = tokens(budget, NOW, 10)
    settle(budget, number, NOW, 150)
    assert budget.read(0, NOW) == (150, 0, 0, 150 * SECOND)
    assert tokens(budget, NOW, 1) == REFUSED
    assert budget.wait_ns == 51 * SECOND
    assert tokens(budget, NOW + 51 * SECOND, 1) >= 0


def test_a_debt_is_remembered_up_to_twice_the_limit() -> None:
    budget = one(interval=SECOND)
    settle(budget, tokens(budget, NOW, 10), NOW, MAX_AMOUNT)
    assert budget.read(0, NOW)[3] == 200 * SECOND


def test_nothing_used_leaves_nothing() -> None:
    budget = one()
    settle(budget, tokens(budget, NOW, 100), NOW, 0)
    assert budget.read(0, NOW) == (0, 0, 100, 0)
    assert hold_word(budget.table, 7) == 0
    assert budget.journal.open == 0


def test_the_budget_with_the_longest_wait_is_named() -> None:
    budget = Budget(make_table(), make_journal(), [rate(1, OUTPUT, 10, 10), rate(2, INPUT, 20, 10), parallel(3, 1)])
    number = budget.reserve(NOW, 1, 10, 10, 0, 0)
    budget.settle(number, NOW, 1, 10, 10, 0, 0)
    assert budget.reserve(NOW, 1, 5, 5, 0, 0) == REFUSED
    assert (budget.refused, budget.wait_ns) == (1, 100)
    assert budget.reserve(NOW + 99, 1, 5, 5, 0, 0) == REFUSED
    # All or none: what the first would have admitted was not taken, nor was the third.
    assert budget.reserve(NOW + 100, 1, 5, 5, 0, 0) >= 0
    assert budget.read(2, NOW)[1] == 1


def test_each_column_counts_its_own() -> None:
    entries = [rate(column + 1, column, 10, 1000) for column in (REQUESTS, INPUT, OUTPUT, TOTAL, SPEND, BYTES)]
    budget = Budget(make_table(), make_journal(), entries)
    number = budget.reserve(NOW, 1, 20, 300, 44, 5)
    assert [budget.read(index, NOW)[1] for index in range(6)] == [1, 20, 300, 320, 44, 5]
    budget.settle(number, NOW, 1, 21, 3, 4, 5)
    assert [budget.read(index, NOW)[:2] for index in range(6)] == [(1, 0), (21, 0), (3, 0), (24, 0), (4, 0), (5, 0)]


# --- calendar quotas


def calendar(capacity: int = 100) -> Budget:
    budget = Budget(make_table(), make_journal(), [quota(7, TOTAL, capacity)])
    budget.set_window(0, *WINDOW)
    return budget


def test_a_quota_ends_with_its_window_and_not_before() -> None:
    budget = calendar()
    settle(budget, tokens(budget, WINDOW[0], 100), WINDOW[0], 100)
    assert tokens(budget, WINDOW[1] - 1, 1) == REFUSED
    assert budget.wait_ns == 1
    assert tokens(budget, WINDOW[1], 1) == STALE
    budget.set_window(0, WINDOW[1], WINDOW[1] + HOUR)
    assert tokens(budget, WINDOW[1], 100) >= 0


def test_a_reservation_over_the_end_counts_in_the_window_in_which_it_is_settled() -> None:
    budget = calendar()
    number = tokens(budget, WINDOW[1] - 1, 80)
    assert settle(budget, number, WINDOW[1], 30) == STALE
    budget.set_window(0, WINDOW[1], WINDOW[1] + HOUR)
    assert tokens(budget, WINDOW[1], 30) == REFUSED
    assert settle(budget, number, WINDOW[1], 30) == 0
    assert budget.read(0, WINDOW[1])[:3] == (30, 0, 70)


def test_a_refusal_because_others_are_under_way_has_no_known_wait() -> None:
    budget = calendar()
    number = tokens(budget, NOW, 80)
    assert tokens(budget, NOW, 30) == REFUSED
    assert budget.wait_ns == 0
    settle(budget, number, NOW, 0)
    assert tokens(budget, NOW, 30) >= 0


def test_a_changed_limit_keeps_what_was_used() -> None:
    table, journal = make_table(), make_journal()
    for capacity, left in ((100, 40), (500, 440), (50, 0)):
        budget = Budget(table, journal, [quota(7, TOTAL, capacity)])
        budget.set_window(0, *WINDOW)
        if capacity == 100:
            settle(budget, tokens(budget, NOW, 60), NOW, 60)
        assert budget.read(0, NOW)[2] == left


def test_a_clock_that_was_years_ahead_does_not_bind_for_years() -> None:
    budget = calendar()
    later = WINDOW[0] + 24 * 365 * HOUR
    budget.set_window(0, later, later + HOUR)
    settle(budget, tokens(budget, later, 1), later, 1)
    budget.set_window(0, *WINDOW)
    assert tokens(budget, NOW, 1) == REFUSED
    budget.set_window(0, WINDOW[1], WINDOW[1] + HOUR)
    assert tokens(budget, WINDOW[1], 100) >= 0


# --- concurrency


def test_concurrent_counts_what_is_open() -> None:
    budget = Budget(make_table(), make_journal(), [parallel(7, 3)])
    numbers = [tokens(budget, NOW, 0) for _ in range(3)]
    assert tokens(budget, NOW + HOUR, 0) == REFUSED
    settle(budget, numbers[1], NOW, 0)
    assert tokens(budget, NOW, 0) >= 0
    assert tokens(budget, NOW, 0) == REFUSED


# --- what is wrong


def test_a_full_journal_is_no_room() -> None:
    budget = Budget(make_table(), make_journal(2), [parallel(7, 10)])
    numbers = [tokens(budget, NOW, 0) for _ in range(2)]
    assert tokens(budget, NOW, 0) == NO_ROOM
    settle(budget, numbers[0], NOW, 0)
    assert tokens(budget, NOW, 0) >= 0


def test_a_full_table_is_no_room_and_nothing_is_held() -> None:
    table, journal = make_table(16), make_journal(40)
    budgets = [Budget(table, journal, [parallel(key, 1)]) for key in range(1, 30)]
    admitted = [tokens(budget, NOW, 0) >= 0 for budget in budgets]
    assert sum(admitted) == 16
    assert journal.open == 16
    # Whoever has no slot stays out; whoever has one keeps it.
    assert tokens(budgets[admitted.index(False)], NOW, 0) == NO_ROOM
    assert tokens(budgets[0], NOW, 0) == REFUSED


def test_a_charge_without_room_stays_held_until_it_has_some() -> None:
    table, journal = make_table(16), make_journal(40)
    budget = Budget(table, journal, [rate(1, TOTAL, SECOND, 10)])
    number = tokens(budget, NOW, 5)
    others = [Budget(table, journal, [parallel(key, 1)]) for key in range(2, 17)]
    held = [(other, tokens(other, NOW, 0)) for other in others]
    assert settle(budget, number, NOW, 5) == NO_ROOM
    assert tokens(budget, NOW, 6) == REFUSED
    settle(*held[0][:1], held[0][1], NOW, 0)
    assert settle(budget, number, NOW, 0) == 0
    assert budget.read(0, NOW)[0] == 5


@pytest.mark.parametrize(
    "entry",
    [
        (0, KIND_RATE, TOTAL, 1, 1),
        (1 << 63, KIND_RATE, TOTAL, 1, 1),
        (1, 3, TOTAL, 1, 1),
        (1, KIND_RATE, 6, 1, 1),
        (1, KIND_RATE, TOTAL, 2, 1),
        (1, KIND_CALENDAR, TOTAL, 2, 4),
        (1, KIND_RATE, TOTAL, 1, MAX_SPAN_NS + 1),
    ],
)
def test_what_is_no_budget(entry: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="entry 0"):
        Budget(make_table(), make_journal(), [entry])


def test_more_than_a_hold_can_count_waits_for_others() -> None:
    budget = calendar(1 << 41)
    number = tokens(budget, NOW, MAX_AMOUNT)
    assert tokens(budget, NOW, 1) == REFUSED
    assert budget.wait_ns == 0
    settle(budget, number, NOW, MAX_AMOUNT)
    assert tokens(budget, NOW, MAX_AMOUNT) >= 0


def test_too_many_and_twice() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        Budget(make_table(), make_journal(), [parallel(key, 1) for key in range(1, MAX_HOLDS + 2)])
    with pytest.raises(ValueError, match="already there"):
        Budget(make_table(), make_journal(), [parallel(1, 1), parallel(1, 2)])


def test_amounts_times_and_reservations_that_are_none() -> None:
    budget = one()
    for amounts in ((1, 0, -1, 0, 0), (1, 0, MAX_AMOUNT + 1, 0, 0)):
        with pytest.raises(ValueError, match="amount"):
            budget.reserve(NOW, *amounts)
    with pytest.raises(ValueError, match="time"):
        tokens(budget, -1, 1)
    number = tokens(budget, NOW, 1)
    settle(budget, number, NOW, 1)
    with pytest.raises(ValueError, match="not open"):
        settle(budget, number, NOW, 1)
    with pytest.raises(IndexError):
        settle(budget, 99, NOW, 1)
    with pytest.raises(ValueError, match="row"):
        Journal(mmap.mmap(-1, HEADER_BYTES))


# --- more for an open reservation


def test_a_reservation_is_extended_while_there_is_room() -> None:
    budget = one()
    number = tokens(budget, NOW, 10)
    assert budget.extend(number, NOW, 0, 60, 0)
    assert budget.read(0, NOW)[1] == 60
    assert not budget.extend(number, NOW, 0, 101, 0)
    assert budget.read(0, NOW)[1] == 60
    settle(budget, number, NOW, 70)
    assert budget.read(0, NOW)[:2] == (70, 0)


# --- after a kill


def bring_back(table: Table, dead: Journal, *living: Journal) -> None:
    dead.charge_rows(table, NOW)
    for fingerprint in dead.fingerprints():
        word = hold_word(table, fingerprint)
        assert replace_hold(table, fingerprint, word, sum(one.held(fingerprint) for one in living), NOW) or word == 0
    dead.clear()


def test_what_a_dead_process_held_comes_back_and_what_it_noted_is_charged() -> None:
    table, dead, living = make_table(), make_journal(), make_journal()
    entries = [rate(1, TOTAL, SECOND, 100), parallel(2, 5)]
    gone, here = Budget(table, dead, entries), Budget(table, living, entries)
    tokens(gone, NOW, 30)
    noted = tokens(gone, NOW, 20)
    gone.note(noted, 1, 3, 4, 0, 0)
    number = tokens(here, NOW, 10)
    assert here.read(0, NOW)[:2] == (0, 60)
    assert here.read(1, NOW)[1] == 3
    bring_back(table, dead, living)
    assert here.read(0, NOW)[:2] == (7, 10)
    assert here.read(1, NOW)[1] == 1
    assert dead.open == 0
    settle(here, number, NOW, 10)
    assert here.read(0, NOW)[:2] == (17, 0)


def test_a_word_that_changed_is_not_replaced() -> None:
    budget = one()
    number = tokens(budget, NOW, 10)
    word = hold_word(budget.table, 7)
    assert held_of(word) == 10
    # Released and taken again: the amount is as it was, the word is not.
    settle(budget, number, NOW, 0)
    tokens(budget, NOW + 5000, 10)
    assert held_of(hold_word(budget.table, 7)) == 10
    assert not replace_hold(budget.table, 7, word, 0, NOW)


def test_what_was_used_can_be_set_by_hand() -> None:
    budget = one(interval=SECOND)
    assert replace_used(budget.table, 7, NOW + 30 * SECOND, NOW)
    assert budget.read(0, NOW)[0] == 30
    assert replace_used(budget.table, 7, 0, NOW)
    assert budget.read(0, NOW)[0] == 0


# --- against the oracle

AMOUNT = st.integers(0, 60)
STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 30 * SECOND), st.tuples(st.integers(0, 1), AMOUNT, AMOUNT, AMOUNT, AMOUNT)),
    max_size=40,
)


@PROFILE
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just(KIND_RATE), st.integers(0, 5), st.sampled_from([1, SECOND // 7, SECOND]), AMOUNT),
            st.tuples(st.just(KIND_CALENDAR), st.integers(0, 5), st.just(1), AMOUNT),
            st.tuples(st.just(KIND_CONCURRENT), st.just(REQUESTS), st.just(1), st.integers(0, 4)),
        ),
        min_size=1,
        max_size=5,
    ),
    STEPS,
)
def test_equals_the_oracle(shapes: list[tuple[int, int, int, int]], steps: list[tuple[bool, int, Amounts]]) -> None:
    entries = [
        (index + 1, kind, column, interval, (capacity + 1) * interval)
        for index, (kind, column, interval, capacity) in enumerate(shapes)
    ]
    budget = Budget(make_table(), make_journal(64), entries)
    for index, (_, kind, *_) in enumerate(entries):
        if kind == KIND_CALENDAR:
            budget.set_window(index, *WINDOW)
    oracle = BudgetOracle(entries, WINDOW)
    now = WINDOW[0]
    waiting: list[int] = []
    for is_reserve, pause, amounts in steps:
        now = min(now + pause, WINDOW[1] - 1)
        if is_reserve or not waiting:
            number = budget.reserve(now, *amounts)
            admitted = oracle.reserve(number, now, amounts)
            assert (number >= 0) == admitted
            assert (budget.refused, budget.wait_ns) == (oracle.refused, oracle.wait_ns)
            if admitted:
                waiting.append(number)
        else:
            number = waiting.pop(pause % len(waiting))
            assert budget.settle(number, now, *amounts) == 0
            oracle.settle(number, now, amounts)
        for index, (fingerprint, _, _, interval, _) in enumerate(entries):
            used, held, _, _ = budget.read(index, now)
            assert (used, held) == (-(-oracle.debt(index, now) // interval), oracle.held.get(fingerprint, 0))
    assert budget.journal.open == len(waiting)
