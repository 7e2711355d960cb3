"""Deadlines of connections, kept by one coarse sweep instead of a timer a request.

A timer a request costs more than a request's own HTTP parsing, and nearly all are canceled. So a connection only writes
down when it must be done, and one sweep of all connections every `TICK` seconds finds those that are late. A deadline
is therefore met up to one tick late, never early. `now` is the time of the last sweep: good enough to set deadlines by.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

# A tenth of a second of imprecision does not matter to time-outs of seconds; 10,000 connections are swept in ~1 ms.
TICK = 0.1


class Timed(Protocol):
    """Something that must be done by a time. `deadline` is in seconds of the loop's clock."""

    deadline: float

    def on_deadline(self, now: float) -> None:
        """Called on every sweep at which `deadline` has passed; must end the thing or move the deadline."""


class Sweeper:
    """All timed things of one worker."""

    __slots__ = ("_handle", "_loop", "items", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.items: set[Timed] = set()
        self.now = loop.time()
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._handle = self._loop.call_later(TICK, self._sweep)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _sweep(self) -> None:
        now = self.now = self._loop.time()
        self._handle = self._loop.call_later(TICK, self._sweep)
        for item in [item for item in self.items if item.deadline <= now]:
            try:
                item.on_deadline(now)
            except Exception:
                # One broken connection must not switch off the time-outs of all others.
                self.items.discard(item)
                log.exception("a deadline could not be kept")
