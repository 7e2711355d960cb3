"""The period kernel against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine._fast import period
from engine._fast.period import periodic_block
from tests.fast.oracles import period as oracle

units = st.binary(min_size=1, max_size=20) | st.text("ab", min_size=1, max_size=20).map(str.encode)
pieces = st.tuples(units, st.integers(1, 12)).map(lambda pair: pair[0] * pair[1]) | st.binary(max_size=60)


def test_it_is_the_compiled_one() -> None:
    assert period.__file__.endswith(".so")


@given(
    st.lists(pieces, max_size=8).map(b"".join),
    st.integers(0, 60),
    st.integers(1, 30),
    st.integers(1, 16),
    st.integers(0, 20),
)
def test_blocks_are_those_of_the_oracle(text: bytes, start: int, stride: int, longest: int, more: int) -> None:
    size = max(2 * longest, longest + 8) + more
    wanted = oracle.periodic_block(text, start, stride, size, longest)
    assert periodic_block(text, start, stride, size, longest) == wanted


def test_a_block_that_ends_with_the_text_and_one_that_would_end_behind() -> None:
    assert periodic_block(b"." + b"ab" * 8, 1, 1, 16, 2) == (1, 2)
    assert periodic_block(b"." + b"ab" * 8, 2, 1, 16, 2) is None
    assert periodic_block(b"", 0, 1, 16, 2) is None
    assert periodic_block(b"ab" * 8, 1 << 62, 1, 16, 2) is None


@pytest.mark.parametrize(
    ("start", "stride", "size", "longest"),
    [(-1, 1, 16, 2), (0, 0, 16, 2), (0, 1, 16, 0), (0, 1, 16, 9), (0, 1, 9, 2), (0, 1, 1 << 62, -1)],
)
def test_blocks_out_of_range(start: int, stride: int, size: int, longest: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        periodic_block(b"a" * 64, start, stride, size, longest)
