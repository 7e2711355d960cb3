from __future__ import annotations

import mmap
from typing import Any

import pytest

from engine._fast.bucket import MAX_ENTRIES, WINDOW, Plan, Table
from engine.limits.limiter import CACHE_ENTRIES, MAX_CACHED_MODEL, Bound, Denied, Limiter
from engine.limits.model import By, Limit
from engine.limits.rates import Rate

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
V4 = bytes([192, 0, 2, 1])


def make_table(slots: int = 4096) -> Table:
    return Table(mmap.mmap(-1, slots * 16), bytes(range(16)))


def limit(name: str, by: By, requests: str = "3/minute", **fields: Any) -> Limit:
    return Limit(name, by, Rate.parse(requests), **fields)


def limiter(*limits: Limit) -> Limiter:
    return Limiter(make_table(), limits)


def early(which: Limiter, **change: Any) -> Bound | None:
    caller = {"key_id": "k1", "user": "alice", "team": "red", "roles": ("analyst",), "ip": V4} | change
    return which.early(**caller)


def late(which: Limiter, **change: Any) -> Bound | None:
    caller = {"key_id": "k1", "user": "alice", "team": "red", "roles": ("analyst",), "ip": V4, "model": "gpt-4o"}
    return which.late(**(caller | change))


def admitted(bound: Bound | None, now: int = NOW) -> int:
    assert bound is not None
    count = 0
    while bound.take(now) is None:
        count += 1
    return count


# --- which counter


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        ("ip", {"key_id": "k2", "user": "bob", "team": None}, {"ip": bytes([192, 0, 2, 2])}),
        ("key", {"user": "bob", "ip": bytes(4), "team": None}, {"key_id": "k2"}),
        ("user", {"key_id": "k2", "ip": bytes(4), "team": None}, {"user": "bob"}),
        ("team", {"key_id": "k2", "user": "bob", "ip": bytes(4)}, {"team": "blue"}),
        ("route", {"key_id": "k2", "user": "bob", "ip": bytes(4)}, {"route": "embeddings"}),
    ],
)
def test_a_limit_counts_by_its_scope_alone(by: By, same: dict[str, Any], other: dict[str, Any]) -> None:
    which = limiter(limit("l", by))
    assert admitted(early(which)) == 3
    assert admitted(early(which, **same)) == 0
    assert admitted(early(which, **other)) == 3


def test_a_global_limit_counts_everybody() -> None:
    which = limiter(limit("l", "global"))
    assert admitted(early(which)) == 3
    assert admitted(early(which, key_id="k2", user="bob", team=None, ip=bytes(4), roles=())) == 0


def test_limits_do_not_share_counters() -> None:
    which = limiter(limit("a", "user", "5/minute"), limit("b", "key", "3/minute"), limit("c", "user", "4/minute"))
    assert admitted(early(which, key_id="alice")) == 3
    assert admitted(early(which, key_id="k2")) == 1


def test_a_name_cannot_be_composed_to_be_another() -> None:
    which = limiter(limit("l", "team"), limit("m", "user", "100/minute"))
    assert admitted(early(which, team="a", user="bc")) == 3
    assert admitted(early(which, team="ab", user="c")) == 3


def test_a_caller_without_a_team_has_no_team_limit() -> None:
    which = limiter(limit("l", "team"))
    assert early(which, team=None) is None
    assert early(which, team=None) is None
    assert early(which) is not None


def test_a_caller_without_a_key_is_a_key_of_its_own() -> None:
    which = limiter(limit("l", "key"))
    assert admitted(early(which, key_id="")) == 3
    assert admitted(early(which, key_id="", user="bob")) == 3
    assert admitted(early(which, key_id="alice")) == 3
    assert admitted(early(which, key_id="")) == 0


def test_an_ipv6_caller_is_its_network() -> None:
    which = limiter(limit("l", "ip"))
    network = bytes.fromhex("20010db800010002")
    assert admitted(early(which, ip=network + bytes(7) + b"\x01")) == 3
    assert admitted(early(which, ip=network + b"\xff" * 8)) == 0
    assert admitted(early(which, ip=bytes.fromhex("20010db800010003") + bytes(8))) == 3


def test_the_ipv6_prefix_is_the_limit_s() -> None:
    which = limiter(limit("l", "ip", ipv6_prefix=48))
    assert admitted(early(which, ip=bytes.fromhex("20010db800010002") + bytes(8))) == 3
    assert admitted(early(which, ip=bytes.fromhex("20010db80001ffff") + bytes(8))) == 0
    assert admitted(early(which, ip=bytes.fromhex("20010db80002ffff") + bytes(8))) == 3


def test_a_mapped_address_is_the_ipv4_address() -> None:
    which = limiter(limit("l", "ip"))
    assert admitted(early(which)) == 3
    assert admitted(early(which, ip=bytes(10) + b"\xff\xff" + V4)) == 0


