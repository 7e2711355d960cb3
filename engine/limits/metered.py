"""The limits of one caller that are reserved before a request is forwarded and settled when its use is known.

Tokens, spend, concurrent requests, bytes of body, and everything with a calendar window. Like `Bound`, a `Metered`
belongs to the caller; `reserve` makes a `Held` for one request, which is settled exactly once. Time is an argument.

Rules. How much is held: `engine.limits.sizes`. What was used is charged as it was, also above what was held: the limit
is then in debt.

Failure modes: closed. A table or a journal without room refuses (`unavailable`). A charge that finds no room stays
held, and is tried again with every later settlement of this process.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from engine._fast import budget as kernel
from engine._fast.budget import Budget, Journal
from engine.limits import windows
from engine.limits.bound import Denied
from engine.limits.headers import Shown, budget_lines
from engine.limits.model import Limit
from engine.limits.rates import SECOND_NS
from engine.limits.sizes import COLUMNS, MAX_AMOUNT, Sizes, cost

if TYPE_CHECKING:
    from engine._fast.bucket import Table
    from engine.limits.spend import Tariff

log = logging.getLogger(__name__)


def entry(limit: Limit, fingerprint: int, hosts: int = 1) -> tuple[int, int, int, int, int]:
    """A limit's counter as the kernel takes it; with several hosts, that of an equal share."""
    column, capacity = COLUMNS[limit.kind], limit.capacity // hosts
    if limit.kind == "concurrent":
        return fingerprint, kernel.KIND_CONCURRENT, column, 1, capacity
    if limit.window == "calendar":
        return fingerprint, kernel.KIND_CALENDAR, column, 1, capacity
    assert limit.rate is not None
    interval_ns = limit.rate.interval_ns * hosts
    return fingerprint, kernel.KIND_RATE, column, interval_ns, interval_ns * capacity


