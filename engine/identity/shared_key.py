"""A key as hosts tell it each other: all that is stored of it, and how two states of it become one.

Theory of operation. `join` is a least upper bound: it does not matter in which order, how often and along which ways
states arrive, all hosts end at the same one (a state-based CRDT: Shapiro et al. 2011, Conflict-free Replicated Data
Types). Nothing is ever deleted, so that what is not there says nothing.

    revoked     once set, set for good; the earlier time
    disabled    the later change decides; of two at one time, disabled
    expires     the later change decides; of two at one time, the earlier end
    secrets     the later rotation decides; of two at one time, one of both, the same everywhere
    the rest    never changes after a key was made

"Later" is by a stamp, the time of the change in us by the clock of the host where it was made, and always later than
the change which that host knew of: a clock that is behind cannot make a change that is lost to what it was made upon.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.identity.records import KeyFields, check_fields

__all__ = ["SharedKey", "decode", "encode", "join"]

# A key with full scopes; what is longer was not written by a gateway.
_LONGEST: Final = 4 << 20
_DIGEST: Final = 32


class SharedKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key. Times are seconds since the epoch, stamps as in the module's head, digests SHA-256."""

    id: str
    subject: str
    roles: tuple[str, ...]
    created: float
    digest: bytes
    team: str | None = None
    owner: str | None = None
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    limits: tuple[str, ...] | None = None
    revoked: float | None = None
    disabled: bool = False
    disabled_stamp: int = 0
    expires: float | None = None
    expires_stamp: int = 0
    previous: bytes | None = None
    previous_until: float | None = None
    secret_stamp: int = 0


def encode(key: SharedKey) -> bytes:
    """A key as JSON; the same bytes for the same key."""
    return msgspec.json.encode(key)


def decode(text: bytes) -> SharedKey:
    """The key that `encode` wrote. Raises ValueError."""
    if len(text) > _LONGEST:
        raise ValueError("a key is longer than any")
    key = msgspec.json.decode(text, type=SharedKey)
    if len(key.digest) != _DIGEST or (key.previous is not None and len(key.previous) != _DIGEST):
        raise ValueError("a digest has 32 bytes")
    if not key.id or not key.id.isascii() or not key.id.isalnum():
        raise ValueError("an id has letters and digits")
    check_fields(KeyFields(key.subject, key.roles, key.team, None, key.owner, key.models, key.addresses, key.limits))
    return key


def join(one: SharedKey, other: SharedKey) -> SharedKey:
    """What is true of a key of which both are known."""
    if one == other:
        return one
    fixed = min(one, other, key=_fixed)
    secret = max(one, other, key=lambda key: (key.secret_stamp, key.digest, key.previous or b"", -_end(key)))
    disabled = max(one, other, key=lambda key: (key.disabled_stamp, key.disabled))
    expires = max(one, other, key=lambda key: (key.expires_stamp, -_time(key.expires)))
    revoked = min(_time(one.revoked), _time(other.revoked))
    return msgspec.structs.replace(
        fixed,
        revoked=revoked if revoked != _NEVER else None,
        disabled=disabled.disabled,
        disabled_stamp=disabled.disabled_stamp,
        expires=expires.expires,
        expires_stamp=expires.expires_stamp,
        digest=secret.digest,
        previous=secret.previous,
        previous_until=secret.previous_until,
        secret_stamp=secret.secret_stamp,
    )


_NEVER: Final = float("inf")


def _time(moment: float | None) -> float:
    return _NEVER if moment is None else moment


def _end(key: SharedKey) -> float:
    return _time(key.previous_until)


def _fixed(key: SharedKey) -> bytes:
    fixed = (key.created, key.subject, key.roles, key.team, key.owner, key.models, key.addresses, key.limits)
    return msgspec.json.encode(fixed)
