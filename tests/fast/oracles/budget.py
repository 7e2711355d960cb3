"""Plain-Python twin of the budget kernel: holds and uses in dicts, one process, a table that is never full."""

from __future__ import annotations

from collections.abc import Sequence

RATE, CALENDAR, CONCURRENT = range(3)
TOTAL = 3
_MINUTE_NS = 60 * 1_000_000_000
Amounts = tuple[int, int, int, int, int]


def columns(amounts: Amounts) -> tuple[int, ...]:
    """requests, input, output, input + output, spend, bytes."""
    requests, given, output, spend, body = amounts
    return requests, given, output, given + output, spend, body


class BudgetOracle:
    """Entries as the kernel's; `held` and `used` by fingerprint. `window` holds for every calendar entry."""

    def __init__(self, entries: Sequence[tuple[int, int, int, int, int]], window: tuple[int, int]) -> None:
        self.entries = list(entries)
        self.window = window
        self.held: dict[int, int] = {}
        self.used: dict[int, int] = {}
        self.open: dict[int, list[int]] = {}
        self.refused = -1
        self.wait_ns = 0

    def debt(self, index: int, now: int) -> int:
        """ns for a rate, else units."""
        fingerprint, kind, _, _, tolerance = self.entries[index]
        if kind == CONCURRENT:
            return 0
        word = self.used.get(fingerprint, 0)
        if kind == RATE:
            if word > now + tolerance + max(_MINUTE_NS, tolerance):
                word = self.used[fingerprint] = now + tolerance
            return max(word - now, 0)
        start, end = self.window
        if word > end + 2 * (end - start):
            word = self.used[fingerprint] = end + tolerance
        return max(word - end, 0)

    def _wait(self, index: int, amount: int, now: int) -> int | None:
        """None: admitted; -1: never; else ns."""
        fingerprint, kind, _, interval, tolerance = self.entries[index]
        capacity, held, debt = tolerance // interval, self.held.get(fingerprint, 0), self.debt(index, now)
        if amount == 0 or (amount + held <= capacity and debt + (held + amount) * interval <= tolerance):
            return None
        if amount > capacity:
            return -1
        if kind == RATE:
            return debt + (min(held, capacity) + amount) * interval - tolerance
        return self.window[1] - now if kind == CALENDAR and debt + amount > tolerance else 0

    def reserve(self, number: int, now: int, amounts: Amounts) -> bool:
        """Whether it is held, under a number that the caller chooses."""
        by_column = columns(amounts)
        wanted = [by_column[column] for _, _, column, _, _ in self.entries]
        waits = [self._wait(index, amount, now) for index, amount in enumerate(wanted)]
        self.refused, self.wait_ns = -1, 0
        if -1 in waits:
            self.refused, self.wait_ns = waits.index(-1), -1
            return False
        known = [wait for wait in waits if wait is not None]
        if known:
            self.wait_ns = max(known)
            self.refused = waits.index(self.wait_ns)
            return False
        for (fingerprint, *_), amount in zip(self.entries, wanted, strict=True):
            self.held[fingerprint] = self.held.get(fingerprint, 0) + amount
        self.open[number] = wanted
        return True

    def settle(self, number: int, now: int, amounts: Amounts) -> None:
        by_column = columns(amounts)
        for index, ((fingerprint, kind, column, interval, tolerance), held) in enumerate(
            zip(self.entries, self.open.pop(number), strict=True)
        ):
            self.held[fingerprint] -= held
            used = by_column[column]
            if used == 0 or kind == CONCURRENT:
                continue
            debt = self.debt(index, now)
            if kind == RATE:
                most = max(tolerance + max(_MINUTE_NS, tolerance), debt)
                self.used[fingerprint] = now + min(debt + used * interval, most)
            else:
                start, end = self.window
                self.used[fingerprint] = end + min(debt + used, max(end - start - 1, debt))
