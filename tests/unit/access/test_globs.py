"""Globs over model names, against a regular expression that may backtrack."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.access.globs import MAX_NAME, Glob, NameMatcher


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "GPT-4o", False),
        ("gpt-4o*", "gpt-4o", True),
        ("gpt-4o*", "gpt-4o-mini", True),
        ("*-mini", "gpt-4o-mini", True),
        ("*-mini", "gpt-4o-mini-2", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("gpt-?", "gpt-4", True),
        ("gpt-?", "gpt-", False),
        ("gpt-?", "gpt-4o", False),
        ("*", "", True),
        ("*", "a\nb", True),
        ("", "", True),
        ("", "a", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("*b*d*", "abcd", True),
        ("*d*b*", "abcd", False),
    ],
)
def test_matching(pattern: str, name: str, matches: bool) -> None:
    assert Glob(pattern).matches(name) is matches
    assert NameMatcher([pattern]).matches(name) is matches


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=10))
def test_equals_a_backtracking_expression(pattern: str, name: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    assert Glob(pattern).matches(name) == (re.fullmatch(expression, name, re.DOTALL) is not None)


def test_worst_case_needs_no_backtracking() -> None:
    # Ten stars over 256 characters would keep a backtracking matcher busy for longer than anyone waits.
    assert not Glob("a*" * 10 + "b").matches("a" * MAX_NAME)


def test_longer_names_match_nothing() -> None:
    assert Glob("*").matches("a" * MAX_NAME)
    assert not Glob("*").matches("a" * (MAX_NAME + 1))
    assert not NameMatcher(["*"]).matches("a" * (MAX_NAME + 1))
    assert not NameMatcher(["a" * (MAX_NAME + 1)]).matches("a" * (MAX_NAME + 1))


def test_specificity_orders_globs() -> None:
    ordered = ["*", "gpt-*", "gpt-4*", "gpt-4o*", "gpt-4o?"]
    assert sorted(ordered, key=lambda pattern: Glob(pattern).specificity) == ordered


def test_no_globs_match_nothing() -> None:
    assert not NameMatcher([]).matches("gpt-4o")
    assert not NameMatcher([]).matches("")


def test_memory_is_bounded_and_answers_stay_right_past_it() -> None:
    matcher = NameMatcher(["m-*", "exact"])
    for number in range(6_000):
        assert matcher.matches(f"m-{number}")
        assert not matcher.matches(f"n-{number}")
    assert len(matcher._known) <= 4_096
    assert matcher.matches("exact")
    assert matcher.matches("m-5999")
    assert not matcher.matches("n-5999")
