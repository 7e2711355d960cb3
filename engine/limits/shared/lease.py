"""One worker's permits of one counter: taken without a look at the network, told to the store in batches.

Rules. `spent` only grows, `held` is what may be taken until `end_ns`; both go to the store as they are, so a report
says the whole truth and not a difference. A permit that is told to be given back is given up before the call leaves.
What is known of the counter (`known`) is sent with every call, and heals a store that has lost it. A permit is one
request, token, byte or unit of spend. What is reserved is taken first (`take`), and spent when its use is known
(`release`); in between it is `busy`, which the store is told as kept. What would be charged if the process were killed
stands in `cells`, a row of the worker's journal: what was spent, and what was noted of what is busy.

Batches. Twice of what was taken in HORIZON lately and twice the size of the last request, asked for when half of that
is left: a call then has HORIZON to come back before a request has to wait. What a request waits for comes on top and is
first. Reservations that come back small, and a pace that falls, leave more than that in hand: what is above it, or
above half of an even share of what is left, is given back with the next call.

Times are ns of CLOCK_MONOTONIC, which no setting of a clock moves; only the store's answers are in its own time.
"""

from __future__ import annotations

import asyncio
from typing import Final

from engine.limits.shared.counters import Counter
from engine.limits.shared.journal import NOWHERE
from engine.limits.shared.scripts import Answer, Call

# How long a lease lives in the store. Above any delay that is not a failure; a dead worker's permits miss as long.
TTL_US: Final = 5_000_000
# What the owner stops before: a tenth, for clocks that run at different speeds.
LOCAL_TTL_NS: Final = TTL_US * 900
HORIZON_NS: Final = 250_000_000
# When nobody knows when permits come back, they do so within the time after which an idle lease ends.
IDLE_NS: Final = 1_500_000_000
# Who is refused is told when permits come back; the store is asked again before, as the limit may have been changed or
# what was used mended by hand.
_ASK_AGAIN_NS: Final = 1_000_000_000
# And sooner where a worker frees permits as soon as its requests end.
_SLOTS_NS: Final = 250_000_000
# Sweeps (half a second each) without a take, after which a lease is idle.
IDLE_SWEEPS: Final = 2


