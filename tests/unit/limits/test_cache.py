from __future__ import annotations

import pytest

from engine.limits.cache import GenerationCache


def test_it_never_holds_more_than_its_capacity() -> None:
    cache: GenerationCache[int, int] = GenerationCache(10)
    for number in range(1000):
        cache.put(number, number)
        cache.get(number // 2)
        assert len(cache) <= 10
    assert cache.get(999) == 999
    assert cache.get(1) is None


def test_what_is_used_stays() -> None:
    cache: GenerationCache[str, str] = GenerationCache(10)
    cache.put("used", "x")
    for number in range(1000):
        cache.put(str(number), "y")
        assert cache.get("used") == "x"


def test_it_needs_room_for_two_generations() -> None:
    with pytest.raises(ValueError, match="generations"):
        GenerationCache(1)
