"""Waiting for a phase that was put off (`engine.errors.Pending`), for doors and phases that are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from engine.errors import Pending

T = TypeVar("T")


async def decided(phases: Callable[[], T]) -> T:
    """What phases give, called again whenever one of them was put off. Raises what they raise, but no Pending."""
    while True:
        try:
            return phases()
        except Pending as pending:
            # Not awaited itself: who is cancelled here must not cancel it for the others that wait.
            await asyncio.wait((pending.ready,))
