"""The bucket kernel: by hand, against its oracle, at its edges, and with several processes at once."""

from __future__ import annotations

import mmap
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import bucket as kernel
from engine._fast.bucket import (
    ADMITTED,
    CLOCK_SLACK_NS,
    MAX_ENTRIES,
    MAX_NOW_NS,
    MAX_TOLERANCE_NS,
    NO_ROOM,
    SLOT_BYTES,
    WINDOW,
    Plan,
    Table,
    Template,
)
from tests.fast.oracles import bucket as oracle
from tests.fast.oracles.bucket import PlanOracle, TableOracle

PROFILE = settings(max_examples=200, deadline=None, derandomize=True)
KEY = bytes(range(16))
NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000


def make_table(slots: int = 1024) -> tuple[mmap.mmap, Table]:
    memory = mmap.mmap(-1, slots * SLOT_BYTES)
    return memory, Table(memory, KEY)


def one(interval: int, tolerance: int) -> Plan:
    return Plan(make_table()[1], [(7, interval, tolerance)])


def occupied(memory: mmap.mmap) -> list[tuple[int, int]]:
    return [slot for slot in struct.iter_unpack("<Qq", memory[:]) if slot[0]]


def test_the_compiled_kernel_is_loaded() -> None:
    assert kernel.__file__.endswith(".so")


# --- fingerprints


@pytest.mark.parametrize(
    ("size", "digest"),
    [(0, 0x726FDB47DD0E0E31), (1, 0x74F839C593DC67FD), (8, 0x93F5F5799A932462), (15, 0xA129CA6149BE45E5)],
)
def test_fingerprint_is_siphash_2_4(size: int, digest: int) -> None:
    # Vectors of the paper's reference implementation: key 00 01 .. 0f, message 00 01 ..
    assert make_table()[1].fingerprint(bytes(range(size))) == digest


@PROFILE
@given(st.binary(min_size=16, max_size=16), st.binary(max_size=300))
def test_fingerprint_equals_the_oracle(key: bytes, data: bytes) -> None:
    assert Table(mmap.mmap(-1, 4096), key).fingerprint(data) == (oracle.siphash(key, data) or 1)


# --- one limit, by hand: one every 10 ns, 5 at once


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(0, 1, -1, 4), (0, 1, -1, 3), (0, 3, -1, 0), (0, 1, 10, 0)], id="burst, then empty"),
        pytest.param([(0, 5, -1, 0), (9, 1, 1, 0), (10, 1, -1, 0), (10, 1, 10, 0)], id="refill at the edge"),
        pytest.param([(0, 5, -1, 0), (19, 2, 1, 1), (20, 2, -1, 0)], id="refill for a larger cost"),
        pytest.param([(0, 5, -1, 0), (50, 5, -1, 0)], id="full again after burst * interval"),
        pytest.param([(0, 5, -1, 0), (1000, 1, -1, 4)], id="a pause earns no more than the burst"),
        pytest.param([(0, 6, None, 5), (0, 5, -1, 0)], id="more than the capacity is never admitted and costs nothing"),
        pytest.param([(0, 2, -1, 3), (0, 4, 10, 3), (0, 3, -1, 0)], id="a refusal costs nothing"),
        pytest.param([(3, 1, -1, 4), (7, 1, -1, 3), (13, 1, -1, 3)], id="odd times keep the even flow"),
    ],
)
def test_rows(rows: list[tuple[int, int, int | None, int]]) -> None:
    """(time, cost, wait: -1 admitted, None never, remaining afterwards)."""
    plan = one(10, 50)
    for at, cost, wait, remaining in rows:
        verdict = plan.take(NOW + at, cost)
        assert verdict == (ADMITTED if wait == -1 else 0)
        assert plan.refused == verdict
        assert plan.wait_ns == {-1: 0, None: -1}.get(wait, wait)
        assert plan.remaining(0) == remaining


