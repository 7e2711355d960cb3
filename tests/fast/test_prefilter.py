"""The prefilter kernel against plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import prefilter
from engine._fast.prefilter import GAP, LED, LOOSE, STRICT, Prefilter, gather
from tests.fast.oracles import prefilter as oracle

ALPHABET = "aAbBkK-_0159 .@:\x00é"
# Parts of a text that are kept apart for one rule.
MOST_PARTS = 4
LITERALS = st.text(alphabet="abk-_0@:", min_size=1, max_size=6).map(str.encode)
RULES = st.lists(st.tuples(st.lists(LITERALS, max_size=3), st.integers(0, 6)), max_size=80)


def test_the_compiled_kernel_is_tested() -> None:
    assert prefilter.__file__.endswith(".so")
    assert GAP == oracle.GAP


@pytest.fixture(params=[True, False], ids=["gathered", "one by one"])
def lookup(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each way to look up literals."""
    gather(request.param)
    yield
    gather(True)


def test_both_ways_to_look_literals_up_find_the_same() -> None:
    rng = random.Random(3)  # noqa: S311 - to be repeated
    literals = [["".join(rng.choices("abcde-", k=rng.randrange(3, 7))).encode()] for _ in range(60)]
    kernel = Prefilter(literals, [0] * 60, [9] * 60)
    texts = ["".join(rng.choices("abcdeABC- ", k=size)).encode() for size in (*range(40), 500, 20_000)]
    try:
        gather(False)
        plain = [kernel.regions(text) for text in texts]
        gather(True)
        assert [kernel.regions(text) for text in texts] == plain
    finally:
        gather(True)
    assert any(found for found, _ in plain)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(RULES, st.text(alphabet=ALPHABET, max_size=120).map(str.encode))
def test_candidates_are_those_of_the_oracle(rules: list[tuple[list[bytes], int]], text: bytes) -> None:
    literals, digits = [needed for needed, _ in rules], [count for _, count in rules]
    assert Prefilter(literals, digits).candidates(text) == oracle.candidates(literals, digits, text)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(RULES, st.text(alphabet=ALPHABET, max_size=120).map(str.encode), st.integers(0, 30), st.integers(0, 20))
def test_regions_are_those_of_the_oracle(
    rules: list[tuple[list[bytes], int]], text: bytes, bound: int, begin: int
) -> None:
    literals, digits = [needed for needed, _ in rules], [count for _, count in rules]
    # No match is shorter than a literal that it has.
    bounds = [bound and max(bound, *map(len, needed), 0, 0) for needed in literals]
    begin = min(begin, len(text))
    expected = oracle.regions(literals, digits, bounds, text, begin)
    found, spans = Prefilter(literals, digits, bounds).regions(text, begin)
    assert spans == []
    if all(sum(other == rule for other, *_ in expected) < MOST_PARTS for rule, *_ in expected):
        assert found == expected
    assert found == sorted(found)
    assert all(one[0] != two[0] or one[2] < two[1] for one, two in pairwise(found))
    for rule, left, right in expected:
        assert any(other == rule and a <= left and right <= b for other, a, b in found)


def test_regions_around_clusters_and_runs() -> None:
    kernel = Prefilter(
        [[], [], [], [], [b"key"]],
        [0, 0, 0, 0, 0],
        [9, 9, 9, 12, 20],
        [(STRICT, 5, 1, 2), (LED, 3, 2, 9), (LOOSE, 6, 4, 4), None, None],
        [0, 0, 0, 8, 0],
    )
    text = b"12,345 and AB123 c; 12x3-4x56 +1.23-45. a_b abcdefgh KEY"
    found, spans = kernel.regions(text)
    assert [(index, text[left:right]) for index, left, right in found] == [
        (3, b".23-45. a_b abcdefgh KEY"),
        (4, b"45. a_b abcdefgh KEY"),
    ]
    assert [text[left:right] for left, right in spans] == [b"AB123 c; 12x3-4x56 +1.23-45. a_"]
    assert kernel.regions(b"12,345 and 1,234 or b12 or 1:2:3:4") == ([], [])
    assert kernel.regions(b"x" * 7 + b" " + b"y" * 7) == ([], [])
    assert kernel.regions("é é€12345€".encode())[1] == [(8, 16)]


def test_more_clusters_than_are_told_apart_are_one() -> None:
    kernel = Prefilter([[]], [0], [4], [(STRICT, 4, 0, 0)])
    text = b"1234, " * 1000
    found, spans = kernel.regions(text)
    assert found == []
    assert spans[:2] == [(0, 4), (6, 10)]
    assert spans[-1][1] == len(text) - 2
    assert len(spans) < 1000


@pytest.mark.usefixtures("lookup")
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
    with pytest.raises(ValueError, match="runs: one entry"):
        Prefilter([[]], [0], [9], [None], [])
    with pytest.raises(ValueError, match="at most"):
        Prefilter([[]] * 1025, [0] * 1025)


def test_regions_reach_back_as_far_as_the_lead() -> None:
    kernel = Prefilter([[b"key"], [b"key"]], [0, 0], [20, 20], leads=[5, 0])
    text = b"." * 30 + b"key" + b"." * 10 + b"key" + b"." * 30
    assert kernel.regions(text)[0] == [(0, 28, 63), (1, 13, 63)]
    assert kernel.regions(text, 0, True)[0] == [(0, 13, 63), (1, 13, 63)]
    with pytest.raises(ValueError, match="leads: one entry"):
        Prefilter([[]], [0], leads=[])


def test_each_run_has_its_own_region() -> None:
    kernel = Prefilter([[], [], []], [0, 0, 0], [6, 9, 4], None, [5, 8, 3])
    text = b"abc.de " * 3 + b" abcde" + b" ." * 20 + b"abcdefgh" + b" ." * 20 + b"abcdef"
    found, _ = kernel.regions(text)
    assert [(rule, text[left:right].strip(b" .")) for rule, left, right in found if rule < 2] == [
        (0, b"c.de  abcde"),
        (0, b"abcdefgh"),
        (0, b"abcdef"),
        (1, b"abcdefgh"),
    ]
    assert found == sorted(found)
    many = b"abcdefgh     " * 200
    found, _ = Prefilter([[]], [0], [2], None, [8]).regions(many)
    assert found[:2] == [(0, 0, 10), (0, 11, 23)]
    assert found[-1][2] == len(many) - 3
    assert len(found) < 200
