"""A search in steps against RE2 asked outright: the same places and the same values, everywhere."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redaction.prefixes import longest
from engine.redaction.profile import compile_profile
from engine.redaction.regex import Scanner, make_scanner
from engine.redaction.rule import Rule
from engine.redaction.ruleset import Ruleset, bound_rule, build, places
from engine.redaction.steps import Steps, steps_of

RULES = [rule for rule in build().rules if rule.pattern and steps_of(rule.pattern) is not None]


def _everywhere(scanner: Scanner, text: bytes) -> list[tuple[int, int, int, int] | None]:
    """What is found from each place on: the places of characters only."""
    starts = [at for at in range(len(text) + 1) if at == len(text) or text[at] & 0xC0 != 0x80]
    return [scanner.find(0, text, at) for at in starts]


def _same(pattern: str, text: bytes) -> None:
    steps = steps_of(pattern)
    plain, stepped = make_scanner([pattern]), make_scanner([pattern], steps=[steps])
    expected = _everywhere(plain, text)
    assert _everywhere(stepped, text) == expected
    for before in range(0, len(text), 7):
        found = stepped.find(0, text, 0, -1, before)
        if expected[0] is not None and expected[0][0] < before:
            assert found == expected[0]
        else:
            assert found is None or found == expected[0]
    assert stepped.occurs(0, text) == (expected[0] is not None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_finds_the_same_in_steps(rule: Rule) -> None:
    examples = [*rule.examples[:3], *rule.counterexamples[:2]]
    _same(rule.pattern, " ".join(examples).encode()[:300])
    _same(rule.pattern, (examples[0][: len(examples[0]) * 2 // 3] + examples[0]).encode()[:300])


def test_what_the_steps_are() -> None:
    assert steps_of("abc") is None
    assert steps_of("[a-z]{1,100}@") is None
    assert steps_of("ab[a-z]{3,100}!") == Steps("ab[a-z]{3}", None, None, None, 5)
    assert steps_of(r"\bkey=([a-z]{4,8})\b") == Steps(None, r"\bkey=", r"(?:[a-z]{4,8})\b", None, 0)
    assert steps_of("(?i)key='([a-z]{4,8})'") == Steps(None, "(?i)key='", "(?i)(?:[a-z]{4,8})", "(?i)'", 0)
    assert steps_of(r"\b(key=[a-z]{4,80})") == Steps(r"\b(?:key=[a-z]{4})", None, "", None, 8)
    assert steps_of("a(b)c(d)") is None
    assert steps_of("(?:ab[x-z]{0,99}|cd)e") == Steps("(?:ab|cd)", None, None, None, 2)


_PIECES = ["a", "b", "ab", "[ab]", "x", "[^a]", "(?:a|ab)", "(?:ab|a)", r"\b", "a?", "b*?", "(?i:a)", "é"]
_COUNTS = ["", "", "?", "{2}", "{0,3}", "{1,2}?", "{0,40}", "{2,50}?"]
_PARTS = st.tuples(st.sampled_from(_PIECES), st.sampled_from(_COUNTS)).map(
    lambda pair: pair[0] if pair[0] in (r"\b", "a?", "b*?") else f"(?:{pair[0]}){pair[1]}"
)
_SOME = st.lists(_PARTS, max_size=3).map("".join)


@settings(max_examples=600, derandomize=True, deadline=None)
@given(_SOME, _SOME, _SOME, st.text(alphabet="aabbABx é", max_size=24))
def test_any_pattern_finds_the_same_in_steps(before: str, value: str, behind: str, text: str) -> None:
    for pattern in (f"{before}({value}){behind}", f"{before}{value}{behind}"):
        _same(pattern.replace("*", "{0,9}"), text.encode())


@cache
def _plain_scanner() -> Scanner:
    return make_scanner([rule.pattern for rule in build().rules])


def _found_without_help(text: bytes) -> set[tuple[int, int, str]]:
    """What each rule finds in all of the text, by itself."""
    scanner = _plain_scanner()
    return {
        (left, right, rule.id)
        for index, rule in enumerate(build().rules)
        if rule.detector is None
        for left, right in places(rule, scanner, index, text)
    }


def test_regions_and_steps_lose_nothing_and_add_nothing() -> None:
    """Every example of the pack among others and between words, and with letters that fold to others."""
    profile = compile_profile("all", {rule.id: "flag" for rule in build().rules}, build(), bytes(32))
    examples = [example for rule in build().rules if rule.detector is None for example in rule.examples]
    rng = random.Random(11)  # noqa: S311 - to be repeated
    rng.shuffle(examples)
    words = [
        "the",
        "harbor",
        "was",
        "quiet",
        "when",
        "she",
        "read",
        "it",
        "twice",
        "and",
        "nobody",
        "could",
        "say",
        "why",
    ]
    texts, text = [], ""
    for number, example in enumerate(examples):
        text += example + rng.choice([" ", "\n", ", ", " - "]) + " ".join(rng.choices(words, k=rng.randrange(12))) + " "
        if len(text) > 3000:
            texts.append(text)
            text = ""
        if number % 9 == 0:
            text += example.replace("s", "\u017f", 1).replace("k", "\u212a", 1) + "; "
    for each in (*texts, text):
        found = {(left, right, profile.rules[index].id) for left, right, index in profile.found(each.encode())}
        detected = {profile.rules[index].id for index in profile.detecting}
        assert {place for place in found if place[2] not in detected} == _found_without_help(each.encode())


_WORDS = [
    "key",
    "sk",
    "a",
    "(?:key|sk)",
    "(?:key|b)",
    "(?:(?:key|pin)|sk)x",
    "(?i:pin)",
    "[pP]in",
    "[0-9]",
    "[^z]",
    "=",
]
_TIMES = ["", "", "?", "{0,3}", "{1,40}", "{0,60}?", "{2}"]
_WORD_PARTS = st.tuples(st.sampled_from(_WORDS), st.sampled_from(_TIMES)).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
_CHAINS = st.lists(_WORD_PARTS, min_size=1, max_size=4).map("".join)
_KEYWORDS = st.lists(st.sampled_from(["key", "pin", "sk", "skx", "="]), max_size=3, unique=True).map(tuple)
_WORDY_TEXTS = st.lists(
    st.sampled_from(
        ["key", "KEY", "pin", "sk", "\u017fk", "s\u212a", "x", "=", "b", "1", "22", " ", "\n", "z", "." * 50]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=800, derandomize=True, deadline=None)
@given(
    _CHAINS,
    _CHAINS,
    st.sampled_from(["{0}({1})", "{0}{1}", r"\b(?:{0}|{1})", "(?i){0}({1})", "^{0}{1}"]),
    _KEYWORDS,
    _WORDY_TEXTS,
)
def test_a_rule_with_keywords_finds_the_same_wherever_they_stand(
    one: str, two: str, form: str, keywords: tuple[str, ...], text: str
) -> None:
    rule = bound_rule(Rule("u", "custom", form.format(one, two), 400, "[U]", (), (), keywords))
    profile = compile_profile("p", {"u": "flag"}, Ruleset((rule,)), bytes(32))
    data = text.encode()
    assert [(left, right) for left, right, _ in profile.found(data)] == list(
        places(rule, make_scanner([rule.pattern]), 0, data)
    )
    assert profile.clean(data) <= (not profile.found(data))


def test_a_long_address_costs_no_more_than_its_length() -> None:
    """Of a URL that goes on and on, RE2 made a thousand states at each of its bytes."""
    rule = next(rule for rule in RULES if rule.id == "bare_url")
    steps = steps_of(rule.pattern)
    assert steps is not None
    assert steps.head is not None
    assert steps.value == ""
    assert longest(steps.head) == steps.reach < 20
