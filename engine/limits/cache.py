"""A bounded map for the hot path: a hit in the young generation is one dict look-up, nothing is ever re-ordered.

Two generations: when the young one is full it becomes the old one, and the old one is dropped. An entry that is used at
least once a generation stays. Never more than `capacity` entries.
"""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class GenerationCache(Generic[K, V]):
    """At most `capacity` (>= 2) entries; values are never None."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, capacity: int) -> None:
        if capacity < 2:
            raise ValueError(f"a capacity of {capacity} leaves no room for two generations")
        self._half = capacity // 2
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """The value last put under `key`, if it is still there."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember `value`, at the price of what was not used for longest."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        self._young[key] = value
