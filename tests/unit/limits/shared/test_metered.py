"""What is reserved of shared limits: all or none, settled as used, by the declared mode without the store."""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine._fast.bucket import Table
from engine._fast.budget import HEADER_BYTES, ROW_BYTES, Journal
from engine.errors import Pending
from engine.limits.bound import Denied
from engine.limits.limiter import Limiter
from engine.limits.model import Kind, Limit, WhenStoreFails, Window
from engine.limits.rates import Rate
from engine.limits.shared.client import Store
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.lease import Lease
from engine.limits.shared.life import Life
from engine.limits.shared.metered import SharedHeld, SharedMetered
from engine.limits.shared.sharing import Sharing
from engine.limits.spend import Tariff
from tests.unit.limits.shared.test_keeper import Told

LONG_NS = 3600 * 10**9
TARIFF = Tariff(1000, 2000)


def limit(
    name: str,
    kind: Kind = "tokens",
    count: int = 100,
    mode: WhenStoreFails = "closed",
    window: Window = "rate",
    **more: Any,
) -> Limit:
    if kind == "concurrent":
        return Limit(name, "user", None, count, kind=kind, when_store_fails=mode)
    return Limit(name, "user", Rate.parse(f"{count}/day"), kind=kind, when_store_fails=mode, window=window, **more)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def keeper(tmp_path: Path, told: Told) -> Keeper:
    """A keeper without a store; its leases are filled by hand."""
    made = Keeper(Store("redis://127.0.0.1:1"), Life(tmp_path), told)
    made.failing = False
    return made


Make = Callable[..., tuple[SharedMetered, list[Lease]]]


@pytest.fixture
def make(keeper: Keeper) -> Make:
    def metered(*limits: Limit, held: int = 0) -> tuple[SharedMetered, list[Lease]]:
        journal = Journal(mmap.mmap(-1, HEADER_BYTES + 64 * ROW_BYTES))
        limiter = Limiter(Table(mmap.mmap(-1, 4096 * 16), bytes(16)), limits, journal, Sharing(keeper))
        bound = limiter.late("k", "alice", "red", ("r",), bytes(4), model=None)
        assert bound is not None
        assert isinstance(bound.metered, SharedMetered)
        leases = list(keeper._all.values())
        found = [next(lease for lease in leases if _counts(lease, one)) for one in limits]
        for lease in found:
            lease.held, lease.end_ns = held, time.monotonic_ns() + LONG_NS
        return bound.metered, found

    def _counts(lease: Lease, one: Limit) -> bool:
        script = "slots" if one.kind == "concurrent" else "quota" if one.window == "calendar" else "rate"
        return lease.counter.script.name == script and lease.counter.capacity == one.capacity

    return metered


def reserve(metered: SharedMetered, input: int = 10, output: int = 20, *, is_default: bool = False) -> Any:
    return metered.reserve(time.time_ns(), input, output, 7, TARIFF, is_default=is_default)


def held_of(metered: SharedMetered, **amounts: int) -> SharedHeld:
    found = reserve(metered, **amounts)
    assert isinstance(found, SharedHeld)
    return found


def numbers(leases: list[Lease]) -> list[tuple[int, int, int]]:
    return [(lease.held, lease.busy, lease.spent) for lease in leases]


EVERY = (
    limit("tokens"),
    limit("input", "input_tokens", 101),
    limit("output", "output_tokens", 102),
    limit("spend", "spend", 103, window="calendar"),
    limit("daily", "requests", 104, window="calendar"),
    limit("bytes", "body_bytes", 105),
    limit("parallel", "concurrent", 106),
)


def test_every_kind_is_held_and_charged_as_it_was_used(make: Make) -> None:
    metered, leases = make(*EVERY, held=100)
    held = held_of(metered)
    taken = [30, 10, 20, 50, 1, 7, 1]
    assert numbers(leases) == [(100 - amount, amount, 0) for amount in taken]
    held.settle(time.time_ns(), 8, 5)
    used = [13, 8, 5, 18, 1, 7, 0]
    assert numbers(leases) == [(100 - amount, 0, amount) for amount in used]
    # Once.
    held.settle(time.time_ns(), 8, 5)
    held.give_back(time.time_ns())
    assert [lease.spent for lease in leases] == used


def test_what_is_given_back_was_never_used(make: Make) -> None:
    metered, leases = make(*EVERY, held=100)
    held = held_of(metered)
    held.note(10, 0)
    assert [lease.noted for lease in leases] == [10, 10, 0, 10, 1, 7, 0]
    held.note(10, 3)
    assert [lease.noted for lease in leases] == [13, 10, 3, 16, 1, 7, 0]
    held.give_back(time.time_ns())
    assert numbers(leases) == [(100, 0, 0)] * 7
    assert [lease.noted for lease in leases] == [0] * 7


def test_all_are_held_or_none(make: Make) -> None:
    metered, leases = make(limit("tokens"), limit("parallel", "concurrent", 5), held=40)
    leases[1].held = 0
    leases[1].denied_until_ns = time.monotonic_ns() + 10**9
    denied = reserve(metered)
    assert isinstance(denied, Denied)
    # Nobody knows when a slot is free; idle ones are back within 1.5 s.
    assert (denied.limit.name, denied.retry_after_s, denied.unavailable) == ("parallel", 2, False)
    assert leases[0].held == 40


def test_more_than_a_limit_ever_allows_is_told_and_a_default_is_made_to_fit(make: Make) -> None:
    metered, leases = make(limit("tokens"), held=100)
    denied = reserve(metered, 10, 91)
    assert (denied.wait_ns, denied.asked) == (-1, 101)
    assert held_of(metered, output=1000, is_default=True).output == 90
    assert leases[0].held == 0


