"""Which limits bind a request, and the counters they stand for.

Three moments, each a look-up that gives a `Bound` to take:

    early            known as soon as the caller is: every limit without a `models` filter
    late             known with the model: limits with a `models` filter, and those by model
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
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine._fast.bucket import MAX_ENTRIES, Plan, Table, Template
from engine.limits.bound import Bound, Denied
from engine.limits.cache import GenerationCache
from engine.limits.headers import templates
from engine.limits.model import Limit
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.sharing import Sharing

__all__ = ["CACHE_ENTRIES", "MAX_CACHED_MODEL", "Bound", "Denied", "Limiter"]

# About 1 KB a caller: 32 MB when somebody comes from that many addresses.
CACHE_ENTRIES = 32_768
# A model's name comes from the request. Longer ones are counted, but not remembered.
MAX_CACHED_MODEL = 256

_MAPPED_IPV4 = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class _Caller:
    """All that a limit may count by. `ip` is packed, 4 or 16 bytes."""

    key_id: str
    user: str
    team: str | None
    ip: bytes
    route: str
    model: str


class Limiter:
    """The limits of one policy over one table. Not shared between threads; any number of processes share the table."""

    def __init__(self, table: Table, limits: Sequence[Limit], sharing: Sharing | None = None) -> None:
        """With `sharing` the counters are kept together with other hosts.

        ValueError for two limits of one name, or for more than `MAX_ENTRIES` limits.
        """
        if len(limits) > MAX_ENTRIES:
            raise ValueError(f"{len(limits)} limits on requests; at most {MAX_ENTRIES}")
        repeated = [name for name, count in Counter(limit.name for limit in limits).items() if count > 1]
        if repeated:
            raise ValueError(f"limits of one name share their counters; used twice: {', '.join(repeated)}")
        self.limits = tuple(limits)
        self._table = table
        self._sharing = sharing
        self._late = tuple(limit for limit in limits if limit.models is not None or limit.by == "model")
        self._early = tuple(limit for limit in limits if limit not in self._late)
        self._first = tuple(limit for limit in self._early if limit.by in ("ip", "global") and limit.roles is None)
        self._globs = {limit.name: _matcher(limit.models) for limit in self._late if limit.models is not None}
        # What no limit counts by does not tell callers apart: with it in the key they would crowd each other out.
        scopes = {limit.by for limit in limits}
        self._by_ip = "ip" in scopes
        self._by_route = "route" in scopes
        self._early_bounds: GenerationCache[tuple[object, ...], Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._late_bounds: GenerationCache[tuple[object, ...], Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._first_bounds: GenerationCache[bytes, Bound | SharedBound] = GenerationCache(CACHE_ENTRIES)
        self._templates: GenerationCache[tuple[Limit, ...], tuple[Template, ...]] = GenerationCache(1024)
        self._nothing = Bound((), Plan(table, ()))

    def early(
        self, key_id: str, user: str, team: str | None, roles: tuple[str, ...], ip: bytes, *, route: str = ""
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
            bound = self._bind_early(_Caller(key_id, user, team, ip, route, ""), roles)
            self._early_bounds.put(key, bound)
        return bound if bound.limits else None

    def late(
        self,
        key_id: str,
        user: str,
        team: str | None,
        roles: tuple[str, ...],
        ip: bytes,
        *,
        model: str,
        route: str = "",
    ) -> Bound | SharedBound | None:
        """The limits that bind this caller because of the model; None where there are none. Arguments as `early`."""
        if not self._late:
            return None
        key = (key_id, user, team, roles, ip if self._by_ip else b"", route if self._by_route else "", model)
        bound = self._late_bounds.get(key)
        if bound is None:
            bound = self._bind_late(_Caller(key_id, user, team, ip, route, model), roles)
            if len(model) <= MAX_CACHED_MODEL:
                self._late_bounds.put(key, bound)
        return bound if bound.limits else None

    def unauthenticated(self, ip: bytes) -> Bound | SharedBound | None:
        """The limits that bind somebody nobody knows; None where there are none. `ip` as in `early`."""
        if not self._first:
            return None
        bound = self._first_bounds.get(ip)
        if bound is None:
            caller = _Caller("", "", None, ip, "", "")
            bound = self._bound(self._first, caller)
            self._first_bounds.put(ip, bound)
        return bound

    def _bind_early(self, caller: _Caller, roles: tuple[str, ...]) -> Bound | SharedBound:
        limits = _applying(self._early, caller, roles)
        return self._bound(limits, caller) if limits else self._nothing

    def _bind_late(self, caller: _Caller, roles: tuple[str, ...]) -> Bound | SharedBound:
        limits = tuple(
            limit
            for limit in _applying(self._late, caller, roles)
            if limit.models is None or self._globs[limit.name](caller.model)
        )
        if not limits:
            return self._nothing
        shown = _applying(self._early, caller, roles) + limits
        return self._bound(limits, caller, shown)

    def _bound(
        self, limits: tuple[Limit, ...], caller: _Caller, shown: tuple[Limit, ...] | None = None
    ) -> Bound | SharedBound:
        told = limits if shown is None else shown
        lines = self._templates.get(told)
        if lines is None:
            lines = templates(told)
            self._templates.put(told, lines)
        if self._sharing is not None:
            rows = [(limit, _identity(limit, caller)) for limit in told]
            return self._sharing.bound(self._table, limits, rows, lines)
        return Bound(limits, self._plan(limits, caller), None if shown is None else self._plan(shown, caller), lines)

    def _plan(self, limits: tuple[Limit, ...], caller: _Caller) -> Plan:
        return Plan(
            self._table,
            [
                (self._table.fingerprint(_identity(limit, caller)), limit.requests.interval_ns, limit.tolerance_ns)
                for limit in limits
            ],
        )


def _applying(limits: Iterable[Limit], caller: _Caller, roles: tuple[str, ...]) -> tuple[Limit, ...]:
    return tuple(
        limit
        for limit in limits
        if (limit.roles is None or not limit.roles.isdisjoint(roles))
        and (limit.by != "team" or caller.team is not None)
    )


def _matcher(globs: Iterable[str]) -> Callable[[str], object]:
    # fnmatch's expressions do not backtrack over what a `*` has matched, so a long name costs linear time. Its
    # character classes are no part of the policy's globs.
    return re.compile("|".join(f"(?:{fnmatch.translate(glob.replace('[', '[[]'))})" for glob in globs)).match


def _identity(limit: Limit, caller: _Caller) -> bytes:
    """What a counter is for, as bytes that no two counters share: every part has its length before it."""
    parts = (b"requests", limit.name.encode(), limit.by.encode(), _subject(limit, caller))
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def _subject(limit: Limit, caller: _Caller) -> bytes:
    match limit.by:
        case "ip":
            return _network(caller.ip, limit.ipv6_prefix)
        case "key":
            return b"key:" + _bytes(caller.key_id) if caller.key_id else b"user:" + _bytes(caller.user)
        case "user":
            return _bytes(caller.user)
        case "team":
            return _bytes(caller.team or "")
        case "model":
            return _bytes(caller.model)
        case "route":
            return _bytes(caller.route)
        case "global":
            return b""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _network(ip: bytes, ipv6_prefix: int) -> bytes:
    if len(ip) == 16 and ip.startswith(_MAPPED_IPV4):
        return ip[12:]
    if len(ip) == 16:
        host_bits = 128 - ipv6_prefix
        return (int.from_bytes(ip, "big") >> host_bits << host_bits).to_bytes(16, "big")
    if len(ip) != 4:
        raise ValueError(f"a packed address has 4 or 16 bytes, not {len(ip)}")
    return ip
