"""Which limits bind a request, and the counters they stand for.

Three moments, each a look-up that gives a `Bound` to take:

    early            known as soon as the caller is: every limit without a `models` filter
    late             known with the model and body: limits with a `models` filter, those by model, and all that are
                     reserved (tokens, spend, concurrent, bytes, calendar windows: `engine.limits.metered`)
    unauthenticated  credentials that failed: limits by address and global ones that no role filters

Rules
- A limit with `roles` binds a caller that has any of them.
- A caller without a team has no team limits. A caller without a key (a token, the anonymous role) is counted by `key`
  limits as a key of its own, by its user.
- An IPv4 address inside IPv6 (::ffff:a.b.c.d) is the IPv4 address. IPv6 addresses count by the limit's prefix.
- `late` charges only its own limits, but its headers tell of all that bind the request: one set of headers is enough.

Bounds are kept by caller, up to CACHE_ENTRIES of each moment, and made again for who comes back after that; the
counters are in the table and lose nothing by it.
"""

from __future__ import annotations

import fnmatch
import mmap
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from engine._fast.bucket import MAX_ENTRIES, Plan, Table, Template
from engine._fast.budget import HEADER_BYTES, MAX_HOLDS, ROW_BYTES, Journal
from engine.limits.bound import Bound, Denied
from engine.limits.cache import GenerationCache
from engine.limits.headers import templates
from engine.limits.metered import Metered
from engine.limits.model import Limit
from engine.limits.scopes import Caller, identity
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.metered import SharedMetered
from engine.limits.shared.sharing import Sharing

__all__ = ["CACHE_ENTRIES", "MAX_CACHED_MODEL", "Bound", "Denied", "Limiter"]

# About 1 KB a caller: 32 MB when somebody comes from that many addresses.
CACHE_ENTRIES = 32_768
# A model's name comes from the request. Longer ones are counted, but not remembered.
MAX_CACHED_MODEL = 256
# Rows of the journal of a limiter that is given none: enough to check a policy, or to try it in one process.
_OWN_ROWS = 1024