def test_reset_is_the_time_until_full() -> None:
    plan = one(10, 50)
    plan.take(NOW, 3)
    assert plan.reset_ns(0) == 30
    plan.take(NOW + 4, 1)
    assert plan.reset_ns(0) == 36


def test_clock_set_back_leaves_full_debt_and_no_more() -> None:
    plan = one(SECOND, 5 * SECOND)
    plan.take(NOW)
    hour_ago = NOW - 3600 * SECOND
    assert plan.take(hour_ago) == 0
    assert (plan.wait_ns, plan.remaining(0)) == (SECOND, 0)
    assert plan.take(hour_ago + SECOND - 1) == 0
    assert plan.take(hour_ago + SECOND) == ADMITTED


def test_a_late_caller_does_not_forgive_what_others_took() -> None:
    plan = one(SECOND, 5 * SECOND)
    plan.take(NOW, 5)
    late = NOW - CLOCK_SLACK_NS
    assert plan.take(late) == 0
    assert plan.wait_ns == CLOCK_SLACK_NS + SECOND
    assert plan.take(NOW) == 0
    assert plan.remaining(0) == 0


def test_a_changed_limit_keeps_the_debt_as_time() -> None:
    _, table = make_table()
    assert Plan(table, [(7, 10, 50)]).take(NOW, 5) == ADMITTED
    slower = Plan(table, [(7, 20, 40)])
    assert (slower.take(NOW), slower.wait_ns) == (0, 30)
    assert slower.remaining(0) == 0
    faster = Plan(table, [(7, 5, 100)])
    assert (faster.take(NOW), faster.remaining(0)) == (ADMITTED, 9)


def test_a_debt_of_a_much_longer_period_is_cut_to_the_new_limit() -> None:
    _, table = make_table()
    day = 86_400 * SECOND
    Plan(table, [(7, day, day)]).take(NOW)
    plan = Plan(table, [(7, SECOND, 10 * SECOND)])
    assert (plan.take(NOW), plan.wait_ns) == (0, SECOND)
    assert plan.take(NOW + SECOND) == ADMITTED


# --- giving back


def test_give_back_at_once_undoes_the_charge() -> None:
    plan = one(10, 50)
    plan.take(NOW, 5)
    plan.give_back(NOW, 2, taken_ns=NOW)
    assert plan.take(NOW, 3) == 0
    assert plan.take(NOW, 2) == ADMITTED


def test_what_has_drained_is_not_given_back() -> None:
    # Two charges at 0 take 20 ns to drain. At 12, giving one back must not undo the charge of somebody else at 11,
    # who came when the other one had drained already.
    plan = one(10, 10)
    plan.take(NOW)
    assert plan.take(NOW + 11) == ADMITTED
    plan.give_back(NOW + 12, taken_ns=NOW)
    assert plan.take(NOW + 12) == 0


def test_a_refund_after_a_refund_does_not_over_admit() -> None:
    # a and b at 0, a given back at 0; c at 11, when b has drained. b's refund at 12 finds c's debt only.
    plan = one(10, 20)
    plan.take(NOW)
    plan.take(NOW)
    plan.give_back(NOW, taken_ns=NOW)
    assert plan.take(NOW + 11) == ADMITTED
    plan.give_back(NOW + 12, taken_ns=NOW)
    assert plan.take(NOW + 12) == ADMITTED
    assert plan.take(NOW + 12) == 0


def test_give_back_of_nothing_makes_no_counter_and_no_credit() -> None:
    memory, table = make_table()
    plan = Plan(table, [(7, 10, 50)])
    plan.give_back(NOW, taken_ns=NOW)
    assert occupied(memory) == []
    plan.take(NOW)
    plan.give_back(NOW, 5, taken_ns=NOW)
    assert plan.take(NOW, 5) == ADMITTED
    assert plan.take(NOW) == 0


