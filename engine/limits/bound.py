"""The limits that bind one caller, resolved to counters: taken together, given back together, told together.

A `Bound` belongs to the caller, not to a request: the limiter hands the same one to all requests that the same limits
bind. It answers with values, not with exceptions, as a refusal is an ordinary outcome and has to be as cheap as an
admission. Time is an argument: nanoseconds of CLOCK_REALTIME (`time.time_ns()`), which all processes that share the
counters have in common and which goes on over a restart.

Failure mode: closed. A counter that the table has no room for refuses, with `unavailable` set: the caller did nothing
wrong, and the answer is 503, not 429.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine._fast.bucket import NO_ROOM, Plan, Template
from engine.limits.headers import anthropic_requests
from engine.limits.model import Limit
from engine.limits.rates import SECOND_NS

if TYPE_CHECKING:
    from engine.limits.metered import Metered


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a request was not admitted.

    limit          the limit that refused (of several the one with the longest wait), or that found no room
    retry_after_s  whole seconds, at least 1, after which the same request is admitted if nobody else takes
    wait_ns        the same in nanoseconds, exactly; 0 when unavailable or unknown (others must end first), -1: for ever
    unavailable    no limit was reached: the table of counters is full
    asked          what the request would use, where that is more than the limit ever allows (wait_ns is -1)
    """

    limit: Limit
    retry_after_s: int
    wait_ns: int
    unavailable: bool = False
    asked: int = 0


class Bound:
    """Limits with their counters. `take` charges `limits`; `headers` tells of `told`, which may be more of them.

    `metered` are the limits that are reserved beside them, None where there are none. `mode` is always None: it is
    how a shared limit was decided without its store.
    """

    __slots__ = ("_plan", "_shown", "_templates", "limits", "metered", "mode", "told")

    def __init__(
        self,
        limits: tuple[Limit, ...],
        plan: Plan,
        shown: Plan | None = None,
        templates: tuple[Template, ...] = (),
        told: tuple[Limit, ...] | None = None,
        metered: Metered | None = None,
    ) -> None:
        self.limits = limits
        self.mode: str | None = None
        self.told = limits if told is None else told
        self.metered = metered
        self._plan = plan
        self._shown = plan if shown is None else shown
        self._templates = templates

    def take(self, now_ns: int) -> Denied | None:
        """Charge one request to every limit, or to none. None: admitted.

        `now_ns` is read for this call, not kept from before something was waited for (see the kernel on stale times).
        """
        verdict = self._plan.take(now_ns)
        if verdict < 0 and verdict != NO_ROOM:
            return None
        if verdict == NO_ROOM:
            return Denied(self.limits[self._plan.refused], 1, 0, unavailable=True)
        wait_ns = self._plan.wait_ns
        return Denied(self.limits[verdict], max(1, -(-wait_ns // SECOND_NS)), wait_ns)

    def give_back(self, now_ns: int, *, taken_ns: int) -> None:
        """Undo one `take` that was admitted at `taken_ns`; once for each. What has drained since is not given back."""
        self._plan.give_back(now_ns, taken_ns=taken_ns)

    def headers(self, now_ns: int, dialect: str = "openai") -> bytes:
        """Header lines, each ending in CR LF, with the counters as they are now (see `engine.limits.headers`)."""
        lines = self._shown.render(now_ns, self._templates)
        if self.metered is not None:
            lines += self.metered.headers(now_ns, dialect)
        if dialect == "anthropic":
            plan = self._shown
            index = plan.tightest
            if index >= 0:
                lines += anthropic_requests(self.told[index], plan.remaining(index), plan.reset_ns(index), now_ns)
        return lines
