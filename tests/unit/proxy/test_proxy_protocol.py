"""The PROXY header: read whole in any pieces, not a byte too many, and refused where it does not say whose it is."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.proxy.proxy_protocol import LONGEST, HeaderError, HeaderReader

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PORTS = b"\x30\x39\x01\xbb"


def v2(command: int, kind: int, body: bytes, length: int | None = None) -> bytes:
    return SIGNATURE + bytes([command, kind]) + (len(body) if length is None else length).to_bytes(2) + body


def packed(text: str) -> bytes:
    return ip_address(text).packed


IPV4 = packed("192.0.2.7") + packed("198.51.100.1") + PORTS
IPV6 = packed("2001:db8::7") + packed("2001:db8::1") + PORTS
MAPPED = packed("::ffff:192.0.2.7") + packed("::ffff:198.51.100.1") + PORTS

GOOD = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n", packed("192.0.2.7")),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", packed("255.255.255.255")),
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n", packed("192.0.2.7")),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 12345 443\r\n", packed("2001:db8::7")),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 12345 443\r\n", packed("192.0.2.7")),
    (
        b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
        b"\xff" * 16,
    ),
    (v2(0x21, 0x11, IPV4), packed("192.0.2.7")),
    (v2(0x21, 0x11, IPV4 + b"\x04\x00\x05hello"), packed("192.0.2.7")),
    (v2(0x21, 0x11, IPV4 + bytes(LONGEST - 16 - len(IPV4))), packed("192.0.2.7")),
    (v2(0x21, 0x21, IPV6), packed("2001:db8::7")),
    (v2(0x21, 0x21, MAPPED), packed("192.0.2.7")),
    (v2(0x20, 0x00, b""), None),
    # What LOCAL has for addresses is skipped.
    (v2(0x20, 0x11, IPV4), None),
    (v2(0x20, 0x31, bytes(216)), None),
]


@pytest.mark.parametrize(("header", "source"), GOOD)
@given(data=st.data())
def test_a_header_in_any_pieces(header: bytes, source: bytes | None, data: st.DataObject) -> None:
    sent = header + b"\x16\x03\x01 what follows \r\n"
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent)), max_size=6)))
    reader, at = HeaderReader(), 0
    for cut in [*cuts, len(sent)]:
        if at >= cut or reader.done:
            continue
        size = reader.feed(sent[at:cut])
        assert 0 < size <= cut - at
        at += size
        assert reader.done or at == cut
    assert reader.done
    assert at == len(header)
    assert reader.source == source


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        b" PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN 192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        b"PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1  2\r\n",
        b"PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 nowhere 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2" + b" " * 80,
        b"PROXY TCP4 " + b"1" * 200,
        v2(0x21, 0x00, b""),
        v2(0x21, 0x00, IPV4),
        v2(0x21, 0x12, IPV4),
        v2(0x21, 0x22, IPV6),
        v2(0x21, 0x31, bytes(216)),
        v2(0x21, 0x11, IPV4[:-1]),
        v2(0x21, 0x21, IPV4),
        v2(0x22, 0x11, IPV4),
        v2(0x11, 0x11, IPV4),
        v2(0x31, 0x11, IPV4),
        v2(0x21, 0x11, IPV4, 0xFFFF),
        v2(0x20, 0x00, b"", LONGEST),
        SIGNATURE[:-1] + b"x",
    ],
)
def test_what_is_no_header_or_says_nothing(data: bytes) -> None:
    reader = HeaderReader()
    with pytest.raises(HeaderError):
        reader.feed(data)


@given(st.binary(min_size=1, max_size=300), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE]))
def test_anything_else_ends_in_a_header_an_error_or_a_wait(data: bytes, start: bytes) -> None:
    reader = HeaderReader()
    try:
        size = reader.feed(start + data)
    except HeaderError:
        return
    assert 0 < size <= len(start + data)
    assert reader.done or size == len(start + data)
