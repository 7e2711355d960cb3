"""Failed credentials by address: slower answers, bans that end, bounded memory, one count over all processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.access import failures
from engine.access.address import parse_address
from engine.access.failures import FailedCredentials, FailureTable

BOUNDS = FailedCredentials(slow_after=5, ban_after=10, ban_s=60, longest_s=200)
NOW = 2_000_000_000.0


def packed(text: str) -> bytes:
    found = parse_address(text)
    assert found is not None
    return found


BAD, GOOD = packed("192.0.2.1"), packed("192.0.2.2")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[FailureTable]:
    opened = FailureTable(tmp_path / "failures")
    yield opened
    opened.close()


def test_answers_slow_down_and_then_the_address_is_banned(table: FailureTable) -> None:
    verdicts = [table.fail(BAD, BOUNDS, NOW) for _ in range(12)]
    delays = [verdict.delay_s for verdict in verdicts]
    assert delays[:5] == [0.0] * 5
    assert delays[5:] == [0.02, 0.04, 0.08] + [failures.LONGEST_DELAY_S] * 4
    assert [verdict.banned_s for verdict in verdicts] == [0.0] * 9 + [60.0] * 3
    assert table.fail(GOOD, BOUNDS, NOW).banned_s == 0
    assert [(ban.network, ban.until, ban.failures, ban.bans) for ban in table.bans(NOW)] == [
        ("192.0.2.1", NOW + 60, 12, 1)
    ]


def test_a_ban_ends_and_the_next_is_longer(table: FailureTable) -> None:
    now, lengths = NOW, []
    for _ in range(4):
        verdict = table.fail(BAD, BOUNDS, now)
        while not verdict.banned_s:
            verdict = table.fail(BAD, BOUNDS, now)
        lengths.append(verdict.banned_s)
        assert table.fail(BAD, BOUNDS, now + verdict.banned_s - 1).banned_s == 1
        now += verdict.banned_s
        assert table.bans(now) == []
    assert lengths == [60, 120, 200, 200]


def test_failures_that_are_far_apart_do_not_add_up(table: FailureTable) -> None:
    for index in range(1000):
        assert table.fail(BAD, BOUNDS, NOW + index * failures.DRAIN_S) == failures.Verdict(0.0, 0.0)


def test_a_ban_is_lifted(table: FailureTable) -> None:
    for _ in range(10):
        table.fail(BAD, BOUNDS, NOW)
    assert table.lift(BAD)
    assert table.bans(NOW) == []
    assert table.fail(BAD, BOUNDS, NOW).banned_s == 0
    assert not table.lift(GOOD)


def test_an_ipv6_host_counts_by_its_64(table: FailureTable) -> None:
    for index in range(10):
        table.fail(packed(f"2001:db8:1:2::{index:x}"), BOUNDS, NOW)
    assert [ban.network for ban in table.bans(NOW)] == ["2001:db8:1:2::/64"]
    assert table.fail(packed("2001:db8:1:3::1"), BOUNDS, NOW).banned_s == 0
    assert table.fail(packed("2001:db8:1:2:ffff::"), BOUNDS, NOW).banned_s > 0
    # An IPv4 address inside IPv6 is the IPv4 address.
    table.fail(BAD, BOUNDS, NOW)
    assert table.lift(bytes(10) + b"\xff\xff" + BAD)


def test_memory_is_bounded_and_bans_outlive_a_flood(table: FailureTable, tmp_path: Path) -> None:
    for _ in range(10):
        table.fail(BAD, BOUNDS, NOW)
    size = (tmp_path / "failures").stat().st_size
    for index in range(20_000):
        table.fail(index.to_bytes(4, "big"), BOUNDS, NOW + 1)
    assert (tmp_path / "failures").stat().st_size == size
    assert table.fail(BAD, BOUNDS, NOW + 2).banned_s == 58


def _fail(path: Path, times: int) -> None:
    table = FailureTable(path)
    for _ in range(times):
        table.fail(BAD, FailedCredentials(slow_after=500, ban_after=1000), NOW)


def test_one_count_over_processes_and_restarts(table: FailureTable, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_fail, args=(tmp_path / "failures", 100)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    bounds = FailedCredentials(slow_after=200, ban_after=201)
    assert table.fail(BAD, bounds, NOW).banned_s == 60
    assert table.bans(NOW)[0].failures == 201
