"""`Forwarded` (RFC 7239): what each hop says of the one before it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from engine.access.address import parse_address
from engine.access.forwarded import forwarded_for
from engine.access.network import NetworkRules


@pytest.mark.parametrize(
    ("value", "nodes"),
    [
        (b"for=192.0.2.1", [b"192.0.2.1"]),
        (b"For=192.0.2.1;proto=https;by=203.0.113.43", [b"192.0.2.1"]),
        (b'for="[2001:db8::1]:4711"', [b"[2001:db8::1]:4711"]),
        (b'for=192.0.2.1, for="198.51.100.17:80"', [b"192.0.2.1", b"198.51.100.17:80"]),
        (b'by="a,b;for=1.2.3.4";for=192.0.2.1,for=unknown', [b"192.0.2.1", b"unknown"]),
        (b"for=_hidden", [b"_hidden"]),
        (b"proto=https, for=192.0.2.1", [b"", b"192.0.2.1"]),
        (b"for=192.0.2.1;for=192.0.2.2", [b""]),
        (b"for=192.0.2.1 for=192.0.2.2", [b""]),
        (b"for=192.0.2.1;", [b""]),
        (b'for="192.0.2.1,192.0.2.2"', [b""]),
        (b"", [b""]),
        (b",,", [b"", b"", b""]),
        (b'for="192.0.2.1, for=192.0.2.9', [b""]),
        (b'for=192.0.2.9, x="1, for=192.0.2.1', [b"192.0.2.9", b""]),
        (b'for="\\1\\9\\2.0.2.1"', [b"192.0.2.1"]),
    ],
)
def test_nodes(value: bytes, nodes: list[bytes]) -> None:
    assert forwarded_for(value) == nodes


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (b"for=203.0.113.9, for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        (b"for=203.0.113.9, for=10.0.0.3", "203.0.113.9"),
        # What cannot be read ends the walk: what stands left of it is a claim of somebody's.
        (b"for=203.0.113.9, for=unknown, for=10.0.0.3", "10.0.0.3"),
        (b'for="203.0.113.9, for=10.0.0.3', "10.0.0.1"),
    ],
)
def test_the_client_is_found_from_the_right(value: bytes, client: str) -> None:
    rules = NetworkRules(trusted=[ip_network("10.0.0.0/8")])
    peer = parse_address("10.0.0.1")
    assert peer is not None
    assert rules.client(peer, forwarded_for(value)) == parse_address(client)


def test_time_is_linear() -> None:
    assert forwarded_for(b'"' * 30_000 + b"," * 30_000)
    assert len(forwarded_for(b"for=a," * 5000)) == 5001
    assert forwarded_for(b"a" * 60_000) == [b""]
    assert forwarded_for(b"for=" + b"a" * 60_000) == [b"a" * 60_000]
    assert forwarded_for(b'for="' + b"\\a" * 30_000) == [b""]
