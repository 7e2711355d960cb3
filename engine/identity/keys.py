"""API keys: their form, how they are made and taken apart, and the digest that is stored in their place.

A key is ``tg_<id>_<secret>``. The id names the row it is stored under, in logs and on the command line, and is no
secret. The secret is 238 random bits from the operating system. Stored is SHA-256 of the whole key: a slow password
hash would buy nothing, as there is no dictionary to try against so many random bits.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Final, NamedTuple

ADMIN_PREFIX: Final = "tga_"
"""How a token for the admin interface begins, so that a scanner of leaks knows it from a key."""

ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 40

# Letters and digits, so that a double click selects the whole key. The id has no look-alikes: it is read aloud.
_ID_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_SECRET_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_KEY: Final = re.compile(rb"tg_([a-z0-9]{%d})_[A-Za-z0-9]{%d}" % (ID_LENGTH, SECRET_LENGTH))


class NewKey(NamedTuple):
    """A key just made. `key` is the secret itself: shown once, stored nowhere."""

    id: str
    key: str


def make() -> NewKey:
    """A new random key."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(ID_LENGTH))
    secret = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(SECRET_LENGTH))
    return NewKey(key_id, f"tg_{key_id}_{secret}")


def parse(key: bytes) -> str | None:
    """The id in a key, or None where the bytes do not have a key's form."""
    match = _KEY.fullmatch(key)
    return match[1].decode("ascii") if match is not None else None


def digest(key: bytes) -> bytes:
    """The 32 bytes stored for a key."""
    return sha256(key).digest()
