"""Rules that need unusual bytes are asked for where these are, and no others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES
from engine.redaction.ruleset import build
from engine.redaction.unusual import unusual_of
from tests.fast.oracles.unusual import unusual


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"\x1b\[", {0x1B}),
        ("é", {0xC3}),
        ("[\u200b-\u200d]", {0xE2}),
        ("[\x80-\u0900]", set(range(0xC2, 0xE1))),
        (r"\x1b|\x9b[0-9]", {0x1B, 0xC2}),
        (r"[0-9]{2}\x07", {0x07}),
        (r"a(?:\x01|\x02){1,3}b", {0x01, 0x02}),
        (r"\b[\x00-\x08\x0e]", {*range(9), 0x0E}),
        (r"[\x{1F600}-\x{1F64F}]{2,}", {0xF0}),
        # What can do without.
        (r"\x1b?a", set()),
        (r"\x1b|a", set()),
        (r"[\x00-\x20]", set()),
        (r"[^a]", set()),
        (r"[[:cntrl:]]", set()),
        (r"\s\w.", set()),
        (r"\p{Greek}", set()),
        ("(?i)\u017f", set()),
        (r"(?i:é)x", set()),
        (r"[\n\x1b]", set()),
        ("", set()),
    ],
)
def test_the_bytes_of_a_pattern(pattern: str, needed: set[int]) -> None:
    assert unusual_of(pattern) == sum(1 << byte for byte in needed)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.pattern], ids=lambda rule: rule.id)
def test_what_is_needed_stands_in_every_example_of_the_pack(rule: Rule) -> None:
    needed = unusual_of(rule.pattern)
    assert needed == 0 or all(unusual(example.encode()) & needed for example in rule.examples)


def test_hazards_that_nobody_sees_are_found_by_their_bytes() -> None:
    found = {rule.id for rule in RULES if rule.pattern and unusual_of(rule.pattern)}
    assert found >= {"terminal_sequence", "control_character", "unseen_character", "bidi_control", "tag_character"}


OWN = (
    Rule("escape", "own", r"\x1b[a-z]{0,3}", 4, "[E]", ("\x1bc",)),
    Rule("arrow", "own", "[a-z]{1,3}→", 6, "[A]", ("a→",)),
    Rule("plain", "own", "[a-c]{4}", 4, "[P]", ("abca",)),
)


@pytest.fixture(scope="module")
def profiles() -> dict[str, Profile]:
    return {rule.id: compile_profile("p", {rule.id: "mask"}, build(OWN), bytes(32)) for rule in OWN}


@given(st.lists(st.sampled_from(("\x1b", "→", "abc", "a", "é", "\0", "\n", " ")), max_size=12).map("".join))
def test_no_match_is_missed(profiles: dict[str, Profile], text: str) -> None:
    for rule in OWN:
        expected = re.sub(rule.pattern, rule.replacement, text)
        assert profiles[rule.id].redact(text.encode()).text.decode() == expected
