"""Rules that look at the edges of a text: they hold for each text of an answer."""

from __future__ import annotations

import json

import pytest

from engine.redaction import regex
from engine.redaction.answers import redact_answer
from engine.redaction.edges import at_lines
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.ruleset import build

PATTERNS = (
    "^secret",
    r"\Asecret",
    "secret$",
    r"secret\z",
    r"^secret$",
    "(?:^|x)secret(?:y|$)",
    "(?i)^(SECRET)",
    "(?m)^secret",
)
# The same, blind to literals: nothing but the pattern itself can announce them.
WITHOUT_LITERAL = (r"^\w{6}$", r"^\d{4}$")


def _profile(pattern: str) -> Profile:
    example = "1234" if r"\d" in pattern else "secret"
    return compile_profile("p", {"own": "mask"}, build([Rule("own", "own", pattern, 20, "[X]", (example,))]), bytes(32))


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("^a", "(?m:^)a"),
        (r"\Aa(?:b|c$)", r"(?m:^)a(?:b|c(?m:$))"),
        (r"(?i)a\z", r"(?i)a(?m:$)"),
        (r"(?:^a){2,3}?", r"(?:(?m:^)a){2,3}?"),
    ],
)
def test_edges_of_texts_become_those_of_lines(pattern: str, lines: str) -> None:
    assert at_lines(pattern) == lines


@pytest.mark.parametrize("pattern", [r"\bsecret\b", r"[^$]\$\^", "a|b", r"\Bx{2}"])
def test_a_pattern_without_edges_stays_the_very_same(pattern: str) -> None:
    assert at_lines(pattern) is pattern


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_a_pattern_matches_in_a_text_it_matches_between_others(pattern: str) -> None:
    scanner = regex.make_scanner([at_lines(pattern)])
    for text in (b"secret", b"secret\nsecret", b"\nsecret"):
        found = regex.make_scanner([pattern]).find(0, text)
        assert found is None or scanner.occurs(0, b"a\n\0\n" + text + b"\n\0\nb")


@pytest.mark.parametrize("pattern", PATTERNS + WITHOUT_LITERAL)
@pytest.mark.parametrize("place", ["first", "middle", "last", "name"])
def test_a_rule_with_edges_holds_wherever_its_text_stands(pattern: str, place: str) -> None:
    secret = "1234" if r"\d" in pattern else "secret"
    answer = {
        "first": {"a": secret, "b": "other", "c": "more"},
        "middle": {"a": "other", "b": secret, "c": "more"},
        "last": {"a": "other", "b": "more", "c": secret},
        "name": {"a": "other", secret: "b", "c": "more"},
    }[place]
    result = redact_answer(_profile(pattern), json.dumps(answer).encode(), b"application/json")
    assert secret.encode() not in result.body
    assert b"[X]" in result.body
    assert result.findings == {"own": 1}


@pytest.mark.parametrize("pattern", [r"^secret", r"secret$"])
def test_a_rule_with_edges_leaves_the_middle_of_a_text_alone(pattern: str) -> None:
    body = json.dumps({"a": "no secret here", "b": "other"}).encode()
    assert redact_answer(_profile(pattern), body, b"application/json").body is body
