"""One worker's permits of one counter: taken without a look at the network, told to the store in batches.

Rules. `spent` only grows, `held` is what may be taken until `end_ns`; both go to the store as they are, so a report
says the whole truth and not a difference. A permit that is told to be given back is given up before the call leaves.
What is known of the counter (`known`) is sent with every call, and heals a store that has lost it.

Batches. Twice of what was spent in HORIZON lately, asked for when half of that is left: a call then has HORIZON to come
back before a request has to wait. What a request waits for comes on top and is first.

Times are ns of CLOCK_MONOTONIC, which no setting of a clock moves; only the store's answers are in its own time.
"""

from __future__ import annotations

import asyncio
from typing import Final

from engine.limits.shared.counters import Counter
from engine.limits.shared.scripts import Answer, Call

# How long a lease lives in the store. Above any delay that is not a failure; a dead worker's permits miss as long.
TTL_US: Final = 5_000_000
# What the owner stops before: a tenth, for clocks that run at different speeds.
LOCAL_TTL_NS: Final = TTL_US * 900
HORIZON_NS: Final = 250_000_000
# When nobody knows when permits come back, they do so within the time after which an idle lease ends.
IDLE_NS: Final = 1_500_000_000
# Sweeps (half a second each) without a take, after which a lease is idle.
IDLE_SWEEPS: Final = 2


class Lease:
    """See the module. `held`, `end_ns` and `low` are for who takes; the rest is for the keeper."""

    __slots__ = (
        "__weakref__",
        "acknowledged",
        "answered_ns",
        "asked",
        "busy",
        "counter",
        "denied_until_ns",
        "end_ns",
        "forgiving",
        "free",
        "held",
        "idle",
        "known",
        "known_rest",
        "low",
        "pace",
        "ready",
        "sent",
        "sent_ns",
        "spent",
        "swept",
        "unsure",
        "waiting",
    )

    def __init__(self, counter: Counter, forgiving: bool = False) -> None:
        self.counter = counter
        self.forgiving = forgiving
        self.held = self.busy = self.low = 0
        self.spent = self.sent = self.acknowledged = self.swept = 0
        self.end_ns = self.sent_ns = self.answered_ns = self.denied_until_ns = 0
        self.pace = 0.0
        self.free = counter.capacity
        self.known = self.known_rest = 0
        self.asked = self.unsure = False
        self.waiting = self.idle = 0
        self.ready: asyncio.Future[None] | None = None

    def has(self, clock_ns: int) -> bool:
        """Whether a permit is in hand."""
        return self.held > 0 and clock_ns < self.end_ns

    def occupy(self, clock_ns: int) -> bool:
        """Take a slot of a limit on requests at the same time; it is busy until `vacate`. False: none in hand."""
        if not self.has(clock_ns):
            return False
        self.held -= 1
        self.busy += 1
        self.idle = 0
        return True

    def vacate(self) -> None:
        """The request that had a slot has ended."""
        self.busy -= 1
        self.held += 1

    def undo(self, clock_ns: int) -> None:
        """Give back one permit that was taken. One that the store has already been told of stays spent."""
        if self.spent > self.sent and clock_ns < self.end_ns:
            self.spent -= 1
            self.held += 1

    def remaining(self, clock_ns: int) -> int:
        """How many more are likely to be admitted: those in hand and, as the store said last, the free ones."""
        interval = self.counter.interval_ns
        drained = (clock_ns - self.answered_ns) // interval if interval and self.answered_ns else 0
        held = self.held if clock_ns < self.end_ns else 0
        return max(0, min(self.counter.capacity, self.free + held + drained))

    def call(self, store: str, seen: int, owner: str, number: int, clock_ns: int, *, give_up: bool = False) -> Call:
        """The report that is due, with what is asked for. `give_up`: nothing is kept and nothing asked."""
        if clock_ns >= self.end_ns:
            self.held = 0
        want = 0
        if give_up:
            self.held = 0
        else:
            ahead = self._ahead(clock_ns)
            want = max(0, self.waiting + (0 if self.idle >= IDLE_SWEEPS else ahead) - self.held)
        urgent, self.waiting = self.waiting, 0
        self.sent, self.sent_ns = self.spent, clock_ns
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
                1,
                urgent,
                want,
                int(self.forgiving),
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
        self.free, self.answered_ns = answer.free, clock_ns
        self.known, self.known_rest = answer.known, answer.known_rest
        if answer.wait > 0:
            self.denied_until_ns = clock_ns + answer.wait * 1000
        elif answer.wait < 0:
            self.denied_until_ns = clock_ns + IDLE_NS
        else:
            self.denied_until_ns = 0

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

    def _ahead(self, clock_ns: int) -> int:
        """How many permits to have in hand, by the pace of the last calls; also sets when to ask again."""
        elapsed = max(clock_ns - self.sent_ns, HORIZON_NS)
        self.pace = max((self.spent - self.sent) * HORIZON_NS / elapsed, self.pace / 2)
        ahead = int(2 * self.pace) + 2
        self.low = (ahead - 1) // 2
        return ahead