def test_nothing_is_given_back_over_a_clock_set_back() -> None:
    plan = one(10, 50)
    plan.take(NOW, 5)
    plan.give_back(NOW - 1, 5, taken_ns=NOW)
    assert plan.take(NOW) == 0


@PROFILE
@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(1, 3), st.none() | st.integers(0, 60)), min_size=1, max_size=40)
)
def test_kept_charges_conform_however_refunds_fall(steps: list[tuple[int, int, int | None]]) -> None:
    """(pause in ns, cost, None or ns until it is given back): what was kept is within 5 at once and 1 per 10 ns."""
    plan = one(10, 50)
    now = NOW
    due: list[tuple[int, int, int]] = []
    kept: list[tuple[int, int]] = []
    for pause, cost, held in steps:
        now += pause
        for at, taken, size in sorted(entry for entry in due if entry[0] <= now):
            plan.give_back(at, size, taken_ns=taken)
        due = [entry for entry in due if entry[0] > now]
        if plan.take(now, cost) == ADMITTED:
            if held is None:
                kept.append((now, cost))
            else:
                due.append((now + held, now, cost))
    tat = 0
    for at, cost in kept:
        tat = max(tat, at) + 10 * cost
        assert tat - at <= 50


# --- several limits


def test_all_or_none() -> None:
    _, table = make_table()
    plan = Plan(table, [(1, 10, 50), (2, 10, 20), (3, 10, 30)])
    assert [plan.take(NOW) for _ in range(3)] == [ADMITTED, ADMITTED, 1]
    assert [plan.remaining(i) for i in range(3)] == [3, 0, 1]
    assert [table.peek(i, NOW) - NOW for i in (1, 2, 3)] == [20, 20, 20]


def test_the_longest_wait_is_reported_and_suffices() -> None:
    plan = Plan(make_table()[1], [(1, 10, 10), (2, 70, 70), (3, 20, 20)])
    plan.take(NOW)
    assert (plan.take(NOW), plan.wait_ns) == (1, 70)
    assert plan.take(NOW + 69) == 1
    assert plan.take(NOW + 70) == ADMITTED


def test_a_cost_that_never_fits_goes_before_a_wait() -> None:
    plan = Plan(make_table()[1], [(1, 10, 100), (2, 10, 20), (3, 10, 10)])
    plan.take(NOW, 1)
    assert (plan.take(NOW, 3), plan.wait_ns) == (1, -1)


def test_tightest_is_the_fewest_remaining_then_the_longest_reset() -> None:
    plan = Plan(make_table()[1], [(1, 10, 50), (2, 10, 30), (3, 20, 60)])
    plan.take(NOW)
    assert plan.tightest == 2
    assert Plan(make_table()[1], []).tightest == -1


def test_an_empty_plan_admits() -> None:
    plan = Plan(make_table()[1], [])
    assert plan.take(NOW) == ADMITTED
    assert plan.render(NOW, ()) == b""


@st.composite
def scripts(draw: st.DrawFn) -> tuple[list[list[tuple[int, int, int]]], list[tuple[int, int, int, int]]]:
    limits = {
        key: (interval, interval * draw(st.integers(1, 20)))
        for key in range(1, 6)
        for interval in [draw(st.sampled_from([1, 3, 10, 1000, SECOND, 60 * SECOND]))]
    }
    plans = draw(
        st.lists(st.lists(st.sampled_from(sorted(limits)), unique=True, min_size=1, max_size=4), min_size=1, max_size=3)
    )
    pause = st.integers(0, 100) | st.integers(0, 10 * SECOND) | st.integers(-2 * CLOCK_SLACK_NS, 0)
    steps = st.tuples(st.integers(0, len(plans) - 1), pause, st.integers(1, 8), st.integers(-1, 200))
    return [[(key, *limits[key]) for key in plan] for plan in plans], draw(st.lists(steps, max_size=60))


