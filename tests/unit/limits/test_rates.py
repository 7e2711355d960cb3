from __future__ import annotations

import pytest

from engine.limits.rates import MAX_COUNT, MAX_PERIOD_NS, SECOND_NS, Rate


@pytest.mark.parametrize(
    ("text", "count", "seconds"),
    [
        ("1/second", 1, 1),
        ("6000/minute", 6000, 60),
        ("10/hour", 10, 3600),
        ("5/day", 5, 86_400),
        ("1000000000000/month", 10**12, 30 * 86_400),
    ],
)
def test_a_rate_is_read_and_written(text: str, count: int, seconds: int) -> None:
    rate = Rate.parse(text)
    assert (rate.count, rate.period_ns) == (count, seconds * SECOND_NS)
    assert str(rate) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "60",
        "60/",
        "/minute",
        "60/fortnight",
        "60/Minute",
        "60 / minute",
        "-1/minute",
        "1.5/minute",
        "1e3/minute",
        "0/minute",
        "1000000000000001/minute",
        "60/minute ",
        "60/minute\n",
        "٦/minute",
        "99999999999999999999/second",
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|not one of"):
        Rate.parse(text)


def test_numbers_out_of_range_are_refused() -> None:
    for count, period_ns in [(0, 1), (MAX_COUNT + 1, 1), (1, 0), (1, MAX_PERIOD_NS + 1)]:
        with pytest.raises(ValueError, match="rate's"):
            Rate(count, period_ns)


@pytest.mark.parametrize(("text", "interval"), [("7/second", 142_857_143), ("3/day", 28_800 * SECOND_NS)])
def test_the_interval_is_rounded_up(text: str, interval: int) -> None:
    assert Rate.parse(text).interval_ns == interval


def test_no_rate_flows_faster_than_the_clock_resolves() -> None:
    assert Rate.parse("1000000000000/second").interval_ns == 1


def test_a_period_without_a_name_is_written_in_nanoseconds() -> None:
    assert str(Rate(3, 7)) == "3/7ns"
