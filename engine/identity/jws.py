"""A signed token in compact form (RFC 7515, section 3.1), read strictly before anything in it is believed.

Rules. The length is bounded before a byte is decoded. Three segments, each base64url without padding, in its one
canonical form: a token has one spelling, so that no two tokens are the same to a verifier and different to a cache.
Header and claims are JSON objects without duplicate members, odd numbers or deep nesting. What a header says about
where a key is to be found (`jku`, `x5u`, `jwk`, `x5c`) is never followed: a key comes from its issuer alone. `crit`
asks for extensions and this reader knows none, so that it is refused (RFC 7515, section 4.1.11), as are compressed and
encrypted tokens.

Failure modes. `InvalidToken`, with a reason in fixed words.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final, NamedTuple

import msgspec

from engine._fast.jsonguard import GuardError, check
from engine.identity.errors import InvalidToken

__all__ = ["MAX_TOKEN", "Token", "decode_segment", "looks_like_jwt", "read"]

MAX_TOKEN: Final = 16 * 1024
"""Bytes. Access tokens with many claims have a few thousand; a request's whole head has 32 KiB by default."""

# A header is flat; claims hold an object or two (`realm_access`, `cnf`).
_MAX_DEPTH: Final = 8

_SEGMENT: Final = re.compile(rb"[A-Za-z0-9_-]+")
_PADDING: Final = (b"", None, b"==", b"=")

# Members of a header that change how the rest is to be read; without knowing them a reader would read it wrongly.
_REFUSED: Final = {
    "crit": "The token asks for extensions that are not known here.",
    "b64": "The token asks for extensions that are not known here.",
    "zip": "The token is compressed.",
    "enc": "The token is encrypted.",
}
# RFC 9068, section 2.1, and what issuers that do not follow it say of their access tokens. Any other type is a token
# that was made for another purpose (RFC 8725, section 3.11).
_TYPES: Final = frozenset(("at+jwt", "application/at+jwt", "jwt"))


class Token(NamedTuple):
    """A token that can be read, and is not verified. `signed` is what `signature` is over."""

    algorithm: str
    key_id: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def looks_like_jwt(credential: bytes) -> bool:
    """Whether a credential is of three parts, the first of which begins like base64url of a JSON object."""
    return credential.count(b".") == 2 and credential.startswith(b"ey")


def read(credential: bytes) -> Token:
    """The parts of a token. Raises InvalidToken."""
    if len(credential) > MAX_TOKEN:
        raise InvalidToken("The token is too long.")
    segments = credential.split(b".")
    if len(segments) != 3:
        raise InvalidToken("The token does not have three parts.")
    header = _object(decode_segment(segments[0]))
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
    for name, reason in _REFUSED.items():
        if name in header:
            raise InvalidToken(reason)
    if not isinstance(algorithm, str) or not (key_id is None or isinstance(key_id, str)):
        raise InvalidToken("The token's header is malformed.")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in _TYPES):
        raise InvalidToken("The token is not an access token.")
    signature = decode_segment(segments[2])
    claims = _object(decode_segment(segments[1]))
    return Token(algorithm, key_id, claims, credential[: credential.rindex(b".")], signature)


def decode_segment(segment: bytes) -> bytes:
    """The bytes of a segment. Raises InvalidToken for anything but canonical base64url (RFC 4648, section 5)."""
    padding = _PADDING[len(segment) % 4]
    if padding is None or not _SEGMENT.fullmatch(segment):
        raise InvalidToken("The token is not base64url.")
    data = urlsafe_b64decode(segment + padding)
    if urlsafe_b64encode(data).rstrip(b"=") != segment:
        # Bits that are not used but set: a second spelling of the same bytes.
        raise InvalidToken("The token is not base64url.")
    return data


def _object(text: bytes) -> dict[str, Any]:
    try:
        check(text, _MAX_DEPTH)
        value = msgspec.json.decode(text)
    except (GuardError, msgspec.MsgspecError, UnicodeDecodeError):
        raise InvalidToken("The token is not strict JSON.") from None
    if not isinstance(value, dict):
        raise InvalidToken("The token is not strict JSON.")
    return value