@PROFILE
@given(scripts())
def test_plans_do_what_the_oracle_does(
    script: tuple[list[list[tuple[int, int, int]]], list[tuple[int, int, int, int]]],
) -> None:
    entries, steps = script
    _, table = make_table()
    twin = TableOracle()
    plans = [(Plan(table, rows), PlanOracle(twin, rows)) for rows in entries]
    now = NOW
    for index, pause, cost, held in steps:
        now += pause
        plan, model = plans[index]
        verdict = plan.take(now, cost)
        assert verdict == model.take(now, cost)
        assert (plan.wait_ns, plan.refused, plan.tightest) == (model.wait_ns, model.refused, model.tightest)
        for i in range(len(plan)):
            assert (plan.remaining(i), plan.reset_ns(i)) == (model.remaining(i), model.reset_ns(i))
        if verdict == ADMITTED and held >= 0:
            plan.give_back(now + held, cost, taken_ns=now)
            model.give_back(now + held, cost, taken_ns=now)
        for fingerprint in range(1, 6):
            assert table.peek(fingerprint, now) == twin.peek(fingerprint, now)


# --- the edges of the numbers


@PROFILE
@given(
    st.integers(1, MAX_TOLERANCE_NS),
    st.integers(1, 10**12),
    st.integers(1, 2**63 - 1),
    st.integers(0, MAX_NOW_NS),
)
def test_no_number_overflows(interval: int, burst: int, cost: int, now: int) -> None:
    tolerance = min(interval * burst, MAX_TOLERANCE_NS // interval * interval)
    rows = [(7, interval, tolerance)]
    plan, model = Plan(make_table()[1], rows), PlanOracle(TableOracle(), rows)
    for amount in (cost, tolerance // interval, 1):
        assert plan.take(now, amount) == model.take(now, amount)
        assert plan.wait_ns == model.wait_ns
        assert (plan.remaining(0), plan.reset_ns(0)) == (model.remaining(0), model.reset_ns(0))


@pytest.mark.parametrize("now", [-1, MAX_NOW_NS + 1])
def test_a_time_out_of_range_is_refused(now: int) -> None:
    plan = one(10, 50)
    for call in (
        lambda: plan.take(now),
        lambda: plan.give_back(now, taken_ns=0),
        lambda: plan.give_back(0, taken_ns=now),
        lambda: plan.render(now, (Template(b"", b"", b"", b"", b""),)),
    ):
        with pytest.raises(ValueError, match="outside"):
            call()


def test_numbers_that_make_no_sense_are_refused() -> None:
    _, table = make_table()
    plan = one(10, 50)
    for cost in (0, -1):
        with pytest.raises(ValueError, match="below 1"):
            plan.take(NOW, cost)
        with pytest.raises(ValueError, match="below 1"):
            plan.give_back(NOW, cost, taken_ns=NOW)
    with pytest.raises(ValueError, match="never taken"):
        plan.give_back(NOW, 6, taken_ns=NOW)
    with pytest.raises(OverflowError):
        plan.take(1 << 64)
    for row in [(7, 0, 10), (7, 11, 10), (7, 1, MAX_TOLERANCE_NS + 1), (7, -1, 10)]:
        with pytest.raises(ValueError, match="interval"):
            Plan(table, [row])
    for fingerprint in (0, -1, 1 << 64):
        with pytest.raises(ValueError, match="fingerprint"):
            Plan(table, [(fingerprint, 1, 1)])
    with pytest.raises(ValueError, match="already"):
        Plan(table, [(7, 1, 1), (8, 1, 1), (7, 1, 2)])
    with pytest.raises(ValueError, match="at most"):
        Plan(table, [(i + 1, 1, 1) for i in range(MAX_ENTRIES + 1)])
    for index in (-1, 1):
        with pytest.raises(IndexError):
            plan.remaining(index)
        with pytest.raises(IndexError):
            plan.reset_ns(index)


def test_a_buffer_that_does_not_fit_is_refused() -> None:
    memory = mmap.mmap(-1, 4096)
    for size in (0, 16, 17, 128, 272, 4096 - 16):
        with pytest.raises(ValueError, match="power of two"):
            Table(memoryview(memory)[:size], KEY)
    with pytest.raises(ValueError, match="aligned"):
        Table(memoryview(memory)[8 : 8 + 1024], KEY)
    with pytest.raises(ValueError, match="hash key"):
        Table(memory, KEY[:15])
    with pytest.raises(BufferError):
        Table(memory[:], KEY)
    memory.close()


# --- text


@PROFILE
@given(st.integers(0, 10**13) | st.integers(0, MAX_TOLERANCE_NS) | st.sampled_from([0, 1, 10**6, 10**9 - 1, 10**9]))
def test_render_writes_remaining_and_reset(reset: int) -> None:
    plan = one(1, MAX_TOLERANCE_NS)
    if reset:
        plan.take(NOW, reset)
    remaining = MAX_TOLERANCE_NS - reset
    expected = f"a{remaining}b{oracle.duration(reset)}c{remaining}d{-(-reset // SECOND)}e"
    assert plan.render(NOW, (Template(b"a", b"b", b"c", b"d", b"e"),)) == expected.encode()


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, b"0s"),
        (1, b"1ms"),
        (12_000_000, b"12ms"),
        (999_000_001, b"1s"),
        (1_500_000_000, b"1.5s"),
        (8_640_000_000, b"8.64s"),
        (360 * SECOND, b"6m0s"),
        (3600 * SECOND + 5_000_000, b"1h0m0.005s"),
        (100 * 3600 * SECOND + 61 * SECOND, b"100h1m1s"),
    ],
)
def test_a_duration_is_written_as_go_does(ns: int, text: bytes) -> None:
    plan = one(1, MAX_TOLERANCE_NS)
    if ns:
        plan.take(NOW, ns)
    assert plan.render(NOW, (Template(b"", b" ", b" ", b"", b""),)).split()[1] == text


