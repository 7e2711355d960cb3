"""The built-in pack in answers: every example, over both engines, in every kind of place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.redaction import regex
from engine.redaction.answers import UnsearchableAnswer, redact_answer
from engine.redaction.prefixes import whole_prefix
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.rules import RULES
from engine.redaction.ruleset import RuleError, bound_rule, build, check_rule, places

KEY = bytes(32)
ACTIONS = {"pii": "mask", "secrets": "mask", "private_key": "mask"}
CASES = [
    pytest.param(rule, text, id=f"{rule.id}-{n}")
    for rule in RULES
    if rule.group in ACTIONS
    for n, text in enumerate(rule.examples)
]
JSON = b"application/json"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("test", ACTIONS, build(), KEY)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_a_rule_does_what_it_says(rule: Rule) -> None:
    check_rule(rule)
    # What a stream holds back for it, which is compiled only when a text first asks for it.
    regex.make_scanner([whole_prefix(bound_rule(rule).pattern)])


def test_a_user_rule_is_held_to_its_examples_when_it_is_loaded() -> None:
    rule = Rule("own", "pii", r"EMP-\d{6}", 10, "[OWN]", ("EMP-123456",), ("EMP-12",))
    assert build([rule]).rules[0].id == "own"
    with pytest.raises(RuleError, match="the example 'EMP-12' is not found"):
        build([replace(rule, examples=("EMP-12",))])
    with pytest.raises(RuleError, match="the counterexample 'EMP-123456' is found"):
        build([replace(rule, counterexamples=("EMP-123456",))])


@pytest.mark.parametrize("pattern", ["^|-", r"\d{0,4}", "(?:a)?b?", r"\b"])
def test_a_user_rule_that_matches_the_empty_text_is_refused(pattern: str) -> None:
    with pytest.raises(RuleError, match="own: the pattern matches the empty text"):
        build([Rule("own", "pii", pattern, 10, "[OWN]", ())])


def _hidden(rule: Rule, text: str) -> str:
    """The part of an example that must not leave."""
    scanner = regex.make_scanner([rule.pattern])
    data = text.encode()
    return max((data[left:right].decode() for left, right in places(rule, scanner, 0, data)), key=len)


def _answers(text: str) -> Iterator[dict[str, object]]:
    yield {"choices": [{"message": {"content": text}}]}
    yield {"choices": [{"message": {"content": [{"type": "text", "text": text}], "refusal": text}}]}
    yield {"choices": [{"message": {"reasoning_content": text}, "text": text}]}
    yield {"choices": [{"message": {"tool_calls": [{"function": {"arguments": json.dumps({"a": text})}}]}}]}
    yield {"output": [{"content": [{"type": "output_text", "text": text}]}]}
    yield {"content": [{"type": "text", "text": text}, {"type": "tool_use", "input": {"a": [text]}}]}
    yield {"error": {"message": text}, "shape": {"nobody": {"knows": [text]}}}


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_no_example_leaves_in_any_place(profile: Profile, rule: Rule, text: str) -> None:
    hidden = _hidden(rule, text)
    for answer in _answers(text):
        # Escapes hide nothing: the same text with every character escaped.
        plain = json.dumps(answer).encode()
        result = redact_answer(profile, plain, media=JSON)
        assert result.findings
        assert hidden not in result.body.decode()
        json.loads(result.body)


def test_escaped_text_is_found(profile: Profile) -> None:
    body = b'{"choices":[{"message":{"content":"jane\\u0040example.com"}}]}'
    assert redact_answer(profile, body, media=JSON).findings == {"email": 1}
    nested = json.dumps({"arguments": '{"to": "jane\\u0040example.com"}'}).encode()
    result = redact_answer(profile, nested, media=JSON)
    assert json.loads(json.loads(result.body)["arguments"]) == {"to": "[EMAIL]"}


def test_a_clean_answer_is_the_same_object(profile: Profile) -> None:
    body = b'{"choices": [{"message": {"content": "The tide comes in twice a day."}}]}'
    assert redact_answer(profile, body, media=JSON).body is body


def test_token_texts_go_when_anything_was_found(profile: Profile) -> None:
    body = json.dumps({"choices": [{"message": {"content": "a@b.com"}, "logprobs": {"content": ["a@", "b.com"]}}]})
    assert json.loads(redact_answer(profile, body.encode(), media=JSON).body)["choices"][0]["logprobs"] is None


def test_what_cannot_be_searched_is_refused(profile: Profile) -> None:
    with pytest.raises(UnsearchableAnswer):
        redact_answer(profile, b"\x89PNG", media=b"image/png")
    with pytest.raises(UnsearchableAnswer):
        redact_answer(profile, b"\xff\xfe", media=b"text/plain")


def test_actions() -> None:
    text = b"mail jane@example.com and jane@example.com"
    masked = compile_profile("m", {"email": "mask"}, build(), KEY).redact(text)
    assert masked.text == b"mail [EMAIL] and [EMAIL]"
    hashed = compile_profile("h", {"email": "hash"}, build(), KEY).redact(text).text.decode()
    first, second = hashed.removeprefix("mail ").split(" and ")
    assert first == second != "[EMAIL]"
    flagged = compile_profile("f", {"email": "flag"}, build(), KEY).redact(text)
    assert (flagged.text, flagged.findings) == (text, {"email": 2})
    assert compile_profile("b", {"pii": "mask", "email": "block"}, build(), KEY).redact(text).blocked == "email"
    assert not compile_profile("o", {"pii": "off"}, build(), KEY).active


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_both_engines_find_the_same(rule: Rule) -> None:
    stand_in = regex.Pyre2Scanner([rule.pattern])
    compiled = regex.make_scanner([rule.pattern])
    for text in (*rule.examples, *rule.counterexamples):
        data = text.encode()
        assert stand_in.find(0, data) == compiled.find(0, data)
        assert stand_in.occurs(0, data) == compiled.occurs(0, data)
        assert list(places(rule, stand_in, 0, data)) == list(places(rule, compiled, 0, data))


@pytest.mark.parametrize(
    ("pattern", "examples", "counterexamples", "reason"),
    [
        ("(", (), (), "not accepted"),
        ("(?=a)", (), (), "not accepted"),
        ("a", ("b",), (), "example"),
        ("a", ("a",), ("xax",), "counterexample"),
    ],
)
def test_a_rule_that_does_not_do_what_it_says_is_refused(
    pattern: str, examples: tuple[str, ...], counterexamples: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(RuleError, match=reason):
        check_rule(Rule("own", "pii", pattern, 10, "[OWN]", examples, counterexamples))


def test_a_pattern_that_its_bound_makes_too_large_is_refused_when_it_is_loaded() -> None:
    rule = Rule("u", "custom", r"k-(?:[a-z]{1,20}x)*", 900, "[U]", ("k-ax",))
    with pytest.raises(RuleError, match="too large"):
        build((rule,))
