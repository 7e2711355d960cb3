"""Whom a limit counts: the identity of a counter, for each caller."""

from __future__ import annotations

from dataclasses import dataclass

from engine.limits.model import By, Limit

_MAPPED_IPV4 = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Caller:
    """All that a limit may count by. `ip` is packed, 4 or 16 bytes; `key_id` is empty where there is none."""

    key_id: str
    user: str
    team: str | None
    ip: bytes
    route: str
    model: str | None


def identity(limit: Limit, caller: Caller) -> bytes:
    """What a counter is for, as bytes that no two counters share: every part has its length before it.

    ValueError for an address that is not packed.
    """
    parts = [limit.kind.encode(), limit.name.encode()]
    for scope in limit.scopes:
        parts += (scope.encode(), _subject(scope, limit, caller))
    if limit.window == "calendar":
        parts += (b"calendar", str(limit.period).encode(), limit.zone.encode())
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def _subject(scope: By, limit: Limit, caller: Caller) -> bytes:
    match scope:
        case "ip":
            return _network(caller.ip, limit.ipv6_prefix)
        case "key":
            return b"key:" + _bytes(caller.key_id) if caller.key_id else b"user:" + _bytes(caller.user)
        case "user":
            return _bytes(caller.user)
        case "team":
            return _bytes(caller.team or "")
        case "model":
            return _bytes(caller.model or "")
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