class Limiter:
    """The limits of one policy over one table. Not shared between threads; any number of processes share the table."""

    def __init__(
        self, table: Table, limits: Sequence[Limit], journal: Journal | None = None, sharing: Sharing | None = None
    ) -> None:
        """`journal` is where open reservations are kept; without one they do not outlive this process. With `sharing`
        the limits are kept together with other hosts; `table` and `journal` are for the time without their store.

        ValueError for two limits of one name, more than `MAX_ENTRIES` limits, or more than `MAX_HOLDS` that are
        reserved.
        """
        if len(limits) > MAX_ENTRIES:
            raise ValueError(f"{len(limits)} limits; at most {MAX_ENTRIES}")
        repeated = [name for name, count in Counter(limit.name for limit in limits).items() if count > 1]
        if repeated:
            raise ValueError(f"limits of one name share their counters; used twice: {', '.join(repeated)}")
        self.limits = tuple(limits)
        self._table = table
        self._sharing = sharing
        self._reserved = tuple(limit for limit in limits if limit.is_reserved)
        if len(self._reserved) > MAX_HOLDS:
            raise ValueError(f"{len(self._reserved)} limits that are reserved; at most {MAX_HOLDS}")
        if journal is None and self._reserved:
            journal = Journal(mmap.mmap(-1, HEADER_BYTES + _OWN_ROWS * ROW_BYTES))
        self._journal = journal
        self._late = tuple(limit for limit in limits if limit.needs_model and not limit.is_reserved)
        self._early = tuple(limit for limit in limits if not limit.needs_model and not limit.is_reserved)
        self._first = tuple(
            limit for limit in self._early if limit.scopes in (("ip",), ("global",)) and limit.roles is None
        )
        self._globs = {limit.name: _matcher(limit.models) for limit in limits if limit.models is not None}
        # What no limit counts by does not tell callers apart: with it in the key they would crowd each other out.
        scopes = {scope for limit in limits for scope in limit.scopes}
        self._by_ip = "ip" in scopes
        self._by_route = "route" in scopes
        self._early_bounds: GenerationCache[tuple[object, ...], Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._late_bounds: GenerationCache[tuple[object, ...], Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._first_bounds: GenerationCache[bytes, Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._templates: GenerationCache[tuple[Limit, ...], tuple[Template, ...]] = GenerationCache(1024)
        self._nothing = Bound((), Plan(table, ()))

    def early(
        self, key_id: str, user: str, team: str | None, roles: tuple[str, ...], ip: bytes, route: str = ""
    ) -> Bound | SharedBound | None:
        """The limits that bind this caller whatever the model; None where there are none.

        `key_id` is empty for a caller without a key. `ip`: packed address, 4 or 16 bytes; ValueError otherwise.
        `route`: the endpoint's or route's name, for limits by route.
        """
        if not self._early:
            return None
        key = (key_id, user, team, roles, ip if self._by_ip else b"", route if self._by_route else "")
        bound = self._early_bounds.get(key)
        if bound is None:
            bound = self._bind_early(Caller(key_id, user, team, ip, route, None), roles)
            self._early_bounds.put(key, bound)
        return bound if bound.limits else None

    def late(
        self,
        key_id: str,
        user: str,
        team: str | None,
        roles: tuple[str, ...],
        ip: bytes,
        model: str | None,
        route: str = "",
    ) -> Bound | SharedBound | None:
        """The limits that bind this request beside the early ones; None where there are none. Arguments as `early`.

        `model` is None for a request that names none.
        """
        if not self._late and not self._reserved:
            return None
        key = (key_id, user, team, roles, ip if self._by_ip else b"", route if self._by_route else "", model)
        bound = self._late_bounds.get(key)
        if bound is None:
            bound = self._bind_late(Caller(key_id, user, team, ip, route, model), roles)
            if model is None or len(model) <= MAX_CACHED_MODEL:
                self._late_bounds.put(key, bound)
        return bound if bound is not self._nothing else None

    def unauthenticated(self, ip: bytes) -> Bound | SharedBound | None:
        """The limits that bind somebody nobody knows; None where there are none. `ip` as in `early`."""
        if not self._first:
            return None
        bound = self._first_bounds.get(ip)
        if bound is None:
            caller = Caller("", "", None, ip, "", None)
            bound = self._bound(self._first, caller)
            self._first_bounds.put(ip, bound)
        return bound

    def _bind_early(self, caller: Caller, roles: tuple[str, ...]) -> Bound | SharedBound:
        limits = _applying(self._early, caller, roles)
        return self._bound(limits, caller) if limits else self._nothing

    def _bind_late(self, caller: Caller, roles: tuple[str, ...]) -> Bound | SharedBound:
        limits, reserved = (
            tuple(
                limit
                for limit in _applying(which, caller, roles)
                if not limit.needs_model
                or (caller.model is not None and (limit.models is None or self._globs[limit.name](caller.model)))
            )
            for which in (self._late, self._reserved)
        )
        if not limits and not reserved:
            return self._nothing
        metered: Metered | SharedMetered | None = None
        if reserved:
            assert self._journal is not None
            names = [identity(each, caller) for each in reserved]
            if self._sharing is not None:
                metered = self._sharing.metered(self._table, self._journal, reserved, names)
            else:
                metered = Metered(reserved, self._table, self._journal, list(map(self._table.fingerprint, names)))
        shown = _applying(self._early, caller, roles) + limits
        return self._bound(limits, caller, shown, metered)

    def _bound(
        self,
        limits: tuple[Limit, ...],
        caller: Caller,
        shown: tuple[Limit, ...] | None = None,
        metered: Metered | SharedMetered | None = None,
    ) -> Bound | SharedBound:
        told = limits if shown is None else shown
        lines = self._templates.get(told)
        if lines is None:
            lines = templates(told)
            self._templates.put(told, lines)
        if self._sharing is not None:
            assert not isinstance(metered, Metered)
            rows = [(limit, identity(limit, caller)) for limit in told]
            return self._sharing.bound(self._table, limits, rows, lines, metered)
        shown_plan = None if shown is None else self._plan(shown, caller)
        assert not isinstance(metered, SharedMetered)
        return Bound(limits, self._plan(limits, caller), shown_plan, lines, told, metered)

    def _plan(self, limits: tuple[Limit, ...], caller: Caller) -> Plan:
        return Plan(
            self._table,
            [
                (self._fingerprint(limit, caller), limit.rate.interval_ns, limit.tolerance_ns)
                for limit in limits
                if limit.rate is not None
            ],
        )

    def _fingerprint(self, limit: Limit, caller: Caller) -> int:
        return self._table.fingerprint(identity(limit, caller))


def _applying(limits: Iterable[Limit], caller: Caller, roles: tuple[str, ...]) -> tuple[Limit, ...]:
    return tuple(
        limit
        for limit in limits
        if (limit.roles is None or not limit.roles.isdisjoint(roles))
        and ("team" not in limit.scopes or caller.team is not None)
    )


def _matcher(globs: Iterable[str]) -> Callable[[str], object]:
    # fnmatch's expressions do not backtrack over what a `*` has matched, so a long name costs linear time. Its
    # character classes are no part of the policy's globs.
    return re.compile("|".join(f"(?:{fnmatch.translate(glob.replace('[', '[[]'))})" for glob in globs)).match
