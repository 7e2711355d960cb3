"""The runs kernel against plain Python."""

from __future__ import annotations

import base64
from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import runs
from engine._fast.runs import Tokens
from tests.fast.oracles import runs as oracle

_BASE64 = (ascii_letters + digits + "+/-_").encode()


def test_the_compiled_kernel_is_tested() -> None:
    assert runs.__file__.endswith(".so")


def _both(wide: bool, members: bytes, least: int, longest: int, ending: bytes, text: bytes, start: int) -> None:
    kernel = Tokens(members, least, longest, ending, wide=wide)
    assert kernel.find(text, start, len(text)) == oracle.find(members, least, longest, ending, b"", False, text, start)


# The long texts go through the whole blocks, and their runs over the edges of blocks.
_PIECES = st.lists(
    st.tuples(st.sampled_from(["a", "b", "-", "]", " ", "é", "=", "."]), st.integers(1, 90)), max_size=12
)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.booleans(),
    st.sampled_from([b"ab", b"a-]", b"abc\xff", b"a"]),
    st.integers(3, 90),
    st.integers(1, 200),
    st.sampled_from([b"", b"=", b"=."]),
    _PIECES.map(lambda pieces: "".join(each * count for each, count in pieces).encode()),
    st.integers(0, 200),
)
def test_tokens_are_those_of_the_oracle(
    wide: bool, members: bytes, least: int, longest: int, ending: bytes, text: bytes, start: int
) -> None:
    _both(wide, members, least, longest, ending, text, min(start, len(text)))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.booleans(),
    st.integers(3, 6),
    st.text(alphabet="aaabbc-] é=", max_size=200).map(str.encode),
    st.integers(0, 20),
)
def test_tokens_of_short_runs_are_those_of_the_oracle(wide: bool, least: int, text: bytes, start: int) -> None:
    _both(wide, b"ab", least, 9, b"=", text, min(start, len(text)))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.booleans(), st.text(alphabet="ab%. ", max_size=200).map(str.encode), st.integers(0, 20))
def test_only_tokens_with_the_mark_are_found(wide: bool, text: bytes, start: int) -> None:
    start = min(start, len(text))
    kernel = Tokens(b"ab%", 3, 20, mark=b"%", wide=wide)
    assert kernel.find(text, start, len(text)) == oracle.find(b"ab%", 3, 20, b"", b"%", False, text, start)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=24), st.text(max_size=12).map(str.encode)), st.integers(0, 3))
def test_what_may_be_text_is_what_decodes_to_it(secret: bytes, cut: int) -> None:
    token = base64.b64encode(secret).rstrip(b"=")
    token = token[: len(token) - cut]
    found = Tokens(_BASE64, 1, 100, base64=True).find(b" " + token, 0, 100)
    if oracle.may_be_text(token) and token:
        assert found == (1, 1 + len(token))
    elif found is not None:
        # What it lets through too: characters that are written with more bytes than they need, and surrogates.
        with pytest.raises(UnicodeDecodeError):
            base64.b64decode(token + b"=" * (-len(token) % 4)).decode()


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("least", [1, 2, 10, 64, 65, 130])
def test_the_ends_of_a_text(least: int, wide: bool) -> None:
    kernel = Tokens(b"x", least, 1000, wide=wide)
    assert kernel.find(b"x" * (least - 1), 0, 1000) is None
    assert kernel.find(b"x" * least, 0, 1000) == (0, least)
    assert kernel.find(b"." + b"x" * 350, 0, 1000) == (1, 351)
    assert kernel.find(b"." * 100 + b"x" * least, 0, 1000) == (100, 100 + least)
    assert kernel.find(b"." * 100 + b"x" * least, 0, 100) is None
    assert kernel.find(b"xx", 9, 1000) is None


def test_a_token_goes_no_further_than_two_of_the_ending() -> None:
    kernel = Tokens(b"x", 4, 10, b"=")
    assert kernel.find(b"xx=== xxx== xxxxxxxxx==", 0, 100) == (0, 4)
    assert kernel.find(b"xx=== xxx== xxxxxxxxx==", 4, 100) == (6, 11)
    assert kernel.find(b"xx=== xxx== xxxxxxxxx==", 11, 100) is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        Tokens(b"x", 0, 10)
    with pytest.raises(ValueError, match="too few"):
        Tokens(b"x", 2, 10, b"=")
    with pytest.raises(ValueError, match="one byte"):
        Tokens(b"x", 1, 10, mark=b"xy")
    with pytest.raises(ValueError, match="no member"):
        Tokens(b"x", 1, 10, mark=b"y")
