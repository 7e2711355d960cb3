"""The bound of one caller over leases: all or none, what each mode does without the store, what the headers tell."""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine._fast.bucket import Table
from engine.errors import Pending
from engine.limits.limiter import Limiter
from engine.limits.model import Limit, WhenStoreFails
from engine.limits.rates import Rate
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.client import Store
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.lease import Lease
from engine.limits.shared.life import Life
from engine.limits.shared.sharing import Sharing, check_shareable
from tests.unit.limits.shared.test_keeper import Told

LONG_NS = 3600 * 10**9


def limit(name: str, mode: WhenStoreFails = "closed", requests: str = "10/day", by: Any = "user") -> Limit:
    return Limit(name, by, Rate.parse(requests), when_store_fails=mode)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def keeper(tmp_path: Path, told: Told) -> Keeper:
    """A keeper without a store; its leases are filled by hand."""
    made = Keeper(Store("redis://127.0.0.1:1"), Life(tmp_path), told)
    made.failing = False
    made.sound_since_ns = 0
    return made


Make = Callable[..., tuple[SharedBound, list[Lease]]]


@pytest.fixture
def make(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Make:
    leases: list[Lease] = []
    given = Keeper.lease

    def lease(self: Keeper, *arguments: Any) -> Lease:
        leases.append(given(self, *arguments))
        return leases[-1]

    monkeypatch.setattr(Keeper, "lease", lease)

    def bound(*limits: Limit, held: int = 0) -> tuple[SharedBound, list[Lease]]:
        leases.clear()
        limiter = Limiter(Table(mmap.mmap(-1, 4096 * 16), bytes(16)), limits, sharing=Sharing(keeper))
        found = limiter.early("k", "alice", "red", ("r",), bytes(4))
        assert isinstance(found, SharedBound)
        for one in leases:
            one.held, one.end_ns = held, time.monotonic_ns() + LONG_NS
        return found, list(leases)

    return bound


def take(bound: SharedBound) -> Any:
    return bound.take(time.time_ns())


def test_all_are_taken_or_none(make: Make) -> None:
    bound, (first, second) = make(limit("a"), limit("b"), held=2)
    assert take(bound) is None
    second.held = 0
    second.denied_until_ns = time.monotonic_ns() + 90 * 10**9
    denied = take(bound)
    assert (denied.limit.name, denied.retry_after_s, denied.unavailable) == ("b", 90, False)
    assert (first.held, first.spent, second.spent) == (1, 1, 1)


def test_a_permit_whose_end_has_come_is_none(make: Make, keeper: Keeper) -> None:
    bound, (lease,) = make(limit("a"), held=5)
    lease.end_ns = time.monotonic_ns()
    keeper.failing = True
    assert take(bound).unavailable
    assert lease.spent == 0


def test_who_has_no_permit_and_no_answer_waits_for_one(make: Make, keeper: Keeper) -> None:
    async def test() -> None:
        bound, (lease,) = make(limit("a"))
        with pytest.raises(Pending) as first:
            take(bound)
        with pytest.raises(Pending) as second:
            take(bound)
        # One call for both; it asks for two.
        assert first.value.ready is second.value.ready
        assert (lease.waiting, lease.asked, keeper._asked) == (2, True, [lease])

    asyncio.run(test())


def test_what_a_limit_declares_holds_without_the_store(make: Make, keeper: Keeper, told: Told) -> None:
    keeper.failing = True
    bound, (lease,) = make(limit("a"), held=1)
    # What is in hand is spent first.
    assert take(bound) is None
    assert bound.mode is None
    assert take(bound).unavailable
    bound, _ = make(limit("b", "open"))
    assert take(bound) is None
    assert bound.mode == "open"
    bound, (closed, _) = make(limit("c"), limit("d", "open"))
    assert take(bound).limit.name == "c"
    assert told.events == ["closed", "open", "closed"]
    assert (lease.spent, closed.spent) == (1, 0)


@pytest.mark.parametrize(("hosts", "count"), [(1, 10), (3, 3), (10, 1), (11, 0)])
def test_a_local_share_is_an_equal_part(make: Make, keeper: Keeper, hosts: int, count: int) -> None:
    keeper.failing, keeper.hosts = True, hosts
    bound, _ = make(limit("a", "local_share"))
    admitted = 0
    while (denied := take(bound)) is None:
        admitted += 1
        assert bound.mode == "local_share"
    assert admitted == count
    assert denied.unavailable is (count == 0)
    if count:
        # A day for ten, at a share of the rate.
        assert 8000 * hosts < denied.retry_after_s <= 8640 * hosts


def test_a_share_is_given_back_where_another_limit_refuses(make: Make, keeper: Keeper) -> None:
    keeper.failing = True
    bound, _ = make(limit("a", "local_share"), limit("b", "local_share", "2/day"))
    assert [take(bound) is None for _ in range(3)] == [True, True, False]
    alone, _ = make(limit("a", "local_share"))
    assert take(alone) is None


def test_what_was_taken_is_given_back_unless_the_store_was_told(make: Make, keeper: Keeper) -> None:
    bound, (lease,) = make(limit("a"), held=3)
    taken_ns = time.time_ns()
    assert bound.take(taken_ns) is None
    bound.give_back(time.time_ns(), taken_ns=taken_ns)
    assert (lease.held, lease.spent) == (3, 0)
    assert bound.take(taken_ns) is None
    lease.call("s", 0, -1, "o", 1, time.monotonic_ns())
    bound.give_back(time.time_ns(), taken_ns=taken_ns)
    assert (lease.held, lease.spent) == (2, 1)
    # It may have been admitted by a mode: nothing of the lease's is given back for it.
    assert bound.take(taken_ns) is None
    keeper.sound_since_ns = time.time_ns()
    bound.give_back(time.time_ns(), taken_ns=taken_ns)
    assert (lease.held, lease.spent) == (1, 2)


def test_headers_tell_of_the_tightest(make: Make) -> None:
    bound, (first, second) = make(limit("wide", requests="100/day"), limit("tight"), held=2)
    first.free, second.free = 50, 3
    lines = dict(line.split(b": ", 1) for line in bound.headers(0).split(b"\r\n") if line)
    assert lines[b"x-ratelimit-limit-requests"] == b"10"
    assert lines[b"x-ratelimit-remaining-requests"] == b"5"
    assert lines[b"x-ratelimit-reset-requests"] == b"12h0m0s"
    assert lines[b"RateLimit"] == b'"tight";r=5;t=43200'


def test_a_limit_that_cannot_be_shared_is_told() -> None:
    with pytest.raises(ValueError, match=r"limit long: .* cannot be shared"):
        check_shareable(Limit("long", "user", Rate.parse("1/month"), burst=3))
    check_shareable(Limit("month", "user", Rate.parse("500/month")))