def test_render_tells_of_the_tightest_as_it_is_now() -> None:
    _, table = make_table()
    plan = Plan(table, [(1, 10, 50), (2, 10, 30)])
    texts = (Template(b"A", b" ", b" ", b" ", b""), Template(b"B", b" ", b" ", b" ", b""))
    plan.take(NOW)
    assert plan.render(NOW, texts) == b"B2 1ms 2 1"
    Plan(table, [(1, 10, 50)]).take(NOW, 4)
    assert plan.render(NOW, texts) == b"A0 1ms 0 1"
    assert plan.render(NOW + 1000, texts) == b"B3 0s 3 0"


def test_render_needs_a_template_a_limit() -> None:
    plan = one(10, 50)
    with pytest.raises(ValueError, match="templates"):
        plan.render(NOW, ())
    with pytest.raises(TypeError):
        plan.render(NOW, (b"text",))  # type: ignore[arg-type]


# --- the table


def test_idle_slots_are_taken_over_and_debts_are_not() -> None:
    memory, table = make_table(WINDOW)
    for key in range(1, WINDOW + 1):
        assert Plan(table, [(key, 10, 50)]).take(NOW, key % 5 + 1) == ADMITTED
    late = Plan(table, [(100, 10, 50)])
    assert (late.take(NOW + 9), late.refused) == (NO_ROOM, 0)
    assert table.occupied() == WINDOW
    assert late.take(NOW + 10) == ADMITTED
    assert table.occupied() == WINDOW
    keys = dict(occupied(memory))
    assert 100 in keys
    assert sum(key % 5 == 0 for key in keys if key <= WINDOW) == 2  # of three that cost 1
    for key in range(1, WINDOW + 1):
        if key % 5:
            assert table.peek(key, NOW) == NOW + 10 * (key % 5 + 1)


