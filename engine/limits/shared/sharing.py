"""What turns the limits of one host into limits that hosts share: the one thing the limiter knows of this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine._fast.bucket import Plan, Table, Template
from engine.limits.model import Limit
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.counters import rate
from engine.limits.shared.keeper import Keeper

if TYPE_CHECKING:
    from engine.limits.metered import Metered


def check_shareable(limit: Limit) -> None:
    """ValueError for a limit on requests whose numbers the store cannot keep. What is reserved is no matter of it."""
    if limit.is_reserved:
        return
    try:
        rate(b"", _interval_ns(limit), limit.tolerance_ns)
    except ValueError as error:
        raise ValueError(f"limit {limit.name}: {error}") from None


def _interval_ns(limit: Limit) -> int:
    assert limit.rate is not None
    return limit.rate.interval_ns


class Sharing:
    """Makes bounds whose permits come from the store that `keeper` keeps."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def bound(
        self,
        table: Table,
        limits: tuple[Limit, ...],
        shown: Sequence[tuple[Limit, bytes]],
        templates: tuple[Template, ...],
        metered: Metered | None = None,
    ) -> SharedBound:
        """The bound of one caller. `shown`: every limit on requests that the headers tell of, with what its counter is
        for; `limits`, those to take, are its last ones. `table` counts the local shares; `metered` are not shared."""
        leases = tuple(
            self._keeper.lease(
                rate(identity, _interval_ns(limit), limit.tolerance_ns), limit.when_store_fails == "open"
            )
            for limit, identity in shown
        )
        first = len(shown) - len(limits)

        def local(index: int, hosts: int) -> Plan | None:
            limit, identity = shown[first + index]
            capacity = limit.capacity // hosts
            if capacity == 0:
                return None
            interval = _interval_ns(limit) * hosts
            return Plan(table, [(table.fingerprint(b"local share:" + identity), interval, capacity * interval)])

        told = tuple(limit for limit, _ in shown)
        return SharedBound(limits, leases[first:], leases, templates, self._keeper, local, told, metered)
