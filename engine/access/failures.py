"""Addresses whose credentials fail: their answers come later and later, then they are banned for a time.

Theory of operation. Each address has a count of failures that drains by one every `DRAIN_S`. Past `slow_after` an
answer to a failed credential is held back, twice as long with each, up to `LONGEST_DELAY_S`; at `ban_after` the address
is banned: for `ban_s`, and twice as long with each ban that follows, up to `longest_s`. The answers to a banned address
are held back the longest, or who floods would be served fastest when banned. An IPv6 address counts by its /64, because
a host has that many of its own.

A ban is on failing, not on the address: a credential that is valid passes as before, so that one bad client cannot lock
out those who share its address. All that a banned address loses is the answer to a wrong guess.

The counts stand in a file that all workers of the host map, so that an attacker gains nothing by spreading over them,
and survive a restart. The table has a fixed size. An address has `_WAYS` places it can stand in; when all are taken,
what is quietest makes room, a ban last of all. Changes are made under a lock on the file; only failures take it.

Failure modes. A writer that is killed leaves one address's counts half written, which are then wrong by a little or
read as empty. Nothing else depends on this file: without it credentials are still checked.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from engine.access.address import MAPPED, format_address

__all__ = ["FAILURES", "Ban", "FailedCredentials", "FailureTable", "Verdict"]

FAILURES: Final = "failures.state"
"""The file's name in the state folder."""

DRAIN_S: Final = 1.0
FIRST_DELAY_S: Final = 0.01
LONGEST_DELAY_S: Final = 0.15
# After this long without a failure a ban is forgotten, and the next one is short again.
_FORGOTTEN_S: Final = 86_400.0

_SLOTS: Final = 8192
_WAYS: Final = 8
# Prefix; count, time of it, end of the ban (seconds since the epoch); bans so far, failures in all.
_ROW: Final = struct.Struct("<16sdddII")
_EMPTY: Final = bytes(16)
_IPV6_PREFIX: Final = 8


@dataclass(frozen=True, slots=True)
class FailedCredentials:
    """The policy's bounds: failures until answers slow down, until a ban; the first ban and the longest, in seconds."""

    slow_after: int = 50
    ban_after: int = 80
    ban_s: float = 60.0
    longest_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a failure: hold its answer back for `delay_s` and, with `banned_s` > 0, say in it that the
    address is banned, and for how long."""

    delay_s: float
    banned_s: float


@dataclass(frozen=True, slots=True)
class Ban:
    """A ban in force. `network` is an address, or the /64 of IPv6 ones; `until` is in seconds since the epoch."""

    network: str
    until: float
    failures: int
    bans: int


class FailureTable:
    """The shared counts. The file is made, with mode 0600, where it is missing. Raises OSError."""

    __slots__ = ("_descriptor", "_map")

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = _SLOTS * _ROW.size
            if os.fstat(self._descriptor).st_size < size:
                os.ftruncate(self._descriptor, size)
            self._map = mmap.mmap(self._descriptor, size)
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()
        os.close(self._descriptor)

    def fail(self, address: bytes, bounds: FailedCredentials, now_s: float) -> Verdict:
        """Counts a failed credential of a packed address (4 or 16 bytes)."""
        prefix = _prefix(address)
        with self._alone():
            place = self._place(prefix, now_s)
            found, count, at, until, bans, failures = _ROW.unpack_from(self._map, place)
            if found != prefix:
                count, at, until, bans, failures = 0.0, now_s, 0.0, 0, 0
            count = max(0.0, count - max(0.0, now_s - at) / DRAIN_S) + 1.0
            if now_s >= until and count >= bounds.ban_after:
                until = now_s + min(bounds.longest_s, bounds.ban_s * 2 ** min(bans, 20))
                bans = min(bans + 1, 0xFFFF)
                # After the ban there are few tries until the next one.
                count = float(bounds.slow_after)
            failures = min(failures + 1, 0xFFFFFFFF)
            _ROW.pack_into(self._map, place, prefix, min(count, bounds.ban_after), now_s, until, bans, failures)
        if now_s < until:
            return Verdict(LONGEST_DELAY_S, until - now_s)
        over = count - bounds.slow_after
        return Verdict(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(over, 20)) if over > 0 else 0.0, 0.0)

    def bans(self, now_s: float) -> list[Ban]:
        """The bans in force, the one that ends last first."""
        found = []
        for prefix, _, _, until, bans, failures in _ROW.iter_unpack(self._map[:]):
            if until > now_s:
                found.append(Ban(_network(prefix), until, failures, bans))
        return sorted(found, key=lambda ban: -ban.until)

    def lift(self, address: bytes) -> bool:
        """Forgets all failures of a packed address, or of the /64 that it is in. False where there were none."""
        prefix = _prefix(address)
        with self._alone():
            for place in _places(prefix):
                if self._map[place : place + 16] == prefix:
                    self._map[place : place + _ROW.size] = bytes(_ROW.size)
                    return True
        return False

    def _place(self, prefix: bytes, now_s: float) -> int:
        """Where the prefix stands, or may be put."""
        quietest, least = -1, (float("inf"), float("inf"))
        for place in _places(prefix):
            found, _, at, until, _, _ = _ROW.unpack_from(self._map, place)
            if found == prefix:
                return place
            worth = (0.0, 0.0) if found == _EMPTY or at < now_s - _FORGOTTEN_S else (max(until - now_s, 0.0), at)
            if worth < least:
                quietest, least = place, worth
        return quietest

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def _prefix(address: bytes) -> bytes:
    """The 16 bytes that an address counts by: a mapped IPv4 address as it is, the /64 of an IPv6 one."""
    if len(address) == 4:
        return MAPPED + address
    if len(address) != 16:
        raise ValueError(f"an address has 4 or 16 bytes, not {len(address)}")
    return address if address.startswith(MAPPED) else address[:_IPV6_PREFIX] + bytes(_IPV6_PREFIX - 1) + b"\x01"


def _network(prefix: bytes) -> str:
    if prefix.startswith(MAPPED):
        return format_address(prefix[12:])
    return format_address(prefix[:_IPV6_PREFIX] + bytes(_IPV6_PREFIX)) + "/64"


def _places(prefix: bytes) -> range:
    """The offsets of the rows that a prefix can stand in. Hashed, so that neighbours do not crowd each other out."""
    start = int.from_bytes(blake2b(prefix, digest_size=8).digest(), "little") % (_SLOTS // _WAYS) * _WAYS
    return range(start * _ROW.size, (start + _WAYS) * _ROW.size, _ROW.size)
