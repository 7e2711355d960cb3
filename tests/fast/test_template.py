"""The template kernel against plain Python."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import template
from engine._fast.template import NUMBER, PADDING, TEXT, Template, find_text
from tests.fast.oracles import template as oracle

RAW = b'data: {"id":"a","n":12,"pad":"xyz","text":"some","end":null}\n\n'
PLACES = [
    (RAW.index(b"12"), RAW.index(b"12") + 2, NUMBER),
    (RAW.index(b"xyz"), RAW.index(b"xyz") + 3, PADDING),
    (RAW.index(b"some"), RAW.index(b"some") + 4, TEXT),
]
# What tells a string's end, an escape and UTF-8 apart, in any mix.
_PLAIN = [b"a", b"word ", "é".encode(), "😀".encode(), b"\x7f", b"0" * 16, b'","end":null}\n\n']
_ESCAPES = [b'\\"', b"\\n", b"\\u00e9", b"\\ud83d", b"\\ude00", b"\\u12", b"\\x", b"\\"]
_BROKEN = [b'"', b"\n", b"\xc3", b"\xff"]
INSIDES = st.lists(st.sampled_from([*_PLAIN, *_ESCAPES, *_BROKEN]), max_size=6).map(b"".join)
NUMBERS = st.sampled_from([b"0", b"7", b"10", b"01", b"", b"-1", b"1e3", b"9" * 18, b"9" * 19])


def _event(number: bytes, padding: bytes, text: bytes) -> bytes:
    return RAW.replace(b"12", number).replace(b"xyz", padding).replace(b"some", text)


def test_the_compiled_kernel_is_tested() -> None:
    assert template.__file__.endswith(".so")
    assert (TEXT, PADDING, NUMBER) == (oracle.TEXT, oracle.PADDING, oracle.NUMBER)


@settings(max_examples=600, derandomize=True, deadline=None)
@given(NUMBERS, INSIDES, INSIDES)
def test_texts_are_those_of_the_oracle(number: bytes, padding: bytes, text: bytes) -> None:
    kernel = Template(RAW, PLACES)
    event = _event(number, padding, text)
    expected = oracle.text(RAW, PLACES, event)
    found = kernel.text(event)
    assert (found if found is None else (found, kernel.padding)) == expected


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=40), st.booleans())
def test_any_text_is_read_as_json_reads_it(text: str, ascii_only: bool) -> None:
    event = _event(b"3", b"", json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass"))
    found = Template(RAW, PLACES).text(event)
    if text.isprintable() and all(ord(character) < 0xD800 for character in text):
        assert found == text.encode()
    assert found is None or json.loads(event[6:])["text"].encode() == found


def test_an_event_that_is_otherwise_different_is_not_like() -> None:
    kernel = Template(RAW, PLACES)
    assert kernel.text(RAW) == b"some"
    for at in range(len(RAW)):
        assert kernel.text(RAW[:at]) is None
        if not any(left <= at < right for left, right, _ in PLACES):
            assert kernel.text(RAW[:at] + b"~" + RAW[at + 1 :]) is None
    assert kernel.text(RAW + b"\n") is None


def test_the_only_string_of_a_text_is_found() -> None:
    at = RAW.index(b"some")
    assert find_text(RAW, b"some") == (at, at + 4)
    assert find_text(RAW, b"none") is None
    assert find_text(RAW.replace(b"xyz", b"some"), b"some") is None
    assert find_text(b'{"a":"\\u0041b"}', b"Ab") == (6, 13)
    assert find_text(b'{"a', b"a") is None


def test_places_are_bounded() -> None:
    with pytest.raises(ValueError, match="at most"):
        Template(b"abcdef", [(at, at + 1, NUMBER) for at in range(5)])
