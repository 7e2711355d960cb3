from __future__ import annotations

from typing import Any

import pytest

from engine.limits.model import Limit
from engine.limits.rates import MAX_COUNT, Rate

MINUTE = Rate.parse("600/minute")


def test_without_a_burst_the_whole_count_comes_at_once() -> None:
    assert Limit("l", "user", MINUTE).capacity == 600
    assert Limit("l", "user", MINUTE, burst=7).capacity == 7
    assert Limit("l", "user", MINUTE).tolerance_ns == 60 * 10**9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": ""}, "a name is"),
        ({"name": "a b"}, "a name is"),
        ({"name": 'a"'}, "a name is"),
        ({"name": "a\r\nb"}, "a name is"),
        ({"name": "a\n"}, "a name is"),
        ({"name": "x" * 65}, "a name is"),
        ({"by": "planet"}, "by 'planet'"),
        ({"burst": 0}, "a burst is"),
        ({"burst": MAX_COUNT + 1}, "a burst is"),
        ({"ipv6_prefix": 0}, "IPv6 prefix"),
        ({"ipv6_prefix": 129}, "IPv6 prefix"),
        ({"roles": frozenset()}, "roles binds nobody"),
        ({"models": ()}, "models binds nothing"),
        ({"rate": Rate.parse("1/month"), "burst": 2000}, "100 years"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], reason: str) -> None:
    fields: dict[str, Any] = {"name": "l", "by": "user", "rate": MINUTE}
    with pytest.raises(ValueError, match=reason):
        Limit(**(fields | change))
