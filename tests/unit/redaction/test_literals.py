"""What every match of a pattern has: derived, then held against what RE2 matches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast.prefilter import GAP, Prefilter
from engine.redaction.literals import keyword, least_digits, needs_of
from engine.redaction.regex import make_scanner
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES

_ATOMS = st.sampled_from(["a", "b", "key", "x-", r"\d", "[0-9]", r"\.", "[ -]", "(", "é", r"\bab", "[a-c]", "k"])


def _joined(parts: list[str]) -> str:
    return "".join(r"\(" if part == "(" else part for part in parts)


PATTERNS = st.recursive(
    st.lists(_ATOMS, min_size=1, max_size=4).map(_joined),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{1,3}", "{0,2}", "+"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    ),
    max_leaves=6,
)
TEXTS = st.text(alphabet="abckey x-.(0123456789é\u212a", max_size=50)


def _rule(pattern: str) -> Rule:
    return Rule("own", "custom", pattern, 1000, "[OWN]", ())


@settings(max_examples=2500, derandomize=True, deadline=None)
@given(PATTERNS, TEXTS, st.booleans())
def test_a_rule_that_matches_is_a_candidate(pattern: str, text: str, folds: bool) -> None:
    pattern = f"(?i){pattern}" if folds else pattern
    literals, digits = needs_of(_rule(pattern))
    data = text.encode()
    if make_scanner([pattern]).find(0, data) is not None:
        assert Prefilter([literals], [digits]).candidates(data) == [0]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.pattern], ids=lambda rule: rule.id)
def test_every_example_of_the_pack_makes_its_rule_a_candidate(rule: Rule) -> None:
    literals, digits = needs_of(rule)
    for example in rule.examples:
        assert Prefilter([literals], [digits]).candidates(example.encode()) == [0]


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("ACME-[0-9]{6}", "acme-"),
        ("(?:foo|bar)[a-z]+", None),
        ("(?:abcd)?efg", "efg"),
        ("(?:abcd){1,2}x", "abcd"),
        (r"\bgh[pousr]_\w{36}", None),
        ("ab", None),
    ],
)
def test_keyword(pattern: str, literal: str | None) -> None:
    assert keyword(pattern) == literal


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (r"\b(?:\d[ -]?){12,18}\d\b", 13),
        (r"\d{3}-\d{2}-\d{4}", 9),
        (r"(?:\d{1,3}\.){3}\d{1,3}", 4),
        (r"\d{3}(?:\(\d{2}\))?\d{3}", 6),
        (r"[a-z]{1,9}", 0),
        (r"\d{2}|\d{4}|a", 0),
        (r"\d{2}\w{9}\d{2}", 2),
    ],
)
def test_least_digits(pattern: str, count: int) -> None:
    assert least_digits(pattern, GAP) == count


def test_a_pattern_that_cannot_be_read_is_always_tried() -> None:
    assert needs_of(_rule(r"a(?i)bcd")) == ([], 0)


def test_keywords_are_a_part_of_the_rule() -> None:
    rule = Rule("own", "custom", r"[a-z]+-[0-9]+", 100, "[OWN]", (), (), ("acme", "initech"))
    assert needs_of(rule) == ([b"acme", b"initech"], 1)
