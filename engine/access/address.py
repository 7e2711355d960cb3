"""Network addresses as packed bytes: 4 for IPv4, 16 for IPv6, the one form that the rest of the gateway works on.

Rules. An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the IPv4 address that it stands for, so that a client has one
identity whichever socket it came through. A zone identifier (RFC 4007) says which link, not who, and is dropped. What
does not parse is None, never a guess: leading zeros, short forms and host names are not addresses.
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final

MAPPED: Final = bytes(10) + b"\xff\xff"

# The longest text form: eight groups with a dotted quad, brackets, a zone and a port. Longer text is not looked at.
_LONGEST: Final = 128


def parse_address(text: str | bytes) -> bytes | None:
    """The packed address, or None where the text is not an address."""
    if isinstance(text, bytes):
        try:
            text = text.decode("ascii")
        except UnicodeDecodeError:
            return None
    if len(text) > _LONGEST or "\0" in text:
        return None
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        packed = inet_pton(AF_INET6, text.partition("%")[0])
    except (OSError, UnicodeEncodeError):
        return None
    return packed[12:] if packed.startswith(MAPPED) else packed


def parse_forwarded(text: bytes) -> bytes | None:
    """The packed address of one element of X-Forwarded-For, with or without brackets and port; None where malformed."""
    text = text.strip(b" \t")
    if text.startswith(b"["):
        host, bracket, port = text[1:].partition(b"]")
        if not bracket or b":" not in host or not _is_port(port):
            return None
        return parse_address(host)
    if text.count(b":") == 1:
        host, _, port = text.partition(b":")
        return parse_address(host) if _is_port(b":" + port) else None
    return parse_address(text)


def _is_port(text: bytes) -> bool:
    """Nothing, or a colon and a port number."""
    return not text or (text[:1] == b":" and text[1:].isdigit() and int(text[1:6]) <= 65535 and len(text) <= 6)


def format_address(packed: bytes) -> str:
    """The text form (RFC 5952) of a packed address. Raises ValueError for another length."""
    if len(packed) == 4:
        return inet_ntop(AF_INET, packed)
    if len(packed) != 16:
        raise ValueError(f"an address has 4 or 16 bytes, not {len(packed)}")
    return inet_ntop(AF_INET6, packed)
