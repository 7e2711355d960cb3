"""Limits that are reserved: what a request holds, what it is charged, what a refused one is told."""

from __future__ import annotations

import mmap
from datetime import UTC, datetime
from typing import Any

import pytest

from engine._fast.bucket import Table
from engine._fast.budget import MAX_HOLDS
from engine.limits.bound import Denied
from engine.limits.limiter import Limiter
from engine.limits.metered import Held, Metered
from engine.limits.model import By, Limit
from engine.limits.rates import Rate
from engine.limits.spend import Tariff, parse_spend

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
CALLER: dict[str, Any] = {
    "key_id": "k1",
    "user": "alice",
    "team": "red",
    "roles": ("analyst",),
    "ip": bytes(4),
    "model": "gpt-4o",
    "route": "chat",
}


def limit(kind: str, rate: str = "1000/minute", by: Any = "user", **fields: Any) -> Limit:
    parsed = None if kind == "concurrent" else parse_spend(rate) if kind == "spend" else Rate.parse(rate)
    return Limit(fields.pop("name", kind), by, parsed, kind=kind, **fields)  # type: ignore[arg-type]


def limiter(*limits: Limit) -> Limiter:
    return Limiter(Table(mmap.mmap(-1, 4096 * 16), bytes(range(16))), limits)


def metered(which: Limiter, **change: Any) -> Metered:
    bound = which.late(**(CALLER | change))
    assert bound is not None
    assert bound.metered is not None
    return bound.metered


def held(which: Metered, now: int = NOW, input: int = 0, output: int = 0, **more: Any) -> Held:
    result = which.reserve(
        now, input, output, more.get("body", 0), more.get("tariff"), is_default=more.get("is_default", False)
    )
    assert isinstance(result, Held)
    return result


def denied(which: Metered, now: int = NOW, input: int = 0, output: int = 0, **more: Any) -> Denied:
    result = which.reserve(
        now, input, output, more.get("body", 0), more.get("tariff"), is_default=more.get("is_default", False)
    )
    assert isinstance(result, Denied)
    return result


def test_tokens_are_held_and_charged_as_they_were_used() -> None:
    which = metered(limiter(limit("tokens")))
    first = held(which, input=300, output=600)
    assert denied(which, output=101).limit.name == "tokens"
    first.settle(NOW, 200, 50)
    first.settle(NOW, 900, 900)
    assert which.state(0, NOW)[:3] == (250, 0, 750)
    held(which, output=750)


def test_what_is_given_back_was_never_there() -> None:
    which = metered(
        limiter(limit("tokens"), limit("concurrent", burst=2), limit("requests", "5/day", window="calendar"))
    )
    held(which, output=1000).give_back(NOW)
    assert [which.state(index, NOW)[:2] for index in range(3)] == [(0, 0), (0, 0), (0, 0)]


def test_input_and_output_have_limits_of_their_own() -> None:
    which = metered(limiter(limit("input_tokens", "100/minute"), limit("output_tokens", "50/minute")))
    held(which, input=100, output=50).settle(NOW, 100, 50)
    assert denied(which, input=1).limit.name == "input_tokens"
    assert denied(which, output=1).limit.name == "output_tokens"
    # Both refuse: the one with the longer wait is named. 6 s for ten of input, 12 s for ten of output.
    told = denied(which, input=10, output=10)
    assert (told.limit.name, told.retry_after_s) == ("output_tokens", 12)
    held(which, NOW + 12 * SECOND, input=10, output=10)


def test_bytes_and_calendar_requests() -> None:
    which = metered(limiter(limit("body_bytes", "1000/hour"), limit("requests", "2/day", window="calendar")))
    held(which, body=600).settle(NOW, 0, 0)
    assert denied(which, body=401).limit.name == "body_bytes"
    held(which, body=400).settle(NOW, 0, 0)
    assert denied(which, body=0).limit.name == "requests"


def test_spend_is_the_price_of_the_tokens() -> None:
    # 0.15 and 0.60 USD per million: 15 and 60 units a token; 0.001 USD are 100,000.
    which = metered(limiter(limit("spend", "0.001/day", window="calendar")))
    tariff = Tariff.of(0.15, 0.60)
    held(which, input=1000, output=100, tariff=tariff).settle(NOW, 1000, 10)
    assert which.state(0, NOW)[0] == 15_600
    assert denied(which, output=1407, tariff=tariff).limit.name == "spend"
    held(which, output=1406, tariff=tariff)


@pytest.mark.parametrize(
    ("price", "tokens", "units"),
    [((0.15, 0.6), (1, 0), 15), ((0.075, 0.3), (1, 0), 8), ((0.075, 0.3), (2, 1), 45), ((0, 0), (9, 9), 0)],
)
def test_a_price_is_rounded_up_once_a_request(price: tuple[float, float], tokens: tuple[int, int], units: int) -> None:
    assert Tariff.of(*price).cost(*tokens) == units


def test_a_default_is_cut_to_what_the_limit_can_hold() -> None:
    tariff = Tariff.of(0.15, 0.60)
    for which, most in (
        (metered(limiter(limit("tokens", "100/minute"))), 90),
        (metered(limiter(limit("output_tokens", "70/minute"))), 70),
        # 5,000 units less 150 for the input buy 80 tokens of output.
        (metered(limiter(limit("spend", "0.00005/day", window="calendar"))), 80),
    ):
        assert held(which, input=10, output=1024, tariff=tariff, is_default=True).output == most


