"""lua/rate.lua in plain Python: the store of the simulation, and the oracle that the script is tested against.

Debts are whole ns in one number, where the script has us and ns apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.limits.shared.scripts import Answer


@dataclass(slots=True)
class Owner:
    """What the ledger knows of a worker: the number of its last report, spent in all, permits held, and their end."""

    number: int
    spent: int
    held: int
    end_us: int


@dataclass(slots=True)
class RateLedger:
    """The ledger of one counter in a store that has lost nothing."""

    free_ns: int = 0  # when the debt is gone, in ns of the store's clock
    held: int = 0
    owners: dict[str, Owner] = field(default_factory=dict)
    calls: int = 0
    heard_us: int | None = None
    grace_us: int = 0

    def call(self, now_us: int, arguments: Sequence[Any]) -> Answer | None:
        """As the script is called, from its third argument on; None for a report that was overtaken."""
        _, _, owner, number, ttl, spent, acknowledged, keep, need, urgent, want, *more = arguments
        _, _, _, _, interval, tolerance, us, ns = more
        self.calls += 1
        mine = self.owners.get(owner)
        if mine is not None and number <= mine.number:
            return None
        used = 0
        if self.heard_us is not None and now_us - self.heard_us > 0.6 * ttl:
            self.grace_us = now_us + ttl
        self.heard_us = now_us
        over = (
            [name for name, other in self.owners.items() if other.end_us <= now_us] if now_us >= self.grace_us else []
        )
        for name in over:
            used += self.owners.pop(name).held
        self.held -= used
        mine = self.owners.get(owner)
        used += max(spent - (mine.spent if mine is not None else acknowledged), 0)
        self.held += keep - (mine.held if mine is not None else 0)
        now = now_us * 1000
        self.free_ns = min(max(self.free_ns, us * 1000 + ns), now + 2 * tolerance)
        if used:
            self.free_ns = max(self.free_ns, now) + used * interval
        free = self._free(now, interval, tolerance)
        granted = 0
        if free >= need and want >= need:
            count = self._holders() + (mine is None or mine.held == 0)
            granted = min(free, max(need, urgent, min(want, free // (2 * count))))
        self.held += granted
        if keep + granted or spent > acknowledged:
            self.owners[owner] = Owner(number, spent, keep + granted, now_us + 2 * ttl)
        else:
            self.owners.pop(owner, None)
        level = max(self.free_ns - now, 0)
        lacking = level + (self.held + need) * interval - tolerance
        wait = 0 if lacking <= 0 else -(-lacking // 1000) if lacking <= level else -1
        free = self._free(now, interval, tolerance)
        known, rest = divmod(self.free_ns, 1000)
        return Answer(now_us, self.calls, 0, granted, free, wait, self._holders(), known, rest, 0)

    def _holders(self) -> int:
        return sum(owner.held > 0 for owner in self.owners.values())

    def _free(self, now: int, interval: int, tolerance: int) -> int:
        return max((tolerance - max(self.free_ns - now, 0)) // interval - self.held, 0)
