"""Waiting for a phase that was put off (`engine.errors.Pending`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from engine.errors import Pending

T = TypeVar("T")


async def decided(phase: Callable[[], T], pending: Pending | None = None) -> T:
    """What a phase gives, called again whenever it was put off. Raises what it raises, but no Pending.

    `pending`: that it was called already, and put off by this.
    """
    while True:
        if pending is not None:
            # Not awaited itself: who is cancelled here must not cancel it for the others that wait.
            await asyncio.wait((pending.ready,))
        try:
            return phase()
        except Pending as again:
            pending = again
