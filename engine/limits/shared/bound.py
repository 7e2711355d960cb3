"""The limits that bind one caller, by leases from the shared store: the same seam as `engine.limits.bound.Bound`.

A request is admitted by permits in hand, all or none. Where one has none: a limit that the store said is exhausted
refuses; while the store fails, the limit's declared mode decides; else the request waits for one answer of the store
(`Pending`), and is decided then.

`mode` says how the last `take` was decided where that was not by the store: "local_share" or "open" (the weakest of the
limits' modes), else None. The record of the request has it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine._fast.bucket import Plan, Template
from engine.errors import Pending
from engine.limits.bound import Denied
from engine.limits.headers import anthropic_requests, duration
from engine.limits.rates import SECOND_NS
from engine.limits.shared.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.limits.model import Limit
    from engine.limits.shared.keeper import Keeper
    from engine.limits.shared.metered import SharedMetered

    # The plan of a limit's local share among so many hosts; None where the share is below one permit.
    LocalShare = Callable[[int, int], "Plan | None"]


class SharedBound:
    """`leases` belong to `limits` by index, `shown` and `templates` to `told` (see Bound); `local` gives the plan of
    limit i among n hosts. `metered` are the limits that are reserved beside them."""

    __slots__ = (
        "_hosts",
        "_keeper",
        "_leases",
        "_local",
        "_plans",
        "_shown",
        "_templates",
        "limits",
        "metered",
        "mode",
        "told",
    )

    def __init__(
        self,
        limits: tuple[Limit, ...],
        leases: tuple[Lease, ...],
        shown: tuple[Lease, ...],
        templates: tuple[Template, ...],
        keeper: Keeper,
        local: LocalShare,
        told: tuple[Limit, ...],
        metered: SharedMetered | None = None,
    ) -> None:
        self.limits = limits
        self.told = told
        self.metered = metered
        self.mode: str | None = None
        self._leases = leases
        self._shown = shown
        self._templates = templates
        self._keeper = keeper
        self._local = local
        self._plans: dict[int, Plan | None] = {}
        self._hosts = 0

    def take(self, now_ns: int) -> Denied | None:
        """Charge one request to every limit, or to none. None: admitted. Raises Pending: call again when it is ready.

        `now_ns`: CLOCK_REALTIME; only the local share counts by it.
        """
        clock = time.monotonic_ns()
        for lease in self._leases:
            if lease.held < 1 or clock >= lease.end_ns:
                return self._without(now_ns, clock)
        self._spend(clock)
        self.mode = None
        return None

    def give_back(self, now_ns: int, *, taken_ns: int) -> None:
        """Undo one `take` that was admitted at `taken_ns`; once for each. What the store has been told of is not given
        back, nor what may have been admitted without it."""
        if taken_ns <= self._keeper.sound_since_ns:
            return
        clock = time.monotonic_ns()
        for lease in self._leases:
            lease.undo(clock)

    def headers(self, now_ns: int, dialect: str = "openai") -> bytes:
        """Header lines as `engine.limits.headers` has them; without what other hosts took since the last call."""
        lines = self._requests(now_ns, dialect)
        if self.metered is not None:
            lines += self.metered.headers(now_ns, dialect)
        return lines

    def _requests(self, now_ns: int, dialect: str) -> bytes:
        clock = time.monotonic_ns()
        tightest, fewest, longest = -1, 0, 0
        for index, lease in enumerate(self._shown):
            remaining = lease.remaining(clock)
            reset = (lease.counter.capacity - remaining) * lease.counter.interval_ns
            if tightest < 0 or remaining < fewest or (remaining == fewest and reset > longest):
                tightest, fewest, longest = index, remaining, reset
        if tightest < 0:
            return b""
        first, span, item, seconds, last = self._templates[tightest].pieces
        lines = b"%b%d%b%b%b%d%b%d%b" % (
            first, fewest, span, duration(longest).encode(), item, fewest, seconds, -(-longest // SECOND_NS), last
        )  # fmt: skip
        if dialect == "anthropic":
            lines += anthropic_requests(self.told[tightest], fewest, longest, now_ns)
        return lines

    def _spend(self, clock_ns: int) -> None:
        for lease in self._leases:
            lease.spend()
            if lease.held <= lease.low and not lease.asked and lease.denied_until_ns <= clock_ns:
                self._keeper.ask(lease)

    def _without(self, now_ns: int, clock_ns: int) -> Denied | None:
        """Decide a request that a permit is missing for. Raises Pending."""
        missing = [index for index, lease in enumerate(self._leases) if not lease.has(clock_ns)]
        denied, longest = -1, 0
        for index in missing:
            wait = self._leases[index].wait_ns(clock_ns, 1)
            if wait > longest:
                denied, longest = index, wait
        if denied >= 0:
            return Denied(self.limits[denied], max(1, -(-longest // SECOND_NS)), longest)
        if self._keeper.failing:
            return self._by_mode(missing, now_ns, clock_ns)
        futures = [self._keeper.wait(self._leases[index]) for index in missing]
        raise Pending(futures[0])

    def _by_mode(self, missing: Sequence[int], now_ns: int, clock_ns: int) -> Denied | None:
        """Decide by what the limits without a permit declare; those with one are charged as always."""
        keeper = self._keeper
        for index in missing:
            if self.limits[index].when_store_fails == "closed":
                keeper.fell_back("closed")
                return Denied(self.limits[index], 1, 0, unavailable=True)
        taken: list[Plan] = []
        mode = "local_share"
        for index in missing:
            limit = self.limits[index]
            if limit.when_store_fails == "open":
                mode = "open"
                keeper.fell_back("open")
                continue
            plan = self._share(index)
            verdict = plan.take(now_ns) if plan is not None else 0
            keeper.fell_back("local_share")
            if plan is not None and verdict == -1:
                taken.append(plan)
                continue
            for other in taken:
                other.give_back(now_ns, taken_ns=now_ns)
            if plan is None or verdict < 0:
                return Denied(limit, 1, 0, unavailable=True)
            wait_ns = plan.wait_ns
            return Denied(limit, max(1, -(-wait_ns // SECOND_NS)), wait_ns)
        for index, lease in enumerate(self._leases):
            if index not in missing:
                lease.spend()
        self.mode = mode
        return None

    def _share(self, index: int) -> Plan | None:
        if self._hosts != self._keeper.hosts:
            self._hosts = self._keeper.hosts
            self._plans.clear()
        if index not in self._plans:
            self._plans[index] = self._local(index, self._hosts)
        return self._plans[index]
