"""A counter in the store: which limit it counts, for whom, and the numbers that its script takes.

Every host derives the same key from the same limit and subject. The name is a BLAKE2b digest, so that nobody can choose
subjects that share a counter, and no key of the store tells who a caller is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from engine.limits.shared.scripts import BUCKETS, Argument, Script, bucket_key, ledger

# The scripts count in doubles: below 2^52 a whole number of ns divides by 1000 exactly. About 52 days.
MAX_TOLERANCE_NS: Final = 1 << 52
# Permits of one limit. Sums of a few of them are still exact as doubles; in USD of a budget it is ten million.
MAX_PERMITS: Final = 1 << 50


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter and its kind. `limits` follow the common arguments of the script, before what is known of it."""

    key: bytes
    bucket: int
    keys: tuple[bytes, ...]
    script: Script
    sha: str
    capacity: int
    interval_ns: int
    limits: tuple[Argument, ...]
    knows: int


def rate(identity: bytes, interval_ns: int, tolerance_ns: int) -> Counter:
    """A GCRA counter. ValueError unless 1 <= interval <= tolerance <= MAX_TOLERANCE_NS."""
    if not 1 <= interval_ns <= tolerance_ns <= MAX_TOLERANCE_NS:
        raise ValueError(
            f"a limit that takes {tolerance_ns / 86_400e9:.0f} days to come back cannot be shared between hosts; "
            f"at most {MAX_TOLERANCE_NS // (86_400 * 10**9)} days"
        )
    return _counter("rate", identity, tolerance_ns // interval_ns, interval_ns, (interval_ns, tolerance_ns), 2)


def quota(identity: bytes, limit: int, start_us: int, end_us: int) -> Counter:
    """The counter of one calendar window [start, end), in us of the store's clock. ValueError for an impossible one."""
    if not (1 <= limit <= MAX_PERMITS and 0 <= start_us < end_us):
        raise ValueError(f"a quota of {limit} from {start_us} to {end_us} us cannot be")
    return _counter("quota", identity + start_us.to_bytes(8, "little"), limit, 0, (limit, start_us, end_us), 1)


def slots(identity: bytes, limit: int) -> Counter:
    """A counter of requests at the same time. ValueError for a limit outside 1..MAX_PERMITS."""
    if not 1 <= limit <= MAX_PERMITS:
        raise ValueError(f"{limit} requests at the same time are not 1 to {MAX_PERMITS}")
    return _counter("slots", identity, limit, 0, (limit,), 0)


def _counter(
    kind: str, identity: bytes, capacity: int, interval_ns: int, limits: tuple[Argument, ...], knows: int
) -> Counter:
    digest = hashlib.blake2b(kind.encode() + b":" + identity, digest_size=16).digest()
    return _named(kind, digest, capacity, interval_ns, limits, knows)


def restored(kind: str, digest: bytes, limits: tuple[int, ...]) -> Counter:
    """The counter of this key and these numbers, as one of them was made before."""
    if kind == "rate":
        return _named(kind, digest, limits[1] // limits[0], limits[0], limits, 2)
    return _named(kind, digest, limits[0], 0, limits, 1 if kind == "quota" else 0)


def _named(
    kind: str, digest: bytes, capacity: int, interval_ns: int, limits: tuple[Argument, ...], knows: int
) -> Counter:
    bucket = digest[0] % BUCKETS
    name = bucket_key(bucket) + b":" + digest.hex().encode()
    script = ledger(kind)
    return Counter(
        digest,
        bucket,
        (bucket_key(bucket), name, name + b":ends"),
        script,
        script.sha,
        capacity,
        interval_ns,
        limits,
        knows,
    )