class Metered:
    """See the module."""

    __slots__ = (
        "_begin_ns",
        "_budget",
        "_calendars",
        "_end_ns",
        "_hold",
        "_shown",
        "counts_tokens",
        "ends_streams",
        "limits",
        "mode",
        "spend_limit",
    )

    def __init__(
        self, limits: tuple[Limit, ...], table: Table, journal: Journal, fingerprints: Sequence[int], hosts: int = 1
    ) -> None:
        """`hosts`: an equal share of the limits among so many, each of which is one unit at least."""
        self.limits = limits
        entries = [entry(limit, fingerprint, hosts) for limit, fingerprint in zip(limits, fingerprints, strict=True)]
        self._budget = Budget(table, journal, entries)
        self._calendars: tuple[tuple[int, windows.Period, tzinfo], ...] = tuple(
            (index, limit.period, windows.zone(limit.zone))
            for index, limit in enumerate(limits)
            if limit.window == "calendar" and limit.period is not None
        )
        self._begin_ns = self._end_ns = 0
        self._shown = Shown(limits)
        sizes = Sizes(limits, hosts)
        self._hold = sizes.hold
        self.spend_limit = sizes.spend_limit
        self.ends_streams = sizes.ends_streams
        self.counts_tokens = sizes.counts_tokens
        # How a shared limit was decided without its store.
        self.mode: str | None = None

    def reserve(
        self, now_ns: int, input: int, output: int, body: int, tariff: Tariff | None, *, is_default: bool
    ) -> Held | Denied:
        """Holds tokens, their cost, the bytes of the body and one request. `is_default`: nobody asked for `output`."""
        amounts = self._hold(input, output, body, tariff, is_default=is_default)
        _, input, output, _, spend, body = amounts
        budget = self._budget
        number = budget.reserve(now_ns, 1, input, output, spend, body)
        if number == kernel.STALE:
            self.turn(now_ns)
            number = budget.reserve(now_ns, 1, input, output, spend, body)
        if number >= 0:
            return Held(self, number, input, output, body, tariff)
        limit = self.limits[max(budget.refused, 0)]
        if number != kernel.REFUSED:
            return Denied(limit, 1, 0, unavailable=True)
        wait_ns = budget.wait_ns
        if wait_ns < 0:
            return Denied(limit, 0, -1, asked=amounts[COLUMNS[limit.kind]])
        return Denied(limit, max(1, -(-wait_ns // SECOND_NS)), wait_ns)

    def turn(self, now_ns: int) -> None:
        """Puts the windows of the calendar at `now_ns` in force, where they are not."""
        if not self._calendars or self._begin_ns <= now_ns < self._end_ns:
            return
        begin_ns, end_ns = 0, kernel.MAX_NOW_NS
        for index, period, zone in self._calendars:
            start, end = windows.window(period, zone, now_ns)
            self._budget.set_window(index, start, end)
            begin_ns, end_ns = max(begin_ns, start), min(end_ns, end)
        self._begin_ns, self._end_ns = begin_ns, end_ns

    def settle(self, number: int, now_ns: int, requests: int, input: int, output: int, spend: int, body: int) -> bool:
        """See `Held`. False: there was no room, come again."""
        budget = self._budget
        done = budget.settle(number, now_ns, requests, input, output, spend, body)
        if done == kernel.STALE:
            self.turn(now_ns)
            done = budget.settle(number, now_ns, requests, input, output, spend, body)
        return done == 0

    def extend(self, number: int, now_ns: int, input: int, output: int, spend: int) -> bool:
        """Whether the reservation could be raised to these amounts, or held them already."""
        self.turn(now_ns)
        return self._budget.extend(number, now_ns, input, output, spend)

    def note(self, number: int, input: int, output: int, spend: int, body: int) -> None:
        """What is charged if this process is killed before it settles."""
        self._budget.note(number, 1, input, output, spend, body)

    def headers(self, now_ns: int, dialect: str) -> bytes:
        """Header lines (see `engine.limits.headers`)."""
        return budget_lines(self._shown, self, now_ns, dialect)

    def state(self, index: int, now_ns: int) -> tuple[int, int, int, int]:
        """(used, held, left, ns until all is there again) of a limit, in its units."""
        self.turn(now_ns)
        return self._budget.read(index, now_ns)


class Held:
    """What is held for one request. `input` is the estimate that was held, `output` the most that may be answered."""

    __slots__ = ("_closed", "_metered", "_number", "body", "input", "output", "tariff")

    def __init__(
        self, metered: Metered, number: int, input: int, output: int, body: int, tariff: Tariff | None
    ) -> None:
        self._metered = metered
        self._number = number
        self._closed = False
        self.input = input
        self.output = output
        self.body = body
        self.tariff = tariff

    @property
    def counts_tokens(self) -> bool:
        """Whether a limit on tokens or spend is among them: then the answer's use has to be known."""
        return self._metered.counts_tokens

    @property
    def ends_streams(self) -> bool:
        """Whether a stream that uses up what is left is to be ended."""
        return self._metered.ends_streams

    def settle(self, now_ns: int, input: int, output: int) -> None:
        """Charges what was used and releases the rest. A second call does nothing."""
        self._close(now_ns, 1, min(input, MAX_AMOUNT), min(output, MAX_AMOUNT), self.body)

    def give_back(self, now_ns: int) -> None:
        """Releases everything: the request did not go out. A second call does nothing."""
        self._close(now_ns, 0, 0, 0, 0)

    def covers(self, now_ns: int, input: int, output: int) -> bool:
        """Whether so much may have been used by now: what is above the reservation is held on top, if there is room."""
        spend = cost(self.tariff, input, output)
        return self._metered.extend(self._number, now_ns, input, output, spend)

    def note(self, input: int, output: int) -> None:
        """What was used so far, to be charged if this process is killed before it settles."""
        self._metered.note(self._number, input, output, cost(self.tariff, input, output), self.body)

    def _close(self, now_ns: int, requests: int, input: int, output: int, body: int) -> None:
        if self._closed:
            return
        self._closed = True
        spend = cost(self.tariff, input, output)
        if not self._metered.settle(self._number, now_ns, requests, input, output, spend, body):
            log.error("the table of limits has no room for a charge; it stays held until it has")
            _owed.append((self._metered, self._number))
        elif _owed:
            _settle_owed(now_ns)


# Charges that found no room. The journal has their amounts, so that they are charged once whoever does it.
_owed: list[tuple[Metered, int]] = []


def _settle_owed(now_ns: int) -> None:
    pending, _owed[:] = _owed[:], []
    _owed.extend(each for each in pending if not each[0].settle(each[1], now_ns, 0, 0, 0, 0, 0))
