"""The runs kernel against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import runs
from engine._fast.runs import Runs
from tests.fast.oracles import runs as oracle


def test_the_compiled_kernel_is_tested() -> None:
    assert runs.__file__.endswith(".so")


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.sampled_from([b"ab", b"a-]", b"abc\xff", b""]),
    st.integers(1, 6),
    st.text(alphabet="aaabbc-] é", max_size=60).map(str.encode),
    st.integers(0, 20),
)
def test_runs_are_those_of_the_oracle(members: bytes, least: int, text: bytes, start: int) -> None:
    assert Runs(members, least).find(text, start) == oracle.find(members, least, text, start)


@pytest.mark.parametrize("least", [1, 2, 10])
def test_the_ends_of_a_text(least: int) -> None:
    kernel = Runs(b"x", least)
    assert kernel.find(b"x" * (least - 1)) is None
    assert kernel.find(b"x" * least) == (0, least)
    assert kernel.find(b"." + b"x" * 50) == (1, 51)
    assert kernel.find(b"xx", 9) is None
    with pytest.raises(ValueError, match="at least 1"):
        Runs(b"x", 0)
