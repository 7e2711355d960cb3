"""The plain twin of the cidr kernel: every prefix is tried, and the longest that holds the address wins."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Prefixes:
    def __init__(self, networks: Iterable[tuple[bytes, int, int]]) -> None:
        self._networks: list[tuple[Network, int]] = []
        for packed, length, value in networks:
            network = ip_network((packed, length))
            self._networks.append((_unmapped_network(network), value))

    def match(self, address: bytes) -> int:
        wanted = _unmapped(ip_address(address))
        best, found = -1, -1
        for network, value in self._networks:
            if network.version == wanted.version and wanted in network and network.prefixlen >= best:
                best, found = network.prefixlen, value
        return found


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _unmapped_network(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        first = network.network_address.ipv4_mapped
        if first is not None:
            return IPv4Network((first, network.prefixlen - 96))
    return network
