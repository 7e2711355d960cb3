"""The Lua functions on a real Valkey, by rows that are worked out by hand.

Time is the store's own, so the rows use intervals of days: what drains between two calls is far below one permit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.limits.shared.counters import MAX_TOLERANCE_NS, Counter, quota, rate, slots
from engine.limits.shared.scripts import BUCKETS, Answer, bucket_key, load

DAY_NS = 86_400 * 10**9
TTL_US = 5_000_000
FAR_US = 4_000_000_000_000_000


class Ledger:
    """Calls a counter's script as owners would."""

    def __init__(self, client: Any, counter: Counter) -> None:
        self.client = client
        self.counter = counter
        self.ttl_us = TTL_US
        self.known: tuple[int, int] = (0, 0)
        self.number = 0
        look = load("bucket")
        self.life = client.eval(look.text, 1, bucket_key(counter.bucket), "", "store", 0, "")[4]

    def raw(
        self, owner: str, spent: int, keep: int, want: int, *,
        acknowledged: int | None = None, urgent: int = 0, number: int | None = None, seen: int = 0,
        store: str = "store", forgiving: int = 0, life: int | str = "",
        heard: int = 0,
    ) -> list[Any]:  # fmt: skip
        self.number = self.number + 1 if number is None else number
        reply = self.client.eval(
            self.counter.script.text, len(self.counter.keys), *self.counter.keys,
            store, seen, owner, self.number, self.ttl_us, spent, spent if acknowledged is None else acknowledged, keep,
            1, urgent, want, forgiving, self.life, life, heard, *self.counter.limits, *self.known[: self.counter.knows],
        )  # fmt: skip
        assert isinstance(reply, list)
        return reply

    def call(self, owner: str, spent: int, keep: int, want: int, **more: Any) -> Answer:
        status, *rest = self.raw(owner, spent, keep, want, **more)
        assert status == "ok"
        return Answer(*rest)


