"""The limits of one caller that are reserved before a request is forwarded and settled when its use is known.

Tokens, spend, concurrent requests, bytes of body, and everything with a calendar window. Like `Bound`, a `Metered`
belongs to the caller; `reserve` makes a `Held` for one request, which is settled exactly once. Time is an argument.

Rules
- A request that says how much it may answer is held for that. For one that does not, a default is held, but never more
  than the limit as a whole can hold: it is not refused because nobody told it to ask for less.
- What was used is charged as it was, also above what was held: the limit is then in debt.
- Spend needs a price. A model without one is refused where a limit on spend applies, as its cost cannot be counted. A
  request that names no model has no price and costs nothing.

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
from engine.limits.model import Kind, Limit
from engine.limits.rates import SECOND_NS

if TYPE_CHECKING:
    from engine._fast.bucket import Table
    from engine.limits.spend import Tariff

log = logging.getLogger(__name__)

_COLUMNS: dict[Kind, int] = {
    "requests": kernel.REQUESTS,
    "concurrent": kernel.REQUESTS,
    "tokens": kernel.TOTAL,
    "input_tokens": kernel.INPUT,
    "output_tokens": kernel.OUTPUT,
    "spend": kernel.SPEND,
    "body_bytes": kernel.BYTES,
}
_MAX = kernel.MAX_AMOUNT


def entry(limit: Limit, fingerprint: int) -> tuple[int, int, int, int, int]:
    """A limit's counter as the kernel takes it."""
    column = _COLUMNS[limit.kind]
    if limit.kind == "concurrent":
        return fingerprint, kernel.KIND_CONCURRENT, column, 1, limit.capacity
    if limit.window == "calendar":
        return fingerprint, kernel.KIND_CALENDAR, column, 1, limit.capacity
    assert limit.rate is not None
    return fingerprint, kernel.KIND_RATE, column, limit.rate.interval_ns, limit.tolerance_ns


class Metered:
    """See the module."""

    __slots__ = (
        "_begin_ns",
        "_budget",
        "_calendars",
        "_end_ns",
        "_most_output",
        "_most_spend",
        "_most_total",
        "_shown",
        "counts_tokens",
        "ends_streams",
        "limits",
        "spend_limit",
    )

    def __init__(self, limits: tuple[Limit, ...], table: Table, journal: Journal, fingerprints: Sequence[int]) -> None:
        self.limits = limits
        self._budget = Budget(table, journal, map(entry, limits, fingerprints))
        self._calendars: tuple[tuple[int, windows.Period, tzinfo], ...] = tuple(
            (index, limit.period, windows.zone(limit.zone))
            for index, limit in enumerate(limits)
            if limit.window == "calendar" and limit.period is not None
        )
        self._begin_ns = self._end_ns = 0
        self._shown = Shown(limits)
        self._most_output = self._most("output_tokens")
        self._most_total = self._most("tokens")
        self._most_spend = self._most("spend")
        self.spend_limit = next((limit for limit in limits if limit.kind == "spend"), None)
        self.ends_streams = any(limit.ends_streams for limit in self.limits)
        self.counts_tokens = any(
            limit.kind in ("tokens", "input_tokens", "output_tokens", "spend") for limit in self.limits
        )

    def _most(self, kind: Kind) -> int:
        return min((limit.capacity for limit in self.limits if limit.kind == kind), default=_MAX)

    def reserve(
        self, now_ns: int, input: int, output: int, body: int, tariff: Tariff | None, *, is_default: bool
    ) -> Held | Denied:
        """Holds tokens, their cost, the bytes of the body and one request. `is_default`: nobody asked for `output`."""
        input = min(input, _MAX)
        if is_default:
            output = min(output, self._most_output, max(self._most_total - input, 0))
            if tariff is not None:
                output = min(output, tariff.affordable_output(self._most_spend, input))
        output = min(output, _MAX)
        spend = min(tariff.cost(input, output), _MAX) if tariff is not None else 0
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
            amounts = (1, input, output, input + output, spend, body)
            return Denied(limit, 0, -1, asked=amounts[_COLUMNS[limit.kind]])
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
        self._close(now_ns, 1, min(input, _MAX), min(output, _MAX), self.body)

    def give_back(self, now_ns: int) -> None:
        """Releases everything: the request did not go out. A second call does nothing."""
        self._close(now_ns, 0, 0, 0, 0)

    def covers(self, now_ns: int, input: int, output: int) -> bool:
        """Whether so much may have been used by now: what is above the reservation is held on top, if there is room."""
        return self._metered.extend(self._number, now_ns, input, output, self._cost(input, output))

    def note(self, input: int, output: int) -> None:
        """What was used so far, to be charged if this process is killed before it settles."""
        self._metered.note(self._number, input, output, self._cost(input, output), self.body)

    def _cost(self, input: int, output: int) -> int:
        return min(self.tariff.cost(input, output), _MAX) if self.tariff is not None else 0

    def _close(self, now_ns: int, requests: int, input: int, output: int, body: int) -> None:
        if self._closed:
            return
        self._closed = True
        spend = self._cost(input, output)
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