@pytest.mark.parametrize("ip", [b"", b"127.0.0.1", bytes(5), bytes(15)])
def test_an_address_that_is_not_packed_is_refused(ip: bytes) -> None:
    which = limiter(limit("l", "ip"))
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        early(which, ip=ip)
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        which.unauthenticated(ip)


# --- which limits


def test_roles_filter() -> None:
    which = limiter(limit("l", "user", roles=frozenset({"analyst", "guest"})))
    assert early(which, roles=("operator",)) is None
    assert early(which, roles=()) is None
    assert admitted(early(which, roles=("operator", "guest"))) == 3


def test_a_changed_role_binds_at_once() -> None:
    which = limiter(limit("l", "user", roles=frozenset({"analyst"})))
    assert early(which, roles=("operator",)) is None
    assert admitted(early(which, roles=("analyst",))) == 3
    assert early(which, roles=("operator",)) is None


@pytest.mark.parametrize(
    ("glob", "model", "binds"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o*", "gpt-4o-mini", True),
        ("*4o*", "gpt-4o-mini", True),
        ("gpt-?o", "gpt-4o", True),
        ("gpt-?o", "gpt-o", False),
        ("*", "", True),
        ("GPT-4o", "gpt-4o", False),
        ("gpt-[4]o", "gpt-4o", False),
        ("gpt-[4]o", "gpt-[4]o", True),
        ("gpt.4o", "gpt-4o", False),
        ("gpt*", "gpt\nx", True),
        ("gpt-4o", "gpt-4o\n", False),
    ],
)
def test_models_filter(glob: str, model: str, binds: bool) -> None:
    which = limiter(limit("l", "user", models=("absent", glob)))
    for _ in range(2):
        assert (late(which, model=model) is not None) is binds


def test_a_glob_with_many_stars_takes_linear_time() -> None:
    # What backtracks tries 10^4 to the number of stars; this only ends if it does not.
    which = limiter(limit("l", "user", models=("*a" * 20 + "b",)))
    assert late(which, model="a" * 10_000) is None


def test_early_and_late_share_nothing_and_leave_nothing_out() -> None:
    which = limiter(
        limit("all", "user", "5/minute"), limit("some", "user", "3/minute", models=("gpt-4o",)), limit("each", "model")
    )
    first, second = early(which), late(which)
    assert first is not None
    assert second is not None
    assert [each.name for each in first.limits] == ["all"]
    assert [each.name for each in second.limits] == ["some", "each"]
    assert admitted(second) == 3
    assert admitted(first) == 5


def test_by_model_counts_each_model_for_all_callers() -> None:
    which = limiter(limit("l", "model"))
    assert early(which) is None
    assert admitted(late(which)) == 3
    assert admitted(late(which, user="bob", key_id="k2")) == 0
    assert admitted(late(which, model="other")) == 3


def test_without_limits_by_model_there_is_nothing_late() -> None:
    assert late(limiter(limit("l", "user"))) is None


def test_without_limits_there_is_nothing() -> None:
    which = limiter()
    assert early(which) is None
    assert late(which) is None
    assert which.unauthenticated(V4) is None


def test_unknown_callers_are_bound_by_address_and_by_global_limits() -> None:
    which = limiter(
        limit("ip", "ip"),
        limit("all", "global", "4/minute"),
        limit("user", "user"),
        limit("role", "ip", roles=frozenset({"analyst"})),
        limit("model", "ip", models=("x",)),
    )
    bound = which.unauthenticated(V4)
    assert bound is not None
    assert [each.name for each in bound.limits] == ["ip", "all"]
    assert admitted(bound) == 3
    assert which.unauthenticated(V4) is bound
    # The same counters as for callers who are known.
    assert admitted(early(which)) == 0
    assert admitted(which.unauthenticated(bytes(4))) == 1


def test_limits_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="used twice: a"):
        limiter(limit("a", "user"), limit("b", "user"), limit("a", "ip"))


def test_too_many_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        limiter(*(limit(f"l{i}", "user") for i in range(MAX_ENTRIES + 1)))
    which = limiter(*(limit(f"l{i}", "user") for i in range(MAX_ENTRIES)))
    assert admitted(early(which)) == 3


# --- taking


def test_a_limit_without_burst_lets_all_through_at_once_and_then_by_the_even_flow() -> None:
    bound = early(limiter(limit("l", "user", "600/minute")))
    assert admitted(bound) == 600
    assert admitted(bound, NOW + SECOND) == 10


@pytest.mark.parametrize("requests", ["7/second", "600/minute", "1/hour", "11/day"])
def test_who_comes_back_when_told_is_admitted(requests: str) -> None:
    bound = early(limiter(limit("l", "user", requests), limit("m", "ip", "1000/second")))
    assert bound is not None
    admitted(bound)
    denied = bound.take(NOW)
    assert isinstance(denied, Denied)
    assert denied.limit.name == "l"
    assert denied.retry_after_s >= 1
    assert denied.retry_after_s * SECOND >= denied.wait_ns > (denied.retry_after_s - 1) * SECOND
    assert not denied.unavailable
    assert bound.take(NOW + denied.wait_ns - 1) is not None
    assert bound.take(NOW + denied.wait_ns) is None
    again = bound.take(NOW + denied.wait_ns)
    assert again is not None
    assert bound.take(NOW + denied.wait_ns + again.retry_after_s * SECOND) is None


