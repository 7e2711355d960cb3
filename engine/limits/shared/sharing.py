"""What turns the limits of one host into limits that hosts share: the one thing the limiter knows of this room."""

from __future__ import annotations

from collections.abc import Sequence

from engine._fast.bucket import Plan, Table, Template
from engine._fast.budget import Journal
from engine.limits.metered import Metered
from engine.limits.model import Limit
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.counters import Counter, quota, rate, slots
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.metered import SharedMetered


def check_shareable(limit: Limit) -> None:
    """ValueError for a limit whose numbers the store cannot keep."""
    try:
        counter_of(limit, b"")
    except ValueError as error:
        raise ValueError(f"limit {limit.name}: {error}") from None


def counter_of(limit: Limit, identity: bytes) -> Counter:
    """The counter of a limit; of a calendar's that of no window yet, which `SharedMetered` replaces."""
    if limit.window == "calendar":
        return quota(identity, limit.capacity, 0, 1)
    if limit.kind == "concurrent":
        return slots(identity, limit.capacity)
    return rate(identity, _interval_ns(limit), limit.tolerance_ns)


def _interval_ns(limit: Limit) -> int:
    assert limit.rate is not None
    return limit.rate.interval_ns


def _forgiving(limit: Limit) -> bool:
    return limit.when_store_fails == "open"


def _share_of(identity: bytes) -> bytes:
    """What the local share of a counter is counted for."""
    return b"local share:" + identity


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
        metered: SharedMetered | None = None,
    ) -> SharedBound:
        """The bound of one caller. `shown`: every limit on requests that the headers tell of, with what its counter is
        for; `limits`, those to take, are its last ones. `table` counts the local shares."""
        leases = tuple(self._keeper.lease(counter_of(limit, identity), _forgiving(limit)) for limit, identity in shown)
        first = len(shown) - len(limits)

        def local(index: int, hosts: int) -> Plan | None:
            limit, identity = shown[first + index]
            capacity = limit.capacity // hosts
            if capacity == 0:
                return None
            interval = _interval_ns(limit) * hosts
            return Plan(table, [(table.fingerprint(_share_of(identity)), interval, capacity * interval)])

        told = tuple(limit for limit, _ in shown)
        return SharedBound(limits, leases[first:], leases, templates, self._keeper, local, told, metered)

    def metered(
        self, table: Table, journal: Journal, limits: tuple[Limit, ...], identities: Sequence[bytes]
    ) -> SharedMetered:
        """The limits of one caller that are reserved, with what each counter is for. `table` and `journal` are for the
        local shares."""
        leases = [
            self._keeper.lease(counter_of(limit, identity), _forgiving(limit))
            for limit, identity in zip(limits, identities, strict=True)
        ]

        def local(indices: tuple[int, ...], hosts: int) -> Metered | None:
            mine = tuple(limits[index] for index in indices)
            if any(limit.capacity < hosts for limit in mine):
                return None
            names = [table.fingerprint(_share_of(identities[index])) for index in indices]
            return Metered(mine, table, journal, names, hosts)

        return SharedMetered(limits, identities, leases, self._keeper, local)