@pytest.fixture
def ten_a_day(client: Any) -> Ledger:
    return Ledger(client, rate(b"ten", DAY_NS // 10, DAY_NS))


# owner, spent, keep, want, urgent -> granted, free
ROWS = [
    # Two owners at most, none yet: half of an even share of 10 is 5.
    ("a", 0, 0, 8, 0, 5, 5),
    # 5 left, two owners: 5 // 4.
    ("b", 0, 0, 8, 0, 1, 4),
    # Three requests wait at b: they are first.
    ("b", 1, 0, 8, 3, 3, 1),
    # a has spent two of five and asks for nothing: what was held is now debt, what is free stays.
    ("a", 2, 3, 0, 0, 0, 1),
    # a gives two back: 3 free; c gets 3 // 6, but at least one.
    ("a", 2, 1, 0, 0, 0, 3),
    ("c", 0, 0, 2, 0, 1, 2),
    # More wait than is left: all that is left.
    ("c", 1, 0, 9, 9, 2, 0),
    # Nothing left, whoever asks.
    ("d", 0, 0, 1, 1, 0, 0),
]


@pytest.mark.parametrize(
    "counter",
    [rate(b"r", DAY_NS // 10, DAY_NS), quota(b"q", 10, 0, FAR_US)],
    ids=["rate", "quota"],
)
def test_grants_and_reports(client: Any, counter: Counter) -> None:
    ledger = Ledger(client, counter)
    for owner, spent, keep, want, urgent, granted, free in ROWS:
        answer = ledger.call(owner, spent, keep, want, urgent=urgent)
        assert (answer.granted, answer.free) == (granted, free), (owner, spent)
    assert answer.owners == 3


def test_what_owners_spend_in_all_is_the_limit(ten_a_day: Ledger) -> None:
    spent = dict.fromkeys("abc", 0)
    held = dict.fromkeys("abc", 0)
    told = dict.fromkeys("abc", 0)
    for turn in range(60):
        owner = "abc"[turn * 7 % 3]
        # Half of the turns spend one that is held; every fifth lets go of all that is held.
        if held[owner] and turn % 2:
            spent[owner], held[owner] = spent[owner] + 1, held[owner] - 1
        if turn % 5 == 0:
            held[owner] = 0
        held[owner] += ten_a_day.call(owner, spent[owner], held[owner], 2, acknowledged=told[owner]).granted
        told[owner] = spent[owner]
        assert sum(spent.values()) + sum(held.values()) <= 10
    for owner in "abc":
        ten_a_day.call(owner, spent[owner], 0, 0, acknowledged=told[owner])
    assert ten_a_day.call("d", 0, 0, 0).free == 10 - sum(spent.values())
    assert sum(spent.values()) > 5


def test_a_report_that_was_overtaken_changes_nothing(ten_a_day: Ledger) -> None:
    assert ten_a_day.call("a", 0, 0, 2, number=5).granted == 2
    assert ten_a_day.raw("a", 0, 0, 2, number=5)[0] == "stale"
    assert ten_a_day.raw("a", 0, 9, 2, number=4)[0] == "stale"
    assert ten_a_day.call("b", 0, 0, 0, number=1).free == 8


def test_an_answer_that_was_lost_costs_nothing(ten_a_day: Ledger) -> None:
    assert ten_a_day.call("a", 0, 0, 4).granted == 4
    # The owner never heard of the four: it keeps none, asks again, and they are free again.
    answer = ten_a_day.call("a", 0, 0, 4)
    assert (answer.granted, answer.free) == (4, 6)


def test_spent_permits_that_were_reported_twice_count_once(ten_a_day: Ledger) -> None:
    ten_a_day.call("a", 0, 0, 4)
    assert ten_a_day.call("a", 3, 1, 0, acknowledged=0).free == 6
    assert ten_a_day.call("a", 3, 1, 0, acknowledged=0).free == 6


def test_a_last_report_whose_answer_was_lost_is_charged_once(ten_a_day: Ledger) -> None:
    ten_a_day.call("a", 0, 0, 4, urgent=4)
    # It has spent three and gives one back; the answer does not come.
    assert ten_a_day.call("a", 3, 0, 0, acknowledged=0).free == 7
    answer = ten_a_day.call("a", 3, 0, 0, acknowledged=0)
    assert (answer.free, answer.owners) == (7, 0)
    # Who only waits to be heard has no share.
    assert ten_a_day.call("b", 0, 0, 8).granted == 3
    assert ten_a_day.call("a", 3, 0, 0).owners == 1
    assert ten_a_day.client.hexists(ten_a_day.counter.keys[1], "oa") == 0


def test_the_lease_of_a_dead_owner_ends_and_counts_as_used(ten_a_day: Ledger) -> None:
    ten_a_day.ttl_us = 1
    assert ten_a_day.call("dead", 0, 0, 4).granted == 4
    ten_a_day.ttl_us = TTL_US
    answer = ten_a_day.call("b", 0, 0, 0)
    assert (answer.free, answer.owners) == (6, 0)
    # All of it is debt now, which drains; `known` is when it is gone: 4 tenths of a day from now.
    assert abs(answer.known - answer.now - 4 * DAY_NS // 10_000) < 10_000_000


def test_slots_of_a_dead_owner_are_free_again(client: Any) -> None:
    ledger = Ledger(client, slots(b"s", 4))
    ledger.ttl_us = 1
    assert ledger.call("dead", 0, 0, 4, urgent=4).granted == 4
    ledger.ttl_us = TTL_US
    answer = ledger.call("b", 0, 0, 4, urgent=4)
    assert (answer.granted, answer.free, answer.wait) == (4, 0, -1)
    assert ledger.call("c", 0, 0, 1, urgent=1).granted == 0
    # b ends two requests and tells so.
    assert ledger.call("b", 0, 2, 0).free == 2
    assert ledger.call("c", 0, 0, 1, urgent=1).granted == 1


def test_when_to_come_back(ten_a_day: Ledger) -> None:
    assert ten_a_day.call("a", 0, 0, 10, urgent=10).granted == 10
    # All is held: nobody can say.
    assert ten_a_day.call("b", 0, 0, 1).wait == -1
    # All is spent: one tenth of a day until the first has drained.
    answer = ten_a_day.call("a", 10, 0, 0, acknowledged=0)
    assert 0 <= DAY_NS // 10_000 - answer.wait < 10_000_000


def test_a_quota_has_its_window(client: Any) -> None:
    now = Ledger(client, quota(b"w", 3, 0, FAR_US)).call("a", 0, 0, 0).now
    over = Ledger(client, quota(b"w", 3, 0, now - 1))
    assert over.call("a", 0, 0, 3).granted == 0
    # What was spent in it is counted, however late it is told.
    assert over.call("a", 2, 0, 0, acknowledged=0).known == 2
    later = Ledger(client, quota(b"w", 3, now + 60_000_000, FAR_US)).call("a", 0, 0, 3)
    assert later.granted == 0
    assert 0 < 60_000_000 - later.wait < 10_000_000
    used = Ledger(client, quota(b"x", 3, 0, FAR_US))
    used.call("a", 0, 0, 3, urgent=3)
    answer = used.call("a", 3, 0, 1, acknowledged=0)
    assert answer.granted == 0
    assert answer.wait == FAR_US - answer.now


def test_a_debt_that_the_store_has_lost_is_told_again(ten_a_day: Ledger) -> None:
    ten_a_day.call("a", 0, 0, 8, urgent=8)
    answer = ten_a_day.call("a", 8, 0, 0, acknowledged=0)
    ten_a_day.client.delete(*ten_a_day.counter.keys[1:])
    assert ten_a_day.call("b", 0, 0, 0).free == 10
    ten_a_day.known = (answer.known, answer.known_rest)
    assert ten_a_day.call("a", 8, 0, 0).free == 2
    # An older time does not move it back.
    ten_a_day.known = (answer.known - 1000, 0)
    assert ten_a_day.call("c", 0, 0, 0).free == 2


def test_a_flushed_store_gives_nothing_until_old_leases_are_over_and_then_at_the_rate(client: Any) -> None:
    ledger = Ledger(client, rate(b"ten", DAY_NS // 10, DAY_NS))
    ledger.call("a", 0, 0, 4)
    client.flushall()
    assert ledger.raw("a", 0, 4, 4)[0] == "other"
    look = load("bucket")
    _, born, _, now, _ = client.eval(look.text, 1, bucket_key(ledger.counter.bucket), "store", "store", 2, 0)
    assert born == now
    answer = ledger.call("b", 0, 0, 8)
    assert (answer.granted, answer.wait > 0) == (0, True)
    # A limit that is open without the store is open to the new one.
    fresh = Ledger(client, rate(b"open", DAY_NS // 10, DAY_NS))
    client.hset(bucket_key(fresh.counter.bucket), mapping={"born": now, "blank": now})
    assert fresh.call("a", 0, 0, 2, forgiving=1).granted == 2
    # When all leases of the life before have ended: nobody knew the counter, so it is exhausted.
    client.hset(bucket_key(ledger.counter.bucket), mapping=dict.fromkeys(("born", "blank"), now - 2 * TTL_US))
    answer = ledger.call("b", 0, 0, 8)
    assert (answer.granted, answer.free) == (0, 0)
    assert 0 <= DAY_NS // 10_000 - answer.wait < 20_000_000


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "counter", [rate(b"told", DAY_NS // 1000, DAY_NS), quota(b"told", 1000, 0, FAR_US)], ids=["rate", "quota"]
)
def test_what_workers_know_is_added_up_whoever_tells_first(client: Any, counter: Counter, first: int) -> None:
    ledger = Ledger(client, counter)
    ledger.call("a", 0, 0, 100, urgent=100)
    ledger.call("b", 0, 0, 100, urgent=100)
    knew = [ledger.call("a", 20, 80, 0, acknowledged=0), ledger.call("b", 30, 70, 0, acknowledged=0)]
    client.flushall()
    look = load("bucket")
    key = bucket_key(counter.bucket)
    _, born, _, _, life = client.eval(look.text, 1, key, "store", "store", 2, ledger.life)
    before, ledger.life = ledger.life, life
    # Both have spent four more since; b knows of the 50 in all, a of its own 20.
    reports: list[tuple[str, int, int]] = [("a", 24, 20), ("b", 34, 30)]
    for who in (first, 1 - first):
        owner, spent, told = reports[who]
        ledger.known = (knew[who].known, knew[who].known_rest)
        # Who has had more answers in the life before says nothing new by it.
        assert client.eval(look.text, 1, key, "store", "store", 99, before)[1] == born
        answer = ledger.call(owner, spent, 0, 0, acknowledged=told, life=before)
        assert (answer.born, answer.life) == (born, life)
    assert answer.free == 1000 - 58
    # Who knows nothing believes that it is exhausted until it is told of, and does not make it so.
    ledger.known = (answer.known, answer.known_rest)
    assert ledger.call("c", 0, 0, 0, life=life).free == 1000 - 58


def test_who_knows_nothing_does_not_exhaust_what_another_knows(client: Any) -> None:
    counter = quota(b"ignorant", 10, 0, FAR_US)
    ledger = Ledger(client, counter)
    now = ledger.call("x", 0, 0, 0).now
    assert client.hset(bucket_key(counter.bucket), mapping={"born": now, "blank": now}) == 0
    answer = ledger.call("c", 0, 0, 5)
    assert (answer.free, answer.known) == (0, 0)
    # It was unused when a heard of it last.
    assert ledger.call("a", 0, 0, 0, life=0).free == 10
    assert ledger.call("c", 0, 0, 5, life=answer.life).free == 10


@pytest.mark.parametrize(
    "counter", [rate(b"mend", DAY_NS // 100, DAY_NS), quota(b"mend", 100, 0, FAR_US)], ids=["rate", "quota"]
)
def test_what_was_used_can_be_set_by_hand(client: Any, counter: Counter) -> None:
    ledger = Ledger(client, counter)
    ledger.call("a", 0, 0, 60, urgent=60)
    answer = ledger.call("a", 50, 10, 0, acknowledged=0)
    assert answer.free == 40
    script = load("mend")
    amount = 5 * counter.interval_ns if counter.interval_ns else 5
    arguments = (counter.script.name, amount, 10**9)
    assert client.eval(script.text, 2, *counter.keys[:2], "other", *arguments) == 0
    assert client.eval(script.text, 2, *counter.keys[:2], "store", *arguments) == 1
    # What the owner knew before is nothing any more; what it has leased is.
    ledger.known = (answer.known, answer.known_rest)
    answer = ledger.call("a", 50, 10, 0, heard=answer.now, life=answer.life)
    assert answer.free == 85
    # What it has heard since is.
    client.hdel(counter.keys[1], "us", "ns", "used")
    ledger.known = (answer.known, answer.known_rest)
    assert ledger.call("a", 50, 10, 0, heard=answer.now, life=answer.life).free == 85


def test_owners_have_time_to_be_heard_after_a_store_that_was_away(client: Any) -> None:
    ledger = Ledger(client, slots(b"away", 4))
    ledger.ttl_us = 1
    now = ledger.call("a", 0, 0, 4, urgent=4).now
    # Its end has come long ago, but nobody was heard of either.
    client.hset(ledger.counter.keys[1], "heard", now - TTL_US)
    ledger.ttl_us = TTL_US
    assert ledger.call("b", 0, 0, 4, urgent=4).granted == 0
    assert ledger.call("b", 0, 0, 4, urgent=4).granted == 0
    # The time is over.
    client.hset(ledger.counter.keys[1], "grace", 1)
    assert ledger.call("b", 0, 0, 4, urgent=4).granted == 4


def test_a_store_that_has_lost_answered_calls_begins_a_new_life(ten_a_day: Ledger) -> None:
    calls = ten_a_day.call("a", 0, 0, 1).calls
    assert ten_a_day.call("a", 0, 1, 0, seen=calls).born == 0
    answer = ten_a_day.call("a", 0, 1, 3, seen=calls + 5)
    assert answer.born == answer.now
    assert answer.calls == calls + 6
    assert answer.granted == 0


@pytest.mark.parametrize(
    "counter", [rate(b"part", DAY_NS // 10, DAY_NS), quota(b"part", 10, 0, FAR_US)], ids=["rate", "quota"]
)
def test_a_store_that_has_lost_its_last_writes_keeps_what_it_has(client: Any, counter: Counter) -> None:
    """As after a failover: counters that are not there were not used, or are told of by who used them."""
    ledger = Ledger(client, counter)
    ledger.call("a", 4, 0, 0, acknowledged=0)
    key = bucket_key(counter.bucket)
    calls = int(client.hget(key, "calls"))
    other = Ledger(client, replace(counter, key=b"other", keys=(*counter.keys[:1], "other", "other-ends")))
    for each, left in ((ledger, 6), (other, 10)):
        each.ttl_us = TTL_US
        answer = each.call("b", 0, 0, 8, seen=calls + 5)
        assert (answer.granted, answer.free) == (0, left)
        calls = answer.calls
    # Nothing is given while old leases may run, and then what is left.
    client.hset(key, "born", answer.now - 2 * TTL_US)
    assert ledger.call("b", 0, 0, 8, urgent=8).granted == 6
    assert other.call("b", 0, 0, 8, urgent=8).granted == 8


def test_a_bucket_is_made_once_and_found_again(client: Any) -> None:
    look = load("bucket")
    key = bucket_key(7)

    def at(mine: str, shall: str, seen: int = 0) -> list[Any]:
        found: list[Any] = client.eval(look.text, 1, key, mine, shall, seen, "")
        return found

    assert at("", "s")[:2] == ["s", 0]
    assert at("", "s")[:2] == ["s", 0]
    assert at("s", "s")[:2] == ["s", 0]
    # A host that knows another store: this one is not that one any more.
    found = at("before", "s")
    assert found[1] == found[3] > 0
    # Later looks do not move its birth.
    assert at("s", "s")[1] == found[1]


def test_hosts_are_counted_while_they_are_heard_of(client: Any) -> None:
    script = load("hosts")
    for host, count in (("a", 1), ("b", 2), ("a", 2)):
        assert client.eval(script.text, 1, "hosts", host, 60_000_000) == count
    assert client.eval(script.text, 1, "hosts", "c", 0) == 0


def test_nothing_stays_in_the_store_that_means_nothing(ten_a_day: Ledger) -> None:
    ten_a_day.call("a", 0, 0, 4)
    ten_a_day.call("a", 0, 0, 0)
    for key in ten_a_day.counter.keys[1:]:
        assert ten_a_day.client.pttl(key) <= 3 * TTL_US // 1000
    # A debt of a day stays a day.
    ten_a_day.call("a", 0, 0, 10, urgent=10)
    ten_a_day.call("a", 10, 0, 0, acknowledged=0)
    assert ten_a_day.client.pttl(ten_a_day.counter.keys[1]) > 86_390_000


def test_counters() -> None:
    assert rate(b"a", 1, 1).key == rate(b"a", 2, 2).key != rate(b"b", 1, 1).key
    assert quota(b"a", 1, 0, 9).key != quota(b"a", 1, 1, 9).key
    for counter in (rate(b"a", 3, 10), quota(b"a", 3, 0, 1), slots(b"a", 3)):
        assert counter.capacity == 3
        assert 0 <= counter.bucket < BUCKETS
        assert {key.partition(b"}")[0] for key in counter.keys} == {b"tidegate:{%d" % counter.bucket}
    with pytest.raises(ValueError, match="cannot be shared"):
        rate(b"a", 1, MAX_TOLERANCE_NS + 1)
    with pytest.raises(ValueError, match="cannot be"):
        quota(b"a", 1, 5, 5)
    with pytest.raises(ValueError, match="are not 1 to"):
        slots(b"a", 0)