def test_the_limit_with_the_longest_wait_is_named() -> None:
    bound = early(limiter(limit("a", "ip", "1/second"), limit("b", "user", "1/hour"), limit("c", "key", "1/minute")))
    assert bound is not None
    assert bound.take(NOW) is None
    denied = bound.take(NOW)
    assert denied is not None
    assert (denied.limit.name, denied.retry_after_s) == ("b", 3600)


def test_give_back() -> None:
    bound = early(limiter(limit("l", "user", "3/minute")))
    assert bound is not None
    assert admitted(bound) == 3
    bound.give_back(NOW, taken_ns=NOW)
    assert admitted(bound) == 1


def test_a_full_table_is_unavailable_not_admitted() -> None:
    table = make_table(WINDOW)
    for key in range(1, WINDOW + 1):
        Plan(table, [(key, SECOND, SECOND)]).take(NOW)
    bound = early(Limiter(table, [limit("l", "user")]))
    assert bound is not None
    denied = bound.take(NOW)
    assert denied is not None
    assert (denied.unavailable, denied.limit.name, denied.retry_after_s, denied.wait_ns) == (True, "l", 1, 0)
    assert bound.take(NOW + SECOND) is None


# --- telling


def lines(bound: Bound | None, now: int = NOW) -> dict[str, str]:
    assert bound is not None
    raw = bound.headers(now)
    assert raw.endswith(b"\r\n")
    return dict(line.split(": ", 1) for line in raw.decode("ascii")[:-2].split("\r\n"))


def test_headers_tell_of_the_tightest_limit_and_of_every_policy() -> None:
    bound = early(limiter(limit("per-ip", "ip", "6000/minute", burst=600), limit("per-user", "user", "500/minute")))
    assert bound is not None
    assert bound.take(NOW) is None
    assert lines(bound) == {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "RateLimit": '"per-user";r=499;t=1',
        "RateLimit-Policy": '"per-ip";q=6000;w=60, "per-user";q=500;w=60',
    }


def test_the_limit_told_is_the_most_that_remains() -> None:
    bound = early(limiter(limit("per-ip", "ip", "6000/minute", burst=600)))
    assert lines(bound)["x-ratelimit-limit-requests"] == "600"
    assert lines(bound)["x-ratelimit-remaining-requests"] == "600"
    assert lines(bound)["x-ratelimit-reset-requests"] == "0s"


def test_headers_of_who_was_refused() -> None:
    bound = early(limiter(limit("a", "ip", "100/second"), limit("b", "user", "2/hour")))
    assert admitted(bound) == 2
    told = lines(bound)
    assert told["RateLimit"] == '"b";r=0;t=3600'
    assert told["x-ratelimit-reset-requests"] == "1h0m0s"


def test_late_headers_tell_of_early_limits_too() -> None:
    which = limiter(
        limit("all", "user", "100/minute"), limit("some", "user", "50/minute", models=("gpt-4o",), burst=200)
    )
    first, second = early(which), late(which)
    assert first is not None
    assert second is not None
    first.take(NOW)
    second.take(NOW)
    told = lines(second)
    assert told["RateLimit"] == '"all";r=99;t=1'
    assert told["RateLimit-Policy"] == '"all";q=100;w=60, "some";q=50;w=60'


# --- remembering


def test_a_caller_s_bound_is_made_once() -> None:
    which = limiter(limit("l", "user"), limit("m", "ip", models=("*",)))
    assert early(which) is early(which)
    assert late(which) is late(which)
    assert early(which) is not early(which, user="bob")


def test_what_no_limit_counts_by_does_not_fill_the_memory() -> None:
    which = limiter(limit("l", "user"))
    assert early(which) is early(which, ip=bytes(4), route="other")


def test_callers_in_masses_are_forgotten_and_lose_nothing() -> None:
    which = Limiter(make_table(1 << 17), [limit("l", "ip", "3/hour")])
    assert admitted(early(which)) == 3
    first = early(which)
    for number in range(CACHE_ENTRIES):
        early(which, ip=number.to_bytes(4, "big"))
    assert early(which) is not first
    assert admitted(early(which)) == 0


def test_a_model_with_a_long_name_is_counted_and_not_remembered() -> None:
    which = limiter(limit("l", "model"))
    model = "m" * (MAX_CACHED_MODEL + 1)
    first = late(which, model=model)
    assert late(which, model=model) is not first
    assert admitted(first) == 3
    assert admitted(late(which, model=model)) == 0


def test_any_text_can_be_counted() -> None:
    which = limiter(limit("l", "user"), limit("m", "model", "2/minute"))
    assert admitted(early(which, user="\ud800 é \x00")) == 3
    assert admitted(late(which, model="\udfff")) == 2
