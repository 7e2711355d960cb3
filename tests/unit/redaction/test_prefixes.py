"""Patterns read, bounded and turned into those of their own prefixes, held against what RE2 matches."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redaction.prefixes import Unbounded, bounded, longest, prefix_pattern, write
from engine.redaction.regex import make_scanner
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES
from engine.redaction.syntax import SyntaxUnknown, parse

_ATOMS = st.sampled_from(["a", "b", "xy", r"\d", "[0-9a]", r"\.", "é", r"\b", "[^a]", "."])
PATTERNS = st.recursive(
    st.lists(_ATOMS, min_size=1, max_size=3).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{1,3}", "{0,2}"])).map(lambda pair: "(?:{}){}".format(*pair)),
        st.lists(inner, min_size=2, max_size=3).map("".join),
    ),
    max_leaves=5,
)
TEXTS = st.text(alphabet="abxy.019é ", max_size=24)


@settings(max_examples=1500)
@given(PATTERNS, TEXTS)
def test_every_beginning_of_a_match_is_held(pattern: str, text: str) -> None:
    data = text.encode()
    place = make_scanner([pattern]).find(0, data)
    if place is None:
        return
    start, end = place[:2]
    assert end - start <= longest(pattern)
    held = make_scanner([f"{prefix_pattern(pattern)}\\z"])
    for cut in range(start + 1, end + 1):
        if cut < len(data) and data[cut] & 0xC0 == 0x80:
            continue
        # The text so far ends in the beginning of a match: from there on, or from before, it is held back.
        found = held.find(0, data[:cut])
        assert found is not None
        assert found[0] <= start


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.pattern], ids=lambda rule: rule.id)
def test_the_pack_is_bounded_and_read_as_it_is_written(rule: Rule) -> None:
    parsed = parse(rule.pattern)
    assert parsed.flags + write(parsed.node) == rule.pattern
    assert bounded(rule.pattern, None) == rule.pattern
    assert longest(rule.pattern) > 0


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a+b*", "a{1,50}b{0,50}"),
        ("(?:ab)+?", "(?:ab){1,50}?"),
        ("a{3,}", "a{3,50}"),
        ("a{2}", "a{2}"),
        ("x|y*", "x|y{0,50}"),
    ],
)
def test_what_has_no_bound_gets_one(pattern: str, expected: str) -> None:
    assert bounded(pattern, 50) == expected
    if expected != pattern:
        with pytest.raises(Unbounded):
            bounded(pattern, None)


@pytest.mark.parametrize("pattern", [r"\C", "a(?i)b", "(?=a)"])
def test_what_the_reader_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(SyntaxUnknown):
        parse(pattern)


def test_quotes_classes_and_escapes_are_read() -> None:
    draw = random.Random(7)  # noqa: S311
    parts = [
        r"\Qa.b\E",
        "[]a]",
        "[^]]",
        r"[\]x]",
        r"[[:alpha:]]",
        r"\x{1F600}",
        r"\pL",
        r"\p{Greek}",
        r"\101",
        r"\-",
        "$",
    ]
    for _ in range(50):
        pattern = "".join(draw.sample(parts, 4))
        parsed = parse(pattern)
        assert make_scanner([parsed.flags + write(parsed.node)])
