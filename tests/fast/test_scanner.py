"""The scanner kernel, and the stand-in behind the same seam, against the standard library's `re`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import scanner
from engine._fast.scanner import PatternError, Scanner, Tails, Together
from engine.redaction.regex import (
    Place,
    Pyre2Scanner,
    Pyre2Tails,
    Pyre2Together,
    RegexError,
    make_scanner,
    make_tails,
    make_together,
)

ENGINES = [Scanner, Pyre2Scanner]
# Leftmost-first is what both engines and `re` have in common; none of these can match in exponential time.
PATTERNS = [
    r"ab+",
    r"\bkey-([0-9]{2,4})\b",
    r"a|ab|abc",
    r"(?:a|b){2,5}c?",
    r"(x)?yz",
    r"b*",
    r"^a",
    r"[^a]b",
    r"(?i)key",
]
TEXTS = st.text(alphabet="abcxyzKEY-key0129 é", max_size=60)


def oracle(pattern: str, text: str, start: int) -> Place | None:
    """The same by `re` over text, in bytes."""
    for match in re.compile(pattern, re.ASCII).finditer(text, start):
        if match.end() > match.start():
            value = match.span(1) if match.re.groups and match.group(1) else match.span()
            left, right, begin, end = (len(text[:place].encode()) for place in (*match.span(), *value))
            return left, right, begin, end
    return None


def test_the_compiled_kernel_is_tested() -> None:
    assert scanner.__file__.endswith(".so")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_finds_what_re_finds(engine: Callable[[list[str]], Scanner], pattern: str) -> None:
    kernel = engine([pattern])

    @settings(max_examples=150, derandomize=True, deadline=None)
    @given(TEXTS, st.integers(0, 5))
    def check(text: str, start: int) -> None:
        start = min(start, len(text))
        data = text.encode()
        # Python's `^` does not hold at a later start; RE2's neither, with text before it.
        found = kernel.find(0, data, len(text[:start].encode()))
        assert found == oracle(pattern, text, start)
        assert kernel.occurs(0, data) == (oracle(pattern, text, 0) is not None)

    check()


@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 300_000])
def test_long_texts(size: int) -> None:
    kernel = Scanner([r"needle\b", r"absent"])
    text = b"x" * size + b" needle"
    assert kernel.find(0, text) == (size + 1, size + 7, size + 1, size + 7)
    assert kernel.occurs(0, text)
    assert kernel.find(1, text) is None
    assert not kernel.occurs(1, text)


def test_what_stands_behind_the_end_is_seen_but_takes_no_part() -> None:
    kernel = Scanner([r"\bkey\b", r"key$", "[a-z]+", r"(?m)key$"])
    text = b"a key, keys\nkey\nb"
    for rule, place in ((0, (2, 5, 2, 5)), (1, None), (2, (0, 1, 0, 1)), (3, None)):
        assert kernel.find(rule, text, 0, 5) == place
        assert kernel.occurs(rule, text, 0, 5) == (place is not None)
    assert kernel.find(0, text, 6, 10) is None
    assert kernel.find(3, text, 6, 15) == (12, 15, 12, 15)
    assert kernel.find(2, text, 2, 4) == (2, 4, 2, 4)
    assert kernel.find(2, text, 5, 2) is None
    assert kernel.find(2, text, 0, 99) == kernel.find(2, text) == (0, 1, 0, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_place_of_each_region(engine: Callable[[list[str]], Scanner]) -> None:
    kernel = engine([r"key-\d", "", r"\d(\d)"])
    text = b"key-1 key-2 34"
    regions = [(0, 0, 14, 14), (0, 1, 14, 7), (1, 3, 5, 5), (2, 0, 14, 14), (2, 0, 5, 5), (0, 6, 11, 6)]
    found = kernel.first(text, regions)
    if engine is Pyre2Scanner:
        # It looks at all of the text; what lies outside of a region is told by who asks.
        found = [entry for entry in found if entry[1] is None or entry[1][0] < entry[0][3]]
    assert found == [
        ((0, 0, 14, 14), (0, 5, 0, 5)),
        ((0, 1, 14, 7), (6, 11, 6, 11)),
        ((1, 3, 5, 5), None),
        ((2, 0, 14, 14), (12, 14, 13, 14)),
    ]
    with pytest.raises(IndexError):
        kernel.first(text, [(3, 0, 1, 1)])


@pytest.mark.parametrize("make", [Tails, Pyre2Tails])
def test_the_longest_end_of_several_patterns(make: Callable[[list[str], list[int]], Tails]) -> None:
    patterns, bounds = [r"(?:a(?:b(?:c)?)?)?\z", r"[0-9]*\z", r"(?:é[xy]*)?\z"], [3, 4, 9]
    kernel = make(patterns, bounds)

    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(st.text(alphabet="abcxyé01 ", max_size=12), st.integers(0, 6))
    def check(text: str, start: int) -> None:
        data = text.encode()
        begin = len(text[:start].encode())
        ends = [
            at
            for at in range(begin, len(data))
            if data[at] & 0xC0 != 0x80
            and any(
                len(data) - at <= bound and re.fullmatch(pattern[:-2], data[at:].decode())
                for pattern, bound in zip(patterns, bounds, strict=True)
            )
        ]
        assert kernel.live_from(data, begin) == min([*ends, len(data)])

    check()


def test_each_of_several_patterns_has_a_bound() -> None:
    with pytest.raises(ValueError, match="one bound"):
        Tails([r"a?\z"], [])
    with pytest.raises(RegexError):
        make_tails(["("], [1])


def test_invalid_utf8_ends_nothing() -> None:
    kernel = Scanner(["key"])
    assert kernel.find(0, b"\xff\xfe\x80key\xc3") == (3, 6, 3, 6)


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1001}", "[z-a]", "((a{500}){500}){500}"])
def test_what_re2_refuses_is_an_error_and_never_another_engine(pattern: str) -> None:
    with pytest.raises(PatternError) as kernel:
        Scanner(["fine", pattern])
    assert kernel.value.index == 1
    for make in (make_scanner, Pyre2Scanner):
        with pytest.raises(RegexError) as seam:
            make(["fine", pattern])
        assert seam.value.index == 1


def test_a_pattern_that_is_not_there() -> None:
    kernel = Scanner(["a"])
    assert len(kernel) == 1
    for rule in (-1, 1):
        with pytest.raises(IndexError):
            kernel.find(rule, b"a")
        with pytest.raises(IndexError):
            kernel.occurs(rule, b"a")


def test_an_automaton_without_room_still_finds() -> None:
    # A memory too small for the automaton's states: RE2 goes over to its engines that need none.
    kernel = Scanner([r"(?:[a-q][^u-z]{13}x|[a-f]{20}y)"], 1 << 15)
    text = b"abcdefghijklmnop" * 2000 + b"q" + b"0" * 13 + b"x"
    found = kernel.find(0, text)
    assert found is not None
    assert found[1] == len(text)


# Each needs a character at least; what stands beside a span decides of some.
ASKED = [r"ab+", r"\bkey-[0-9]{2,4}\b", r"\B[0-9]", r"(?m:^)a", r"c(?m:$)", r"(?i)key", r"[^a]b", r"é", r"\z\ba|x\z"]


@pytest.mark.parametrize("engine", [Together, Pyre2Together])
def test_those_that_occur_are_among_those_within(engine: Callable[[list[str]], Together]) -> None:
    together, alone = engine(ASKED), Scanner(ASKED)

    @settings(max_examples=500, derandomize=True, deadline=None)
    @given(st.text(alphabet="abcxyzKEY-key0129 é\n", max_size=40), st.lists(st.integers(0, 80), max_size=6))
    def check(text: str, places: list[int]) -> None:
        data = text.encode()
        offsets = sorted({min(len(text[:place].encode()), len(data)) for place in places})
        spans = list(zip(offsets[::2], offsets[1::2], strict=False))
        found = together.within(data, spans)
        assert found == sorted(set(found), key=lambda entry: (entry[1], entry[0]))
        occurring = {
            (index, left, right)
            for left, right in spans
            for index in range(len(ASKED))
            if alone.occurs(index, data, left, right)
        }
        assert occurring <= set(found)
        # Of a whole text nothing is guessed.
        size = len(data)
        assert together.within(data, [(0, size)]) == [
            (index, 0, size) for index in range(len(ASKED)) if alone.occurs(index, data)
        ]

    check()


@pytest.mark.parametrize("size", range(14, 23))
def test_a_small_budget_loses_nothing(size: int) -> None:
    # Where each of the last forty letters was is another state.
    greedy = ["a[ab]{40}x", "b[ab]{40}y"]
    rng = random.Random(size)  # noqa: S311 - to be repeated
    text = bytes(rng.choice(b"ab") for _ in range(4000)) + b"b" + b"a" * 40
    together = Together(greedy, 1 << size)
    size = 2 * len(text) + 1
    assert (1, 0, size) in together.within(text + b"y" + text, [(0, size)])
    # Nothing, or all of them where there was no room to tell.
    size = len(text)
    assert together.within(text, [(0, size)]) in ([], [(0, 0, size), (1, 0, size)])


def test_a_pattern_that_is_none_is_named_with_its_place() -> None:
    with pytest.raises(PatternError) as error:
        Together(["a", "(", "b"])
    assert error.value.index == 1
    with pytest.raises(RegexError):
        make_together(["a", "("])
    with pytest.raises(PatternError, match="too large together"):
        Together(["[a-z]{500}[0-9]{500}"] * 3, 1 << 14)
    with pytest.raises(TypeError):
        Together(["a"]).within(cast("bytes", None), [])
    assert Together([]).within(b"a", [(0, 1)]) == []
    assert Together(["a"]).within(b"a", []) == []


def test_a_lazy_scanner_finds_the_same_and_names_a_bad_pattern_when_it_is_asked() -> None:
    lazy = Scanner(["a(b+)", "("], lazy=True)
    assert len(lazy) == 2
    assert lazy.find(0, b"xabb") == Scanner(["a(b+)"]).find(0, b"xabb") == (1, 4, 2, 4)
    for ask in (lazy.find, lazy.occurs, lazy.tail):
        with pytest.raises(PatternError) as error:
            ask(1, b"x")
        assert error.value.index == 1
        with pytest.raises(IndexError):
            ask(2, b"x")
    with pytest.raises(ValueError, match="steps: one entry"):
        Scanner(["a"], steps=[None, None])
    broken = Scanner(["ab"], steps=[("(", None, None, None, 1)], lazy=True)
    with pytest.raises(PatternError):
        broken.find(0, b"ab")
