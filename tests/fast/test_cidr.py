"""The cidr kernel against its plain twin, and by hand at the edges."""

from __future__ import annotations

import importlib.machinery
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import cidr
from tests.fast.oracles import cidr as oracle

MAPPED = bytes(10) + b"\xff\xff"


def entry(text: str, value: int) -> tuple[bytes, int, int]:
    network = ip_network(text)
    return network.network_address.packed, network.prefixlen, value


def packed(text: str) -> bytes:
    return ip_address(text).packed


def test_compiled_kernel_is_loaded() -> None:
    assert cidr.__file__.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))


def test_longest_prefix_wins_and_its_end_gives_back_to_the_outer_one() -> None:
    table = cidr.Prefixes([entry("10.0.0.0/8", 1), entry("10.1.0.0/16", 2), entry("10.1.2.0/24", 3)])
    expected = {
        "9.255.255.255": -1,
        "10.0.0.0": 1,
        "10.0.255.255": 1,
        "10.1.0.0": 2,
        "10.1.1.255": 2,
        "10.1.2.0": 3,
        "10.1.2.255": 3,
        "10.1.3.0": 2,
        "10.1.255.255": 2,
        "10.2.0.0": 1,
        "10.255.255.255": 1,
        "11.0.0.0": -1,
    }
    assert {text: table.match(packed(text)) for text in expected} == expected
    assert len(table) == 3


def test_ends_of_the_address_line() -> None:
    table = cidr.Prefixes([entry("0.0.0.0/32", 1), entry("255.255.255.255/32", 2), entry("ffff::/16", 3)])
    assert table.match(packed("0.0.0.0")) == 1
    assert table.match(packed("0.0.0.1")) == -1
    assert table.match(packed("255.255.255.254")) == -1
    assert table.match(packed("255.255.255.255")) == 2
    assert table.match(packed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")) == 3
    assert table.match(packed("fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff")) == -1


def test_empty_table_matches_nothing() -> None:
    table = cidr.Prefixes([])
    assert table.match(packed("192.0.2.1")) == -1
    assert table.match(packed("2001:db8::1")) == -1


def test_whole_families_stay_apart() -> None:
    every_ipv6 = cidr.Prefixes([entry("::/0", 6)])
    assert every_ipv6.match(packed("2001:db8::1")) == 6
    assert every_ipv6.match(packed("192.0.2.1")) == -1
    assert every_ipv6.match(packed("::ffff:192.0.2.1")) == -1
    every_ipv4 = cidr.Prefixes([entry("0.0.0.0/0", 4)])
    assert every_ipv4.match(packed("::ffff:192.0.2.1")) == 4
    assert every_ipv4.match(packed("2001:db8::1")) == -1


def test_mapped_prefix_is_the_ipv4_prefix() -> None:
    table = cidr.Prefixes([entry("::ffff:192.0.2.0/120", 7)])
    assert table.match(packed("192.0.2.200")) == 7
    assert table.match(packed("::ffff:192.0.2.200")) == 7
    assert table.match(packed("192.0.3.0")) == -1


def test_later_of_equal_prefixes_counts() -> None:
    table = cidr.Prefixes([entry("192.0.2.0/24", 1), entry("192.0.2.0/24", 2)])
    assert table.match(packed("192.0.2.9")) == 2
    assert table.match(packed("192.0.3.0")) == -1


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ((b"\x0a\x00\x00", 8, 0), "4 or 16 bytes"),
        ((b"\x0a\x00\x00\x00", 33, 0), "from 0 to 32"),
        ((b"\x0a\x00\x00\x00", -1, 0), "from 0 to 32"),
        ((bytes(16), 129, 0), "from 0 to 128"),
        ((b"\x0a\x00\x00\x01", 8, 0), "no bit set"),
        ((b"\x0a\x00\x00\x00", 8, -1), "a value is"),
        ((b"\x0a\x00\x00\x00", 8, 1 << 31), "a value is"),
    ],
)
def test_bad_network_is_refused(network: tuple[bytes, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cidr.Prefixes([network])


@pytest.mark.parametrize("address", [b"", b"\x0a\x00\x00", bytes(5), bytes(17)])
def test_bad_address_is_refused(address: bytes) -> None:
    with pytest.raises(ValueError, match="4 or 16 bytes"):
        cidr.Prefixes([]).match(address)


# Few distinct bits, so that prefixes nest, touch and repeat often.
FIRST = st.sampled_from([0x00, 0x0A, 0x80, 0xFE, 0xFF])


@st.composite
def networks(draw: st.DrawFn) -> tuple[bytes, int, int]:
    size = draw(st.sampled_from([4, 16]))
    raw = bytes(draw(st.lists(FIRST, min_size=size, max_size=size)))
    if size == 16 and draw(st.booleans()):
        raw = MAPPED + raw[:4]
    length = draw(st.integers(0, size * 8))
    kept = int.from_bytes(raw, "big") >> (size * 8 - length) << (size * 8 - length)
    return kept.to_bytes(size, "big"), length, draw(st.integers(0, 5))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[bytes, int, int]], list[bytes]]:
    """Prefixes, and addresses at both sides of each of their edges besides free ones."""
    found = draw(st.lists(networks(), max_size=12))
    addresses = [bytes(draw(st.lists(FIRST, min_size=4, max_size=4)))]
    addresses.append(MAPPED + addresses[0])
    for raw, length, _ in found:
        bits = len(raw) * 8
        first = int.from_bytes(raw, "big")
        last = first + (1 << (bits - length)) - 1
        addresses += [
            edge.to_bytes(len(raw), "big") for edge in (first - 1, first, last, last + 1) if 0 <= edge < 1 << bits
        ]
    return found, addresses


@settings(max_examples=400, derandomize=True, deadline=None)
@given(tables())
def test_kernel_equals_oracle(case: tuple[list[tuple[bytes, int, int]], list[bytes]]) -> None:
    found, addresses = case
    kernel, twin = cidr.Prefixes(found), oracle.Prefixes(found)
    assert [kernel.match(address) for address in addresses] == [twin.match(address) for address in addresses]
