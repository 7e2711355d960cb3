"""Addresses: text into packed bytes and back."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.access.address import format_address, parse_address, parse_forwarded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::", "::"),
    ],
)
def test_addresses(text: str | bytes, expected: str) -> None:
    packed = parse_address(text)
    assert packed == ip_address(expected).packed
    assert format_address(packed) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "192.0.2",
        "192.0.2.01",
        "192.0.2.256",
        "0x7f.1",
        " 192.0.2.1",
        "192.0.2.1\x00",
        "1::2::3",
        "é",
        b"\xff",
        ":" * 200,
    ],
)
def test_other_text_is_no_address(text: str | bytes) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (b"192.0.2.1", "192.0.2.1"),
        (b" 192.0.2.1\t", "192.0.2.1"),
        (b"192.0.2.1:8080", "192.0.2.1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"[2001:db8::1]:8080", "2001:db8::1"),
        (b"[::ffff:192.0.2.1]:1", "192.0.2.1"),
    ],
)
def test_forwarded_elements(element: bytes, expected: str) -> None:
    assert parse_forwarded(element) == ip_address(expected).packed


@pytest.mark.parametrize(
    "element",
    [
        b"",
        b"unknown",
        b"_hidden",
        b"192.0.2.1:",
        b"192.0.2.1:x",
        b"192.0.2.1:65536",
        b"192.0.2.1:000080",
        b"[192.0.2.1]",
        b"[2001:db8::1",
        b"[2001:db8::1]x",
        b'"192.0.2.1"',
        b"192.0.2.1 192.0.2.2",
    ],
)
def test_malformed_forwarded_elements(element: bytes) -> None:
    assert parse_forwarded(element) is None


def test_other_lengths_have_no_text() -> None:
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        format_address(b"12345")