class Lease:
    """See the module. `held`, `end_ns` and `low` are for who takes; the rest is for the keeper."""

    __slots__ = (
        "__weakref__",
        "acknowledged",
        "answered_ns",
        "asked",
        "back_ns",
        "busy",
        "cells",
        "counter",
        "denied",
        "denied_until_ns",
        "end_ns",
        "forgiving",
        "free",
        "heard_us",
        "held",
        "idle",
        "known",
        "known_rest",
        "life",
        "low",
        "need",
        "noted",
        "owners",
        "pace",
        "ready",
        "sent",
        "sent_busy",
        "sent_ns",
        "spent",
        "swept",
        "unit",
        "unsure",
        "waiting",
    )

    def __init__(self, counter: Counter, forgiving: bool = False) -> None:
        self.counter = counter
        self.forgiving = forgiving
        self.held = self.busy = self.low = 0
        self.spent = self.sent = self.sent_busy = self.acknowledged = self.swept = 0
        self.end_ns = self.sent_ns = self.answered_ns = self.denied_until_ns = 0
        self.pace = 0.0
        self.unit = self.owners = 1
        self.free = counter.capacity
        self.known = self.known_rest = 0
        self.life = -1
        self.heard_us = self.back_ns = 0
        self.noted = 0
        self.cells = NOWHERE
        self.asked = self.unsure = False
        self.waiting = self.need = self.idle = 0
        self.denied = 1
        self.ready: asyncio.Future[None] | None = None

    def has(self, clock_ns: int, amount: int = 1) -> bool:
        """Whether so many permits are in hand."""
        return self.held >= amount and clock_ns < self.end_ns

    def spend(self) -> None:
        """Take one permit that is in hand, for good."""
        self.held -= 1
        self.spent += 1
        self.cells[1] = self.spent

    def take(self, amount: int) -> None:
        """Reserve permits that are in hand; they are busy until `release`."""
        self.held -= amount
        self.busy += amount
        self.unit = amount
        self.idle = 0

    def release(self, amount: int, used: int) -> None:
        """End a reservation of `amount`, of which `used` was used. More than that is a debt, paid first by what is in
        hand."""
        self.busy -= amount
        self.spent += used
        self.held += amount - min(used, amount + self.held)
        self.cells[1] = self.spent

    def note(self, more: int) -> None:
        """So much more (or less) of what is busy is taken for used if this process is killed now."""
        self.noted += more
        self.cells[2] = self.noted

    def is_tight(self) -> bool:
        """Whether others may wait for what comes back of a reservation: the store had too little left for two more like
        the last. Permits of one request each do not come back; passed to and fro they would serve nobody."""
        return self.free < 2 * self.unit and (self.unit > 1 or self.counter.knows == 0)

    def undo(self, clock_ns: int) -> None:
        """Give back one permit that was taken. One that the store has already been told of stays spent."""
        if self.spent > self.sent and clock_ns < self.end_ns:
            self.spent -= 1
            self.held += 1
            self.cells[1] = self.spent

    def wait_ns(self, clock_ns: int, amount: int) -> int:
        """After how long so many permits may be there, as far as the store said; 0: it has not said that they are not.

        They are there then if nobody else takes, and everybody has given back what lies idle.
        """
        lacking = amount - (self.held if clock_ns < self.end_ns else 0)
        if clock_ns >= self.denied_until_ns or lacking < self.denied:
            return 0
        wait = max(self.back_ns, self.denied_until_ns) - clock_ns + (lacking - self.denied) * self.counter.interval_ns
        return max(wait, IDLE_NS) if self.counter.knows == 0 else wait

    def remaining(self, clock_ns: int) -> int:
        """How many more are likely to be admitted: those in hand and, as the store said last, the free ones."""
        interval = self.counter.interval_ns
        drained = (clock_ns - self.answered_ns) // interval if interval and self.answered_ns else 0
        held = self.held if clock_ns < self.end_ns else 0
        return max(0, min(self.counter.capacity, self.free + held + drained))

    def call(
        self, store: str, seen: int, life: int, owner: str, number: int, clock_ns: int, *, give_up: bool = False
    ) -> Call:
        """The report that is due, with what is asked for. `seen`: answers of the bucket in its `life` (-1: none);
        `give_up`: nothing is kept and nothing asked."""
        if clock_ns >= self.end_ns:
            self.held = 0
        want = urgent = need = 0
        if give_up:
            self.held = 0
        else:
            ahead = self._ahead(clock_ns)
            if self.idle >= IDLE_SWEEPS:
                ahead = 0
            if self.is_tight():
                ahead = self._share(ahead)
            self.held = min(self.held, self.waiting + ahead)
            want = max(0, self.waiting + ahead - self.held)
            urgent = max(0, self.waiting - self.held)
            need = min(self.need, urgent)
        self.waiting = self.need = 0
        self.denied = max(1, need)
        self.sent, self.sent_busy, self.sent_ns = self.spent, self.busy, clock_ns
        self.unsure = True
        counter = self.counter
        return Call(
            counter.script,
            counter.sha,
            counter.keys,
            (
                store,
                seen,
                owner,
                number,
                TTL_US,
                self.spent,
                self.acknowledged,
                self.held + self.busy,
                self.denied,
                urgent,
                want,
                int(self.forgiving),
                life if life >= 0 else "",
                self.life if self.life >= 0 else "",
                self.heard_us,
                *counter.limits,
                *(self.known, self.known_rest)[: counter.knows],
            ),
        )

    def apply(self, answer: Answer, clock_ns: int) -> None:
        """What the store said to the last call, which was sent at `sent_ns`."""
        self.unsure = False
        self.acknowledged = self.sent
        self.held += answer.granted
        self.end_ns = self.sent_ns + LOCAL_TTL_NS
        stops = self.stops_us
        if stops:
            self.end_ns = min(self.end_ns, self.sent_ns + max(0, stops - answer.now) * 1000)
        self.free, self.answered_ns, self.owners = answer.free, clock_ns, max(answer.owners, 1)
        self.known, self.known_rest, self.life = answer.known, answer.known_rest, answer.life
        self.heard_us = answer.now
        if answer.wait == 0:
            self.denied_until_ns = self.back_ns = 0
        elif answer.wait > 0:
            self.back_ns = clock_ns + answer.wait * 1000
            self.denied_until_ns = min(self.back_ns, clock_ns + _ASK_AGAIN_NS)
        else:
            self.denied_until_ns = self.back_ns = clock_ns + (IDLE_NS if self.counter.knows else _SLOTS_NS)

    @property
    def stops_us(self) -> int:
        """When a calendar window ends, by the store's clock; 0 for other kinds."""
        limits = self.counter.limits
        return int(limits[2]) if len(limits) == 3 else 0

    def is_settled(self) -> bool:
        """Whether the store knows everything: nothing held, nothing unreported, no call whose fate is unknown."""
        return self.held == 0 and self.busy == 0 and self.spent == self.acknowledged and not self.unsure

    def is_idle(self) -> bool:
        """Whether nobody has taken for IDLE_SWEEPS, and the store is to be told so."""
        return self.idle >= IDLE_SWEEPS and (self.held > 0 or self.spent > self.acknowledged or self.unsure)

    def has_surplus(self, clock_ns: int) -> bool:
        """Whether there is more in hand than the next call will keep, by much."""
        pace: float = self.pace * 0.5 ** ((clock_ns - self.sent_ns) / HORIZON_NS)
        return self.held > 2 * (2 * pace + 2 * self.unit)

    def _share(self, ahead: int) -> int:
        """So many of `ahead` as are not above half of an even share of what is left."""
        return min(ahead, (self.free + self.held) // (2 * self.owners))

    def _ahead(self, clock_ns: int) -> int:
        """How many permits to have in hand, by the pace of the last calls; also sets when to ask again."""
        elapsed = clock_ns - self.sent_ns
        taken = self.spent + self.busy - self.sent - self.sent_busy
        self.pace = max(taken * HORIZON_NS / max(elapsed, HORIZON_NS), self.pace * 0.5 ** (elapsed / HORIZON_NS))
        ahead = int(2 * self.pace) + 2 * self.unit
        self.low = (ahead - self.unit) // 2
        return ahead
