"""What the matches of a pattern are made of: derived, then held against what RE2 matches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redaction.alphabet import alphabet_of, members_of, required, shortest
from engine.redaction.prefixes import longest
from engine.redaction.regex import make_scanner
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES
from engine.redaction.ruleset import bound_rule, places
from engine.redaction.search import search_of

_ATOMS = st.sampled_from(
    [
        "key",
        "KEY:",
        "a@",
        "[a-f]",
        "[^a-z]",
        r"\d",
        r"\w{2}",
        r"\s",
        r"\S",
        ".",
        "é",
        "[k-s]",
        "(?i:sk)",
        "(?smi:k[x-z])",
        r"[^\s:]{1,3}",
        "x{0,3}",
        "[.]",
        r"\.",
    ]
)
PATTERNS = st.recursive(
    st.lists(_ATOMS, min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{1,3}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    ),
    max_leaves=5,
)
TEXTS = st.lists(
    st.sampled_from([*"aAfxzkKsS19 .@:,\n\v", "é", "\u017f", "\u212a", "key", "KEY:", "a@b", "...", "key " * 9]),
    max_size=30,
).map("".join)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4), st.booleans())
def test_matches_are_made_of_what_the_pattern_says(pattern: str, texts: list[str], folds: bool) -> None:
    pattern = f"(?i){pattern}" if folds else pattern
    alphabet, least, mark = alphabet_of(pattern), shortest(pattern), required(pattern)
    scanner = make_scanner([pattern])
    for text in texts:
        data = text.encode()
        at = 0
        while (place := scanner.find(0, data, at)) is not None:
            match = data[place[0] : place[1]]
            assert alphabet is None or set(match) <= set(alphabet)
            assert least <= len(match) <= longest(pattern)
            assert not mark or mark in match
            at = place[1]


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    PATTERNS,
    st.lists(TEXTS, min_size=1, max_size=3),
    st.sampled_from([(), ("key",), ("@", "a@b"), ("k", "key"), ("é",), ("ke", "key:", "y")]),
    st.integers(0, 9),
)
def test_a_search_in_the_regions_finds_what_a_search_in_all_text_finds(
    pattern: str, texts: list[str], keywords: tuple[str, ...], start: int
) -> None:
    rule = Rule("own", "custom", pattern, 1000, "[OWN]", (), (), keywords)
    search = search_of((rule,))
    for text in texts:
        data = text.encode()
        begin = len(text[:start].encode())
        found = [
            place
            for index, left, right, before in search.candidates(data, begin)
            for place in places(rule, search.scanner, index, data, left, right)
            if place[0] < before
        ]
        assert found == list(places(rule, search.scanner, 0, data, begin))


@pytest.mark.parametrize(
    ("pattern", "keywords", "text"),
    [
        # Of two keywords the one that is looked for last may end first.
        (r"[a-z]{0,8}id[a-z]{0,20}", ("id", "token"), "aaaaaaaaidxxtoken"),
        (r"[a-z]{0,8}(?:pin|key)[a-z]{0,20}", ("in", "key"), "aaaaaaaapinxxkey"),
        (r"[a-z]{0,13}abcdef", ("bc", "abcdef"), "x" * 13 + "abcdef"),
        (
            r"[^\n]{0,9}(?:a1|b:b|a-b)",
            ("a1", "b:b", "a-b"),
            "12 34 56ababa1\nyss.a1k\0. \u212aeyx  Saaaa\u017fKa\u212ab:b",
        ),
        # The vertical tab is no space for RE2.
        (r"tok=\S{3,20}", ("tok",), "tok=ab\vcd"),
        (r"tok=[^\s;]{3,20}", ("tok",), "tok=ab\vcd"),
        (r"(?smi:tok[x-z]{3})", ("tok",), "tokXYZ"),
        (r"[A-Z]\d{2}(?:-\d{2})?\d{2}", (), "A12-3456"),
        (r"abcd\0x\07", (), "abcd\0x\7"),
        (r"ab\x{63}\Qabc\E+", (), "abcabccc"),
    ],
)
def test_what_was_lost_once(pattern: str, keywords: tuple[str, ...], text: str) -> None:
    rule = bound_rule(Rule("own", "custom", pattern, 100, "[OWN]", (), (), keywords))
    search = search_of((rule,))
    data = text.encode()
    whole = list(places(rule, search.scanner, 0, data))
    assert whole
    assert whole == [
        place
        for index, left, right, _ in search.candidates(data)
        for place in places(rule, search.scanner, index, data, left, right)
    ]


def test_blind_to_case_a_word_character_may_have_three_bytes() -> None:
    rule = bound_rule(Rule("own", "custom", r"(?i)tok=\w{3,12}", 100, "[OWN]", (), (), ("tok",)))
    data = ("tok=" + "\u212a" * 9).encode()
    assert list(places(rule, search_of((rule,)).scanner, 0, data)) == [(0, len(data))]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES if rule.pattern])
def test_examples_lie_in_the_regions_of_their_rule(rule: Rule) -> None:
    rule = bound_rule(rule)
    search = search_of((rule,))
    for example in rule.examples:
        for before, behind in (("", ""), ("See (", "), then."), ("ab " * 500, " cd" * 500)):
            data = f"{before}{example}{behind}".encode()
            whole = list(places(rule, search.scanner, 0, data))
            parts = [
                place
                for index, left, right, _ in search.candidates(data)
                for place in places(rule, search.scanner, index, data, left, right)
            ]
            assert parts == whole


@pytest.mark.parametrize(
    ("pattern", "alphabet", "least", "mark"),
    [
        (r"ab\d{2,5}", b"0123456789ab", 4, 0),
        (r"(?i)ax\.", b".AXax", 3, ord(".")),
        (r"[a-c]@(?:x|y;)", b";@abcxy", 3, ord("@")),
        (r"(?:a;|b;)[,.]", b",.;ab", 3, ord(";")),
        (r"x[^\n]", None, 2, 0),
        (r"[é]", bytes(range(128, 256)), 1, 0),
    ],
)
def test_patterns(pattern: str, alphabet: bytes | None, least: int, mark: int) -> None:
    assert (alphabet_of(pattern), shortest(pattern), required(pattern)) == (alphabet, least, mark)


def test_blind_to_case_k_and_s_have_forms_beyond_ascii() -> None:
    assert 0x84 in (alphabet_of("(?i)k") or b"")
    assert b"s"[0] in (alphabet_of("(?i)\u017f") or b"")
    assert alphabet_of("k") == b"k"


def test_what_an_atom_matches() -> None:
    assert members_of("[a[&]", None) == "&[a"
    assert members_of(r"[[:alpha:]]", None) is None
    assert members_of(r"\D", None) == "".join(chr(code) for code in range(128) if not chr(code).isdigit()) + "é"
