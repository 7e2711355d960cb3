"""Address rules, and the client behind trusted proxies."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from engine.access.network import NetworkRules


def networks(*texts: str) -> list[object]:
    return [ip_network(text) for text in texts]


def packed(text: str) -> bytes:
    return ip_address(text).packed


def test_no_rules_permit_every_address() -> None:
    rules = NetworkRules()
    assert rules.permits(packed("192.0.2.1"))
    assert rules.permits(packed("2001:db8::1"))


def test_deny_beats_allow_whatever_the_length() -> None:
    rules = NetworkRules(allow=networks("192.0.2.1/32"), deny=networks("192.0.2.0/24"))
    assert not rules.permits(packed("192.0.2.1"))


def test_allow_list_is_all_there_is() -> None:
    rules = NetworkRules(allow=networks("10.0.0.0/8"))
    assert rules.permits(packed("10.1.2.3"))
    assert rules.permits(packed("::ffff:10.1.2.3"))
    assert not rules.permits(packed("192.0.2.1"))
    assert not rules.permits(packed("2001:db8::1"))


def test_header_of_an_untrusted_peer_is_not_read() -> None:
    peer = packed("192.0.2.1")
    assert NetworkRules().client(peer, [b"198.51.100.1"]) == peer
    rules = NetworkRules(trusted=networks("10.0.0.0/8"))
    assert not rules.trusts(peer)
    assert rules.client(peer, [b"198.51.100.1"]) == peer


@pytest.mark.parametrize(
    ("values", "client"),
    [
        ([], "10.0.0.1"),
        ([b"198.51.100.1"], "198.51.100.1"),
        ([b"1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ([b"1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ([b"1.2.3.4, 198.51.100.1", b"10.0.0.2"], "198.51.100.1"),
        ([b"1.2.3.4", b"198.51.100.1"], "198.51.100.1"),
        ([b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ([b"198.51.100.1, garbage, 10.0.0.2"], "10.0.0.2"),
        ([b"198.51.100.1, garbage"], "10.0.0.1"),
        ([b"198.51.100.1,"], "10.0.0.1"),
        ([b"198.51.100.1:1234, [fd00::1]:443"], "198.51.100.1"),
        ([b"2001:db8::9"], "2001:db8::9"),
    ],
)
def test_header_is_read_from_the_right_through_trusted_proxies(values: list[bytes], client: str) -> None:
    rules = NetworkRules(trusted=networks("10.0.0.0/8", "fd00::/8"))
    assert rules.trusts(packed("10.0.0.1"))
    assert rules.client(packed("10.0.0.1"), values) == packed(client)
