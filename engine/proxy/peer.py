"""Who is at the other end of a connection: its address and, where it showed one, its certificate."""

from __future__ import annotations

import ssl
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, NamedTuple

from engine.identity.certificate import Certificate

if TYPE_CHECKING:
    import asyncio

_MAPPED = bytes(10) + b"\xff\xff"


class Peer(NamedTuple):
    """What is known of a connection for all of its requests. `address` is packed, `text` the same to be read."""

    address: bytes
    text: str
    certificate: Certificate | None = None


NOBODY = Peer(bytes(16), "::")
"""A peer that was gone before it could be asked: an address that nothing allows or limits by accident."""


def peer_address(transport: asyncio.BaseTransport) -> tuple[bytes, str]:
    """The socket peer, packed and as text. An IPv4 address mapped into IPv6 is the IPv4 address."""
    peer = transport.get_extra_info("peername")
    if not peer:
        return NOBODY.address, NOBODY.text
    text: str = peer[0].partition("%")[0]
    if ":" not in text:
        return inet_pton(AF_INET, text), text
    packed = inet_pton(AF_INET6, text)
    if packed.startswith(_MAPPED):
        packed = packed[12:]
        text = ".".join(str(byte) for byte in packed)
    return packed, text


def peer_certificate(transport: asyncio.BaseTransport) -> Certificate | None:
    """The certificate that the peer has shown and TLS has verified; None for none."""
    connection = transport.get_extra_info("ssl_object")
    # Not verified, nothing is known of it: OpenSSL shows it all the same.
    if not isinstance(connection, ssl.SSLObject) or connection.context.verify_mode == ssl.CERT_NONE:
        return None
    encoded = connection.getpeercert(binary_form=True)
    return Certificate(encoded) if encoded else None
