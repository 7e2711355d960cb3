"""The keys of an issuer (RFC 7517), and what each may verify.

Rules. An algorithm belongs to a type of key and, for elliptic curves, to one curve; a key that names its `alg`, `use`
or `key_ops` is used for nothing else. So a public RSA key can never stand for an HMAC secret, whatever a token says.
RSA keys have 2048 to 8192 bits, HMAC secrets at least the bits of their hash (RFC 7518, sections 3.2 and 3.3). Only
public members are read. A key that cannot be used is left out, and its neighbours work.

A token is verified by the key that it names. One that names none is verified where the issuer has exactly one key for
its algorithm; which of several was meant would be a guess.

Signatures are PyJWT's and cryptography's; nothing else of theirs is used, so that a token is read by `jws` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec

from engine._fast.jsonguard import GuardError, check
from engine.identity.errors import InvalidToken
from engine.identity.jws import Token

__all__ = ["ALGORITHMS", "MAX_SET", "SYMMETRIC", "KeySet", "KeySetError", "UnknownKey", "parse_keys"]

# Algorithm: the type of key (RFC 7518, section 6.1; RFC 8037) and its curve or, of HMAC, the least octets.
_BOUND: Final[dict[str, tuple[str, str | int | None]]] = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "HS256": ("oct", 32),
    "HS384": ("oct", 48),
    "HS512": ("oct", 64),
}
ALGORITHMS: Final = frozenset(_BOUND)
SYMMETRIC: Final = frozenset(("HS256", "HS384", "HS512"))

MAX_SET: Final = 1 << 20
"""Bytes of a key set. Issuers publish a handful of keys of 1 to 3 KB with their certificates."""
_MAX_KEYS: Final = 256
_MAX_DEPTH: Final = 8
_RSA_BITS: Final = range(2048, 8192 + 1)

_PUBLIC: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}


# PyJWT and cryptography take 8 MB of memory: they are imported by who has keys to read.


@cache
def _signers() -> dict[str, Any]:
    from jwt.algorithms import get_default_algorithms

    return {name: signer for name, signer in get_default_algorithms().items() if name in _BOUND}


@cache
def _unusable() -> tuple[type[Exception], ...]:
    from jwt.exceptions import PyJWTError

    return PyJWTError, ValueError, TypeError, OverflowError


class KeySetError(Exception):
    """What should be a set of keys is none, or has no key that could be used."""


class UnknownKey(InvalidToken):
    """The token names a key that its issuer does not have, as far as is known."""


class KeySet:
    """The usable keys of one issuer for the algorithms that its policy lists. Immutable."""

    __slots__ = ("_keys", "_names", "identities")

    def __init__(self, keys: Iterable[tuple[str | None, str, Any, bytes]]) -> None:
        """`keys`: (kid, algorithm, the key, its public members as canonical JSON)."""
        self._keys: dict[tuple[str | None, str], list[Any]] = {}
        self._names: set[str | None] = set()
        identities = set()
        for key_id, algorithm, key, identity in keys:
            self._keys.setdefault((key_id, algorithm), []).append(key)
            if key_id is not None:
                self._keys.setdefault((None, algorithm), []).append(key)
            self._names.add(key_id)
            identities.add((key_id, algorithm, identity))
        # What a token that was verified may rest on: when one of them goes, so does what it verified.
        self.identities = frozenset(identities)

    def has(self, key_id: str | None) -> bool:
        """Whether a key of this name is here; of a token that names none, whether any is."""
        return key_id is None or key_id in self._names

    def verify(self, token: Token) -> None:
        """Raises InvalidToken unless the token is signed by a key of this set; UnknownKey where it has no such key."""
        found = self._keys.get((token.key_id, token.algorithm))
        if found is None and not self.has(token.key_id):
            raise UnknownKey("The token's key is not known.")
        if found is None:
            raise InvalidToken("The token's key is not for its algorithm.")
        if len(found) > 1:
            raise InvalidToken("The token does not say which key it is signed with.")
        try:
            valid = bool(_signers()[token.algorithm].verify(token.signed, found[0], token.signature))
        except _unusable():
            valid = False
        if not valid:
            raise InvalidToken("The token's signature is wrong.")


def parse_keys(text: bytes, algorithms: Iterable[str]) -> KeySet:
    """The usable keys of a JWK Set. Raises KeySetError where there is none."""
    if len(text) > MAX_SET:
        raise KeySetError("the key set is too long")
    try:
        check(text, _MAX_DEPTH)
        document = msgspec.json.decode(text)
    except (GuardError, msgspec.MsgspecError, UnicodeDecodeError):
        raise KeySetError("the key set is not strict JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise KeySetError("the key set has no list of keys")
    found = [
        key for entry in entries[:_MAX_KEYS] if isinstance(entry, dict) for key in _usable(entry, frozenset(algorithms))
    ]
    if not found:
        raise KeySetError("the key set has no key that could be used")
    return KeySet(found)


def _usable(entry: dict[str, Any], algorithms: frozenset[str]) -> list[tuple[str | None, str, Any, bytes]]:
    """The key once for each listed algorithm that it may verify."""
    kind, key_id, operations = entry.get("kty"), entry.get("kid"), entry.get("key_ops", ["verify"])
    if not isinstance(kind, str) or kind not in _PUBLIC or not (key_id is None or isinstance(key_id, str)):
        return []
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return []
    public = {"kty": kind, **{name: entry.get(name) for name in _PUBLIC[kind]}}
    if not all(isinstance(value, str) for value in public.values()):
        return []
    found = []
    for algorithm in sorted(algorithms):
        expected, bound = _BOUND[algorithm]
        if expected != kind or entry.get("alg", algorithm) != algorithm:
            continue
        if isinstance(bound, str) and public["crv"] != bound:
            continue
        try:
            key = _signers()[algorithm].from_jwk(public)
        except _unusable():
            continue
        if kind == "RSA" and key.key_size not in _RSA_BITS:
            continue
        if isinstance(bound, int) and len(key) < bound:
            continue
        found.append((key_id, algorithm, key, msgspec.json.encode(public, order="sorted")))
    return found
