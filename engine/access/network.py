"""Who may connect, by address, and which address a request came from.

Rules. Deny beats allow. An empty allow list is every address; a list that is not empty is all there is.

The client of a request is its peer, unless the peer is a trusted proxy: then X-Forwarded-For is read from the right,
the end that our own proxies wrote, past every trusted address to the first that is not. What stands left of that is
what a client claims about itself, and is never read. An element that is no address ends the walk at the last good one.
With no trusted proxy the header is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network

from engine._fast.cidr import Prefixes
from engine.access.address import parse_forwarded

Network = IPv4Network | IPv6Network


def _prefixes(networks: Iterable[Network]) -> Prefixes | None:
    found = [(network.network_address.packed, network.prefixlen, 0) for network in networks]
    return Prefixes(found) if found else None


class NetworkRules:
    """The address rules of a policy. Immutable; a question is one longest-prefix match for each list in use."""

    __slots__ = ("_allow", "_deny", "_trusted")

    def __init__(
        self,
        allow: Iterable[Network] = (),
        deny: Iterable[Network] = (),
        trusted: Iterable[Network] = (),
    ) -> None:
        self._allow = _prefixes(allow)
        self._deny = _prefixes(deny)
        self._trusted = _prefixes(trusted)

    def permits(self, address: bytes) -> bool:
        """Whether a packed address (4 or 16 bytes, else ValueError) may be served."""
        if self._deny is not None and self._deny.match(address) >= 0:
            return False
        return self._allow is None or self._allow.match(address) >= 0

    def trusts(self, address: bytes) -> bool:
        """Whether a packed address is a trusted proxy's, whose X-Forwarded-For is read."""
        return self._trusted is not None and self._trusted.match(address) >= 0

    def client(self, peer: bytes, forwarded_for: Sequence[bytes]) -> bytes:
        """The packed address of the client. `peer` is the socket's; `forwarded_for` are the values of every
        X-Forwarded-For field, or their elements, in the order they came."""
        trusted = self._trusted
        if trusted is None or not forwarded_for or trusted.match(peer) < 0:
            return peer
        client = peer
        for element in reversed(b",".join(forwarded_for).split(b",")):
            address = parse_forwarded(element)
            if address is None:
                return client
            client = address
            if trusted.match(address) < 0:
                return client
        return client
