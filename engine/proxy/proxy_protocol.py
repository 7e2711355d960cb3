"""The PROXY protocol, versions 1 and 2: how a proxy that passes connections on says whose they are.

Source: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt

Rules. The header is read strictly and as a whole before anything else of the connection. Its addresses are taken as
numbers, IPv4 mapped into IPv6 as the IPv4 address that it is. What comes behind the addresses in version 2 (TLVs) is
skipped. `LOCAL` is a connection of the proxy's own, a health check: its address is the proxy's.

Failure modes. HeaderError for what is no header, and for one that does not say whose the connection is, or nothing that
is of use here: `UNKNOWN`, unspecified and UNIX addresses, datagrams.
"""

from __future__ import annotations

from typing import Final

from engine.access.address import MAPPED, parse_address

__all__ = ["LONGEST", "HeaderError", "HeaderReader"]

_V1: Final = b"PROXY "
_V1_LONGEST: Final = 107
_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED: Final = 16
# What a version 2 header may add to the addresses: load balancers send names and checksums of some hundred bytes.
LONGEST: Final = 4096
"""Bytes of a header, at most."""

_LOCAL: Final = 0x20
_PROXY: Final = 0x21
# Family and transport of version 2: bytes of one address.
_STREAMS: Final = {0x11: 4, 0x21: 16}


class HeaderError(ValueError):
    """No header, or one that is of no use."""


class HeaderReader:
    """Reads one header, in however many pieces it comes. `done`: it was read; `source`: the packed address that it
    names, None where it says `LOCAL`."""

    __slots__ = ("_held", "_length", "done", "source")

    def __init__(self) -> None:
        self.done = False
        self.source: bytes | None = None
        self._held = b""
        self._length = 0

    def feed(self, data: bytes) -> int:
        """Reads on; how many bytes of `data` belong to the header. Raises HeaderError."""
        before = len(self._held)
        held = self._held + data
        if held[: len(_V2)] == _V2[: len(held)]:
            end = self._v2(held)
        elif held[: len(_V1)] == _V1[: len(held)]:
            end = self._v1(held)
        else:
            raise HeaderError("the connection does not begin with a PROXY header")
        if end < 0:
            self._held = held
            return len(data)
        self.done = True
        return end - before

    def _v1(self, held: bytes) -> int:
        """Where the header ends; -1: not yet."""
        end = held.find(b"\r\n", 0, _V1_LONGEST)
        if end < 0:
            if len(held) >= _V1_LONGEST:
                raise HeaderError("the line is longer than 107 bytes")
            return -1
        words = held[:end].split(b" ")
        if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
            raise HeaderError("the line names no TCP addresses")
        size = 4 if words[1] == b"TCP4" else 16
        self.source, _ = (_address(word, size) for word in words[2:4])
        for word in words[4:]:
            if not word.isdigit() or len(word) > 5 or int(word) > 65535 or (len(word) > 1 and word[:1] == b"0"):
                raise HeaderError("the line has a port that is none")
        return end + 2

    def _v2(self, held: bytes) -> int:
        if len(held) < _V2_FIXED:
            return -1
        command, kind = held[12], held[13]
        end = _V2_FIXED + int.from_bytes(held[14:16])
        if command not in (_LOCAL, _PROXY):
            raise HeaderError("the header is of another version, or its command is not known")
        if end > LONGEST:
            raise HeaderError(f"the header is longer than {LONGEST} bytes")
        size = _STREAMS.get(kind)
        if command == _PROXY and (size is None or end < _V2_FIXED + 2 * size + 4):
            raise HeaderError("the header has no addresses of a TCP connection")
        if len(held) < end:
            return -1
        if command == _PROXY:
            assert size is not None
            self.source = _unmapped(held[_V2_FIXED : _V2_FIXED + size])
        return end


def _address(text: bytes, size: int) -> bytes:
    # As wide as its family says: a mapped address is narrower when it was parsed.
    if (b":" in text) != (size == 16) or b"%" in text:
        raise HeaderError("the line has an address of another family")
    packed = parse_address(text)
    if packed is None:
        raise HeaderError("the line has an address that is none")
    return packed


def _unmapped(packed: bytes) -> bytes:
    return packed[12:] if packed.startswith(MAPPED) else packed