def test_no_room_for_one_gives_the_others_back() -> None:
    _, table = make_table(WINDOW)
    for key in range(1, WINDOW):
        Plan(table, [(key, 10, 50)]).take(NOW)
    plan = Plan(table, [(1, 10, 50), (100, 10, 50), (101, 10, 50)])
    assert plan.take(NOW) == NO_ROOM
    assert (plan.refused, plan.wait_ns) == (2, 0)
    assert table.peek(1, NOW) == NOW + 10
    assert table.peek(100, NOW) == 0


def test_a_refused_caller_takes_no_slot() -> None:
    memory, table = make_table()
    Plan(table, [(1, 10, 10)]).take(NOW)
    assert Plan(table, [(2, 10, 50), (1, 10, 10)]).take(NOW) == 1
    assert [key for key, _ in occupied(memory)] == [1]


def test_peek_of_an_idle_or_absent_counter_is_zero() -> None:
    _, table = make_table()
    Plan(table, [(7, 10, 50)]).take(NOW)
    assert [table.peek(7, NOW), table.peek(7, NOW + 9), table.peek(7, NOW + 10), table.peek(8, NOW)] == [
        NOW + 10,
        NOW + 10,
        0,
        0,
    ]


def test_two_thirds_full_still_has_room() -> None:
    _, table = make_table(1 << 14)
    keys = [table.fingerprint(b"%d" % i) for i in range((1 << 14) * 2 // 3)]
    assert all(Plan(table, [(key, SECOND, SECOND)]).take(NOW) == ADMITTED for key in keys)
    assert all(table.peek(key, NOW) == NOW + SECOND for key in keys)


CLAIM = -(2**63) + 12345


def place(memory: mmap.mmap, index: int, key: int, tat: int) -> None:
    struct.pack_into("<Qq", memory, index * SLOT_BYTES, key, tat)


@pytest.mark.parametrize(
    ("slots", "charged"),
    [
        pytest.param({3: CLAIM}, 0, id="a claim left behind becomes the counter"),
        pytest.param({3: CLAIM, 9: CLAIM + 1}, 0, id="of two claims the one nearer home stays"),
    ],
)
def test_what_a_killed_process_left_is_cleared_up(slots: dict[int, int], charged: int) -> None:
    memory, table = make_table(WINDOW)
    for index, tat in slots.items():
        place(memory, index, 7, tat)
    plan = Plan(table, [(7, 10, 50)])
    admitted = 0
    while plan.take(NOW) == ADMITTED:
        admitted += 1
    assert admitted == 5 - charged
    assert occupied(memory) == [(7, NOW + 50)]


@pytest.mark.parametrize(("claim", "counter"), [(3, 9), (9, 3)])
def test_a_claim_beside_the_counter_is_passed_over(claim: int, counter: int) -> None:
    memory, table = make_table(WINDOW)
    place(memory, claim, 7, CLAIM)
    place(memory, counter, 7, NOW + 20)
    plan = Plan(table, [(7, 10, 50)])
    assert [plan.take(NOW) for _ in range(4)] == [ADMITTED] * 3 + [0]
    assert sorted(occupied(memory)) == [(7, CLAIM), (7, NOW + 50)]


def test_a_claim_is_no_debt_and_yields_where_there_is_no_other_slot() -> None:
    memory, table = make_table(WINDOW)
    place(memory, 5, 99, CLAIM)
    assert table.peek(99, NOW) == 0
    for key in range(1, WINDOW + 1):
        assert Plan(table, [(key, 10, 50)]).take(NOW) == ADMITTED
    assert 99 not in dict(occupied(memory))


def test_the_buffer_lives_as_long_as_a_plan() -> None:
    memory = mmap.mmap(-1, 4096)
    plan = Plan(Table(memory, KEY), [(7, 10, 50)])
    with pytest.raises(BufferError):
        memory.close()
    assert plan.take(NOW) == ADMITTED
    del plan
    memory.close()
