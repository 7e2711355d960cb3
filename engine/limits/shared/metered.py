"""The limits of one caller that are reserved, by leases from the shared store: the seam of `engine.limits.metered`.

Tokens, spend, concurrent requests, bytes of body, and everything with a calendar window. A reservation takes its
amounts from the permits in hand, of all limits or of none, and is settled by what was used. Where permits are missing:
a limit of which the store said that it has no more refuses, with the time that the store gave; while the store fails,
the limit's declared mode decides; else the request waits for one answer of the store (`Pending`), which is asked for
what it lacks before anything else, and is decided then. So a request that is larger than what its worker has in hand,
or the first one of its caller, is not refused for it.

Rules
- A calendar window is the store's: which one it is, is reckoned by the store's clock. What is reserved in one window is
  charged to that one, also when it is settled in the next.
- What was used above its reservation is a debt: paid by what is in hand, the rest by the counter in the store.
- A stream that is to end where its limit does goes on while the store is asked whether there is more.

Without the store a request is counted as its limits declare (`engine.limits.shared`): by the local share it is reserved
and settled in this host's own table, by `open` it is not counted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine._fast import budget as kernel
from engine.errors import Pending
from engine.limits import windows
from engine.limits.bound import Denied
from engine.limits.headers import Shown, budget_lines
from engine.limits.rates import SECOND_NS
from engine.limits.shared.counters import quota
from engine.limits.shared.lease import Lease
from engine.limits.sizes import COLUMNS, MAX_AMOUNT, Amounts, Sizes, cost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from engine.limits.metered import Held, Metered
    from engine.limits.model import Limit
    from engine.limits.shared.keeper import Keeper
    from engine.limits.spend import Tariff

    # The local shares of the limits with these indices, among so many hosts; None where one of them is nothing.
    LocalShares = Callable[[tuple[int, ...], int], "Metered | None"]


_NOTHING: Amounts = (0, 0, 0, 0, 0, 0)


class SharedMetered:
    """`identities` and `leases` belong to `limits` by index; each calendar window has a lease of its own."""

    __slots__ = (
        "_begin_ns",
        "_calendars",
        "_columns",
        "_end_ns",
        "_hosts",
        "_identities",
        "_keeper",
        "_leases",
        "_local",
        "_shares",
        "_shown",
        "_sizes",
        "counts_tokens",
        "ends_streams",
        "limits",
        "mode",
        "spend_limit",
    )

    def __init__(
        self,
        limits: tuple[Limit, ...],
        identities: Sequence[bytes],
        leases: Sequence[Lease],
        keeper: Keeper,
        local: LocalShares,
    ) -> None:
        sizes = Sizes(limits)
        self.limits = limits
        self.counts_tokens = sizes.counts_tokens
        self.ends_streams = sizes.ends_streams
        self.spend_limit = sizes.spend_limit
        # How the last reservation was decided where that was not by the store (see SharedBound).
        self.mode: str | None = None
        self._sizes = sizes
        self._identities = tuple(identities)
        self._leases = list(leases)
        self._columns = tuple(COLUMNS[limit.kind] for limit in limits)
        self._keeper = keeper
        self._local = local
        self._shares: dict[tuple[int, ...], Metered | None] = {}
        self._hosts = 0
        self._shown = Shown(limits)
        self._calendars: tuple[tuple[int, windows.Period, tzinfo], ...] = tuple(
            (index, limit.period, windows.zone(limit.zone))
            for index, limit in enumerate(limits)
            if limit.window == "calendar" and limit.period is not None
        )
        self._begin_ns = self._end_ns = 0
        self.turn(time.time_ns())

    def reserve(
        self, now_ns: int, input: int, output: int, body: int, tariff: Tariff | None, *, is_default: bool
    ) -> SharedHeld | Denied:
        """As `Metered.reserve`. Raises Pending: nothing is held, call again when it is ready."""
        amounts = self._sizes.hold(input, output, body, tariff, is_default=is_default)
        return self._reserve(now_ns, amounts, tariff, is_default)

    def _reserve(self, now_ns: int, amounts: Amounts, tariff: Tariff | None, is_default: bool) -> SharedHeld | Denied:
        if self._calendars:
            self.turn(now_ns)
        clock = time.monotonic_ns()
        columns = self._columns
        for index in range(len(columns)):
            lease = self._leases[index]
            amount = amounts[columns[index]]
            if amount > 0 and (lease.held < amount or clock >= lease.end_ns):
                return self._without(now_ns, clock, amounts, tariff, is_default)
        self.mode = None
        return self._take(clock, amounts, (), tariff, None)

    def turn(self, now_ns: int) -> None:
        """Puts the windows of the calendar in force that the store is in at `now_ns` of this host."""
        now_ns += self._keeper.ahead_ns
        if not self._calendars or self._begin_ns <= now_ns < self._end_ns:
            return
        begin_ns, end_ns = 0, kernel.MAX_NOW_NS
        for index, period, zone in self._calendars:
            limit = self.limits[index]
            start, end = windows.window(period, zone, now_ns)
            counter = quota(self._identities[index], limit.capacity, start // 1000, end // 1000)
            self._leases[index] = self._keeper.lease(counter, limit.when_store_fails == "open")
            begin_ns, end_ns = max(begin_ns, start), min(end_ns, end)
        self._begin_ns, self._end_ns = begin_ns, end_ns

    def headers(self, now_ns: int, dialect: str) -> bytes:
        """Header lines (see `engine.limits.headers`)."""
        return budget_lines(self._shown, self, now_ns, dialect)

    def state(self, index: int, now_ns: int) -> tuple[int, int, int, int]:
        """(used, held, left, ns until all is there again) of a limit, in its units, as this worker last heard."""
        self.turn(now_ns)
        lease = self._leases[index]
        left = lease.remaining(time.monotonic_ns())
        used = lease.counter.capacity - left
        reset = used * lease.counter.interval_ns
        if lease.stops_us:
            reset = max(0, lease.stops_us * 1000 - now_ns - self._keeper.ahead_ns)
        return used, lease.busy, left, reset

    def _take(
        self, clock_ns: int, amounts: Amounts, without: Sequence[int], tariff: Tariff | None, local: Held | None
    ) -> SharedHeld:
        """Reserve of all leases but those `without`, which have it in hand."""
        taken = []
        for index in range(len(self._columns)):
            lease = self._leases[index]
            amount = amounts[self._columns[index]]
            if amount == 0 or index in without:
                # Also of a limit that holds nothing now, what is used is charged when it is known.
                taken.append(-1 if index in without else 0)
                continue
            lease.take(amount)
            taken.append(amount)
            if lease.held <= lease.low and not lease.asked and lease.denied_until_ns <= clock_ns:
                self._keeper.ask(lease)
        return SharedHeld(self, list(self._leases), taken, amounts, tariff, local)

    def _without(
        self, now_ns: int, clock_ns: int, amounts: Amounts, tariff: Tariff | None, is_default: bool
    ) -> SharedHeld | Denied:
        """Decide a request that permits are missing for. Raises Pending."""
        wanted = [amounts[column] for column in self._columns]
        for limit, amount in zip(self.limits, wanted, strict=True):
            if amount > limit.capacity:
                return Denied(limit, 0, -1, asked=amount)
        missing = [
            index
            for index, lease in enumerate(self._leases)
            if wanted[index] and not lease.has(clock_ns, wanted[index])
        ]
        waits = [self._leases[index].wait_ns(clock_ns, wanted[index]) for index in missing]
        longest = max(waits)
        if longest > 0:
            limit = self.limits[missing[waits.index(longest)]]
            return Denied(limit, max(1, -(-longest // SECOND_NS)), longest)
        if self._keeper.failing:
            return self._by_mode(now_ns, clock_ns, amounts, tariff, is_default, missing)
        futures = [self._keeper.wait(self._leases[index], wanted[index]) for index in missing]
        raise Pending(futures[0])

    def _by_mode(
        self,
        now_ns: int,
        clock_ns: int,
        amounts: Amounts,
        tariff: Tariff | None,
        is_default: bool,
        missing: Sequence[int],
    ) -> SharedHeld | Denied:
        """Decide by what the limits without permits declare; those with some are charged as always."""
        keeper = self._keeper
        for index in missing:
            if self.limits[index].when_store_fails == "closed":
                keeper.fell_back("closed")
                return Denied(self.limits[index], 1, 0, unavailable=True)
        by_share = tuple(index for index in missing if self.limits[index].when_store_fails == "local_share")
        local = None
        mode = "local_share" if by_share else "open"
        if by_share:
            keeper.fell_back("local_share")
            shares = self._share(by_share)
            if shares is None:
                return Denied(self.limits[by_share[0]], 1, 0, unavailable=True)
            found = shares.reserve(now_ns, amounts[1], amounts[2], amounts[5], tariff, is_default=is_default)
            if isinstance(found, Denied):
                # More than the share ever holds may be within the limit: the store would know.
                return Denied(found.limit, 1, 0, unavailable=True) if found.wait_ns < 0 else found
            local = found
        if len(by_share) < len(missing):
            mode = "open"
            keeper.fell_back("open")
        self.mode = mode
        return self._take(clock_ns, amounts, missing, tariff, local)

    def _share(self, indices: tuple[int, ...]) -> Metered | None:
        if self._hosts != self._keeper.hosts:
            self._hosts = self._keeper.hosts
            self._shares.clear()
        if indices not in self._shares:
            self._shares[indices] = self._local(indices, self._hosts)
        return self._shares[indices]

    def extend(self, leases: Sequence[Lease], taken: list[int], amounts: Amounts) -> bool:
        """Whether a reservation could be raised to these amounts, held them already, or may go on until the store has
        answered."""
        clock = time.monotonic_ns()
        goes_on = True
        for index, lease in enumerate(leases):
            more = amounts[self._columns[index]] - taken[index]
            if taken[index] < 0 or more <= 0:
                continue
            if lease.has(clock, more):
                lease.take(more)
                taken[index] += more
            elif lease.wait_ns(clock, more) > 0:
                goes_on = False
            elif not self._keeper.failing:
                if not lease.asked:
                    self._keeper.wait(lease, more)
            elif self.limits[index].when_store_fails == "closed":
                goes_on = False
        return goes_on

    def note(self, leases: Sequence[Lease], taken: Sequence[int], before: Amounts, used: Amounts) -> None:
        """Writes down what would be charged of an open reservation; `before` is what was written."""
        for index in range(len(self._columns)):
            column = self._columns[index]
            more = used[column] - before[column]
            if more and taken[index] >= 0 and self.limits[index].kind != "concurrent":
                lease = leases[index]
                lease.note(more)

    def release(self, leases: Sequence[Lease], taken: Sequence[int], used: Amounts) -> None:
        """Charges what was used and gives back what was taken; -1: nothing was, and nothing is charged."""
        for index in range(len(self._columns)):
            amount = taken[index]
            if amount < 0:
                continue
            lease = leases[index]
            # A slot is never used up.
            spent = 0 if self.limits[index].kind == "concurrent" else used[self._columns[index]]
            if amount == 0 and spent == 0:
                continue
            lease.release(amount, spent)
            if not lease.asked and lease.is_tight():
                self._keeper.ask(lease)


class SharedHeld:
    """What is held for one request; as `engine.limits.metered.Held`."""

    __slots__ = (
        "_closed",
        "_leases",
        "_local",
        "_metered",
        "_noted",
        "_taken",
        "body",
        "counts_tokens",
        "ends_streams",
        "input",
        "output",
        "tariff",
    )

    def __init__(
        self,
        metered: SharedMetered,
        leases: list[Lease],
        taken: list[int],
        amounts: Amounts,
        tariff: Tariff | None,
        local: Held | None,
    ) -> None:
        self.counts_tokens = metered.counts_tokens
        self.ends_streams = metered.ends_streams
        self.input = amounts[1]
        self.output = amounts[2]
        self.body = amounts[5]
        self.tariff = tariff
        self._closed = False
        self._leases = leases
        self._local = local
        self._metered = metered
        self._noted = _NOTHING
        self._taken = taken

    def settle(self, now_ns: int, input: int, output: int) -> None:
        """Charges what was used and releases the rest. A second call does nothing."""
        if self._close():
            self._metered.release(self._leases, self._taken, self._amounts(input, output))
            self._metered.note(self._leases, self._taken, self._noted, _NOTHING)
            if self._local is not None:
                self._local.settle(now_ns, input, output)

    def give_back(self, now_ns: int) -> None:
        """Releases everything: the request did not go out. A second call does nothing."""
        if self._close():
            self._metered.release(self._leases, self._taken, _NOTHING)
            self._metered.note(self._leases, self._taken, self._noted, _NOTHING)
            if self._local is not None:
                self._local.give_back(now_ns)

    def covers(self, now_ns: int, input: int, output: int) -> bool:
        """Whether so much may have been used by now (see SharedMetered.extend)."""
        goes_on = self._metered.extend(self._leases, self._taken, self._amounts(input, output))
        return (self._local is None or self._local.covers(now_ns, input, output)) and goes_on

    def note(self, input: int, output: int) -> None:
        """What was used so far, to be charged if this process is killed before it settles."""
        before, self._noted = self._noted, self._amounts(input, output)
        self._metered.note(self._leases, self._taken, before, self._noted)
        if self._local is not None:
            self._local.note(input, output)

    def _amounts(self, input: int, output: int) -> Amounts:
        input, output = min(input, MAX_AMOUNT), min(output, MAX_AMOUNT)
        return 1, input, output, min(input + output, MAX_AMOUNT), cost(self.tariff, input, output), self.body

    def _close(self) -> bool:
        closed, self._closed = self._closed, True
        return not closed
