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
MOST_PARTS = 8
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


@st.composite
def needs(draw: st.DrawFn) -> oracle.Need:
    literals = draw(st.lists(LITERALS, max_size=3))
    longest = max(map(len, literals), default=0)
    # No match is shorter than a literal that it has, and none has a literal of other bytes.
    bound = draw(st.sampled_from((0, longest, longest + 3, longest + 20)))
    alphabet = draw(st.none() | st.sampled_from((b"abkABK-_", b"abkABK-_019@:", bytes(range(1, 256)))))
    if alphabet is not None:
        alphabet = bytes(sorted({*alphabet, *b"".join(literals), *b"".join(literals).upper()}))
    return oracle.Need(
        literals,
        draw(st.integers(0, 4)),
        bound,
        draw(st.sampled_from((0, longest))) if bound else 0,
        alphabet,
        draw(st.integers(0, 8)),
        draw(st.sampled_from((0, 0, 0, ord("@")))) if literals else 0,
    )


def _kernel(rules: list[oracle.Need]) -> Prefilter:
    return Prefilter(
        [need.literals for need in rules],
        [need.digits for need in rules],
        [need.bound for need in rules],
        None,
        None,
        [need.lead for need in rules],
        [need.alphabet for need in rules],
        [need.least for need in rules],
        [need.mark for need in rules],
    )


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.lists(needs(), max_size=20), st.text(alphabet=ALPHABET, max_size=120).map(str.encode), st.integers(0, 20))
def test_regions_are_those_of_the_oracle(rules: list[oracle.Need], text: bytes, begin: int) -> None:
    begin = min(begin, len(text))
    found, spans = _kernel(rules).regions(text, begin)
    expected = oracle.regions(rules, text, begin)
    assert spans == []
    assert found == sorted(found)
    assert all(one[0] != two[0] or one[2] < two[1] for one, two in pairwise(found))
    for index, left, right, before in expected:
        assert any(rule == index and a <= left and right <= b and before <= c for rule, a, b, c in found)
    # Short literals are looked for by themselves, so that the parts of a rule with both may be larger.
    for index, need in enumerate(rules):
        of_one = [region for region in expected if region[0] == index]
        sizes = {len(each) < 3 for each in need.literals}
        if len(sizes) < 2 and len(of_one) < MOST_PARTS and len(need.literals) < 2:
            assert [region for region in found if region[0] == index] == of_one


def test_regions_around_clusters_and_runs() -> None:
    kernel = Prefilter(
        [[], [], [], [], [b"key"]],
        [0, 0, 0, 0, 0],
        [9, 9, 9, 12, 20],
        [(STRICT, 5, 1, 2, 1), (LED, 3, 2, 9, 1), (LOOSE, 6, 4, 4, 1), None, None],
        [None, None, None, (8, 99), None],
    )
    text = b"12,345 and AB123 c; 12x3-4x56 +1.23-45. a_b abcdefgh KEY"
    found, spans = kernel.regions(text)
    assert [(index, text[left:right]) for index, left, right, _ in found] == [
        (3, b".23-45. a_b abcdefgh KEY"),
        (4, b"45. a_b abcdefgh KEY"),
    ]
    assert [text[left:right] for left, right in spans] == [b"AB123 c; 12x3-4x56 +1.23-45. a_"]
    assert kernel.regions(b"12,345 and 1,234 or b12 or 1:2:3:4") == ([], [])
    assert kernel.regions(b"x" * 7 + b" " + b"y" * 7) == ([], [])
    assert kernel.regions("é é€12345€".encode())[1] == [(8, 16)]


def test_a_cluster_is_of_so_many_numbers_bytes_and_size() -> None:
    kernel = Prefilter([[]], [0], [30], [(STRICT, 4, 3, 9, 4)], None, None, [b".0123456789"], [9])
    for text, span in (
        (b"in 1.2.33.4444, 5", [(3, 14)]),
        (b"in 1.2.33", []),
        (b"in 1234.5678.9123", []),
        (b"in 1.2.3.4", []),
        (b"v:.1.2.3.4.5.x6", [(2, 13)]),
    ):
        assert kernel.regions(text) == ([], span), text


def test_more_clusters_than_are_told_apart_are_one() -> None:
    kernel = Prefilter([[]], [0], [4], [(STRICT, 4, 0, 0, 1)])
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


@pytest.mark.parametrize("bad", [[[b"Upper"]], [["éA".encode()]], [[b""]]])
def test_a_literal_that_cannot_be_used_is_refused(bad: list[list[bytes]]) -> None:
    with pytest.raises(ValueError, match="lower case"):
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
    assert kernel.regions(text)[0] == [(0, 28, 63, 44), (1, 13, 63, 44)]
    assert kernel.regions(text, 0, True)[0] == [(0, 13, 63, 44), (1, 13, 63, 44)]
    with pytest.raises(ValueError, match="leads: one entry"):
        Prefilter([[]], [0], leads=[])


def test_each_run_has_its_own_region() -> None:
    kernel = Prefilter([[], [], []], [0, 0, 0], [6, 9, 4], None, [(5, 99), (8, 8), (3, 99)])
    text = b"abc.de " * 3 + b" abcde" + b" ." * 20 + b"abcdefgh" + b" ." * 20 + b"abcdef"
    found, _ = kernel.regions(text)
    assert [(rule, text[left:right].strip(b" .")) for rule, left, right, _ in found if rule < 2] == [
        (0, b"c.de  abcde"),
        (0, b"abcdefgh"),
        (0, b"abcdef"),
        (1, b"abcdefgh"),
    ]
    assert found == sorted(found)
    many = b"abcdefgh     " * 200
    found, _ = Prefilter([[]], [0], [2], None, [(8, 8)]).regions(many)
    assert found[:2] == [(0, 0, 10, 10), (0, 11, 23, 23)]
    assert found[-1][2] == len(many) - 3
    assert len(found) < 200