def test_who_lacks_permits_waits_for_what_it_lacks(make: Make, keeper: Keeper) -> None:
    async def test() -> None:
        metered, (lease,) = make(limit("tokens"), held=25)
        with pytest.raises(Pending):
            reserve(metered)
        assert (lease.waiting, lease.need, keeper._asked) == (30, 5, [lease])
        call = lease.call("s", 0, -1, "o", 1, time.monotonic_ns())
        # Kept, smallest useful grant, wanted by who waits.
        assert call.arguments[7:10] == (25, 5, 5)

    asyncio.run(test())


def test_a_smaller_request_asks_where_a_larger_one_was_refused(make: Make) -> None:
    async def test() -> None:
        metered, (lease,) = make(limit("tokens"))
        lease.denied, lease.back_ns = 30, time.monotonic_ns() + 90 * 10**9
        lease.denied_until_ns = lease.back_ns
        assert reserve(metered).retry_after_s == 90
        # Ten more take ten times as long as one.
        assert reserve(metered, 20, 20).retry_after_s == 90 + 10 * 864
        with pytest.raises(Pending):
            reserve(metered, 5, 5)

    asyncio.run(test())


def test_an_answer_longer_than_what_was_held_is_a_debt(make: Make) -> None:
    metered, (lease,) = make(limit("tokens"), held=35)
    held = held_of(metered)
    held.settle(time.time_ns(), 10, 70)
    assert (lease.held, lease.busy, lease.spent) == (0, 0, 80)


def test_a_stream_goes_on_while_the_store_is_asked_and_ends_where_it_said_no(make: Make, keeper: Keeper) -> None:
    async def test() -> None:
        metered, (lease,) = make(limit("tokens", ends_streams=True), held=40)
        held = held_of(metered)
        assert held.covers(time.time_ns(), 10, 28)
        assert (lease.held, lease.busy) == (2, 38)
        assert held.covers(time.time_ns(), 10, 40)
        assert (lease.waiting, lease.asked) == (12, True)
        lease.denied, lease.denied_until_ns = 1, time.monotonic_ns() + 10**9
        assert not held.covers(time.time_ns(), 10, 41)
        lease.denied_until_ns, keeper.failing = 0, True
        assert not held.covers(time.time_ns(), 10, 41)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("kind", "window", "count", "fits"),
    [
        ("tokens", "rate", 200, 3),
        ("spend", "calendar", 200, 2),
        ("concurrent", "rate", 8, 4),
        ("requests", "calendar", 8, 4),
    ],
)
def test_without_the_store_a_local_share_is_half_for_two_hosts(
    make: Make, keeper: Keeper, told: Told, kind: Kind, window: Window, count: int, fits: int
) -> None:
    keeper.failing, keeper.hosts = True, 2
    metered, (lease,) = make(limit("a", kind, count, "local_share", window))
    opened = []
    while isinstance(found := reserve(metered), SharedHeld):
        assert metered.mode == "local_share"
        opened.append(found)
    assert len(opened) == fits
    assert numbers([lease]) == [(0, 0, 0)]
    # What was used counts, the rest is there again.
    for held in opened:
        held.settle(time.time_ns(), 0, 1)
    again = reserve(metered)
    assert isinstance(again, SharedHeld) is (kind != "requests")
    assert set(told.events) == {"local_share"}


def test_what_no_share_holds_is_closed(make: Make, keeper: Keeper) -> None:
    keeper.failing, keeper.hosts = True, 4
    metered, _ = make(limit("a", "tokens", 100, "local_share"))
    assert reserve(metered).unavailable
    metered, _ = make(limit("b", "concurrent", 3, "local_share"))
    assert reserve(metered).unavailable


def test_closed_and_open_without_the_store(make: Make, keeper: Keeper, told: Told) -> None:
    keeper.failing = True
    metered, (closed, _) = make(limit("closed"), limit("open", "output_tokens", 101, "open"), held=30)
    # What is in hand is spent first.
    held = held_of(metered)
    assert metered.mode is None
    held.settle(time.time_ns(), 10, 20)
    assert reserve(metered).unavailable
    closed.held = 30
    held = held_of(metered, output=25, input=5)
    assert metered.mode == "open"
    held.settle(time.time_ns(), 5, 25)
    assert told.events == ["closed", "open"]
    assert closed.spent == 60


def test_a_window_is_the_one_that_the_store_is_in(make: Make, keeper: Keeper) -> None:
    async def test() -> None:
        metered, (lease,) = make(limit("daily", "requests", 10, window="calendar"), held=10)
        now_ns = time.time_ns()
        held = held_of(metered)
        keeper.ahead_ns = 86_400 * 10**9
        assert metered.state(0, now_ns)[2] == 10
        with pytest.raises(Pending):
            metered.reserve(now_ns, 0, 0, 0, None, is_default=False)
        # What was reserved is charged to the window it was reserved in.
        held.settle(now_ns, 0, 0)
        assert lease.spent == 1
        keeper.ahead_ns = 0
        assert isinstance(metered.reserve(now_ns, 0, 0, 0, None, is_default=False), SharedHeld)

    asyncio.run(test())


def test_headers_tell_of_what_is_left(make: Make) -> None:
    metered, (lease, _) = make(limit("tokens"), limit("parallel", "concurrent", 8), held=5)
    lease.free = 20
    lines = dict(line.split(b": ", 1) for line in metered.headers(time.time_ns(), "openai").split(b"\r\n") if line)
    assert lines[b"x-ratelimit-limit-tokens"] == b"100"
    assert lines[b"x-ratelimit-remaining-tokens"] == b"25"
    assert lines[b"RateLimit"].startswith(b'"tokens";r=25;t=')
