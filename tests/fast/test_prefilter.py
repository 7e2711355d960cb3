"""The prefilter kernel against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import prefilter
from engine._fast.prefilter import GAP, Prefilter
from tests.fast.oracles import prefilter as oracle

ALPHABET = "aAbBkK-_0159 .@:\x00é"
LITERALS = st.text(alphabet="abk-_0@:", min_size=1, max_size=6).map(str.encode)
RULES = st.lists(st.tuples(st.lists(LITERALS, max_size=3), st.integers(0, 6)), max_size=80)


def test_the_compiled_kernel_is_tested() -> None:
    assert prefilter.__file__.endswith(".so")
    assert GAP == oracle.GAP


@settings(max_examples=400, derandomize=True, deadline=None)
@given(RULES, st.text(alphabet=ALPHABET, max_size=120).map(str.encode))
def test_candidates_are_those_of_the_oracle(rules: list[tuple[list[bytes], int]], text: bytes) -> None:
    literals, digits = [needed for needed, _ in rules], [count for _, count in rules]
    assert Prefilter(literals, digits).candidates(text) == oracle.candidates(literals, digits, text)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 15, 16, 17, 31, 40])
def test_a_literal_is_found_wherever_it_stands(size: int) -> None:
    literal = (b"sk-ant-" * 8)[:size]
    kernel = Prefilter([[literal]], [0])
    for before in range(20):
        for after in range(5):
            assert kernel.candidates(b"x" * before + literal.upper() + b"y" * after) == [0]
    assert kernel.candidates(literal[:-1]) == []


def test_digits_count_over_gaps_and_blocks() -> None:
    kernel = Prefilter([[]], [6])
    for offset in range(40):
        assert kernel.candidates(b" " * offset + b"1--23---45-6") == [0]
        assert kernel.candidates(b" " * offset + b"123----456") == []


def test_a_long_text_gives_the_same() -> None:
    kernel = Prefilter([[b"needle"], [], [b"@"], [b"absent"]], [0, 9, 0, 0])
    assert kernel.candidates(b"hay " * 50_000 + b"NEEDLE 123-45-6789 a@b") == [0, 1, 2]


@pytest.mark.parametrize("bad", [[[b"Upper"]], [["é".encode()]], [[b""]]])
def test_a_literal_that_cannot_be_used_is_refused(bad: list[list[bytes]]) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        Prefilter(bad, [0])


def test_entries_must_agree_and_are_bounded() -> None:
    with pytest.raises(ValueError, match="one entry"):
        Prefilter([[]], [])
    with pytest.raises(ValueError, match="at most"):
        Prefilter([[]] * 1025, [0] * 1025)
