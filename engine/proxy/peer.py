"""The address of a connection's other end."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_MAPPED = bytes(10) + b"\xff\xff"


def peer_address(transport: asyncio.BaseTransport) -> tuple[bytes, str]:
    """The socket peer, packed and as text. An IPv4 address mapped into IPv6 is the IPv4 address."""
    peer = transport.get_extra_info("peername")
    if not peer:
        # The peer was gone before it could be asked: an address that nothing allows or limits by accident.
        return bytes(16), "::"
    text: str = peer[0].partition("%")[0]
    if ":" not in text:
        return inet_pton(AF_INET, text), text
    packed = inet_pton(AF_INET6, text)
    if packed.startswith(_MAPPED):
        packed = packed[12:]
        text = ".".join(str(byte) for byte in packed)
    return packed, text