def test_more_than_the_limit_ever_allows_is_told_plainly() -> None:
    which = metered(limiter(limit("tokens", "100/minute")))
    told = denied(which, input=1, output=100)
    assert (told.wait_ns, told.asked, told.limit.capacity) == (-1, 101, 100)
    held(which, output=100)


def test_concurrent_is_refused_for_a_second_and_comes_back() -> None:
    which = metered(limiter(limit("concurrent", burst=1)))
    first = held(which)
    assert (denied(which).retry_after_s, denied(which).wait_ns) == (1, 0)
    first.settle(NOW, 0, 0)
    held(which)


def test_a_stream_is_covered_while_there_is_room() -> None:
    which = metered(limiter(limit("tokens", "100/minute", ends_streams=True)))
    first = held(which, input=10, output=20)
    assert first.ends_streams
    assert first.covers(NOW, 10, 60)
    held(which, output=30)
    assert not first.covers(NOW, 10, 61)
    first.settle(NOW, 10, 61)
    assert which.state(0, NOW)[:2] == (71, 30)


def test_a_calendar_turns_with_its_zone() -> None:
    begin = int(datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC).timestamp()) * SECOND
    which = metered(limiter(limit("tokens", "100/month", window="calendar", zone="Europe/Berlin")))
    held(which, begin, output=100).settle(begin, 0, 100)
    assert denied(which, begin, output=1).retry_after_s == 1
    held(which, begin + SECOND, output=100)


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        (("user", "model"), {"ip": bytes([1, 2, 3, 4]), "key_id": "k2"}, {"model": "other"}),
        (("user", "model"), {"team": None}, {"user": "bob"}),
        (("ip", "route"), {"user": "bob", "model": None}, {"route": "embeddings"}),
    ],
)
def test_a_combination_counts_each_pair(by: tuple[By, ...], same: dict[str, Any], other: dict[str, Any]) -> None:
    which = limiter(limit("tokens", "100/minute", by))
    held(metered(which), output=100)
    denied(metered(which, **same), output=1)
    held(metered(which, **other), output=100)


def test_filters_and_requests_without_a_model() -> None:
    which = limiter(limit("tokens", models=("gpt*",)), limit("concurrent", burst=1, roles=frozenset({"analyst"})))
    assert [each.kind for each in metered(which).limits] == ["tokens", "concurrent"]
    assert [each.kind for each in metered(which, model=None).limits] == ["concurrent"]
    assert which.late(**(CALLER | {"model": "claude", "roles": ("other",)})) is None


def test_too_many_that_are_reserved() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        limiter(*(limit("concurrent", burst=1, name=f"l{index}") for index in range(MAX_HOLDS + 1)))


@pytest.mark.parametrize(
    ("kind", "rate", "fields", "reason"),
    [
        ("tokens", "1/minute", {"window": "calendar"}, "an hour, a day or a month"),
        ("tokens", "1/day", {"window": "calendar", "burst": 3}, "no burst"),
        ("tokens", "1/day", {"window": "calendar", "zone": "Mars"}, "time zone"),
        ("tokens", "1/day", {"zone": "Europe/Berlin"}, "only a calendar"),
        ("spend", "20000/hour", {"window": "calendar"}, "more than can be counted"),
        ("spend", "20/second", {}, "faster than can be counted"),
        ("tokens", "1/month", {"burst": 130}, "10 years"),
        ("concurrent", "", {}, "number of requests"),
    ],
)
def test_what_cannot_be_counted(kind: str, rate: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        limit(kind, rate, **fields)


@pytest.mark.parametrize(
    ("by", "reason"), [((), "no scope"), (("user", "user"), "twice"), (("global", "user"), "nothing else")]
)
def test_scopes_that_make_no_sense(by: tuple[By, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        limit("tokens", by=by)


# --- telling


def lines(which: Limiter, dialect: str, **change: Any) -> dict[str, str]:
    bound = which.late(**(CALLER | change))
    assert bound is not None
    raw = bound.headers(NOW, dialect)
    found: dict[str, str] = {}
    for line in raw.decode("ascii").removesuffix("\r\n").split("\r\n"):
        name, _, value = line.partition(": ")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def test_headers_in_openai_s_words() -> None:
    which = limiter(
        limit("requests", "10/minute", name="calls"),
        limit("tokens", "6000/minute"),
        limit("spend", "5/month", window="calendar"),
        limit("concurrent", burst=4),
    )
    held(metered(which), input=100, output=500).settle(NOW, 100, 500)
    assert lines(which, "openai") == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "10",
        "x-ratelimit-reset-requests": "0s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5400",
        "x-ratelimit-reset-tokens": "6s",
        "RateLimit": '"calls";r=10;t=0, "tokens";r=5400;t=6',
        "RateLimit-Policy": '"calls";q=10;w=60, "tokens";q=6000;w=60;qu="tokens", '
        '"concurrent";q=4;qu="concurrent-requests"',
    }


def test_headers_in_anthropic_s_words() -> None:
    which = limiter(limit("requests", "10/minute", name="calls"), limit("input_tokens", "60/minute"))
    held(metered(which), input=30).settle(NOW, 30, 0)
    told = lines(which, "anthropic")
    reset = datetime.fromtimestamp(NOW // SECOND + 30, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert told["anthropic-ratelimit-requests-limit"] == "10"
    assert told["anthropic-ratelimit-requests-remaining"] == "10"
    assert told["anthropic-ratelimit-input-tokens-limit"] == "60"
    assert told["anthropic-ratelimit-input-tokens-remaining"] == "30"
    assert told["anthropic-ratelimit-input-tokens-reset"] == reset
    assert "x-ratelimit-limit-tokens" not in told
