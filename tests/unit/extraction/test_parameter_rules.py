"""Parameter rules of a role: every spelling, in every dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import BAD_REQUEST, Refusal
from engine.extraction.parameters import ParameterRules, Rule

DENY = Rule("deny")
STRIP = Rule("strip")
CONTENT = {"model": "m", "messages": [{"role": "user", "content": '{"logprobs":true}'}], "temperature": 1.0}


def encoded(**fields: Any) -> bytes:
    return json.dumps(CONTENT | fields).encode()


def refusal(rules: dict[str, Rule], **fields: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ParameterRules(rules).check(encoded(**fields))
    return caught.value


@pytest.mark.parametrize(
    ("name", "fields", "param"),
    [
        ("logprobs", {"logprobs": True}, "logprobs"),
        ("logprobs", {"logprobs": 0}, "logprobs"),
        ("logprobs", {"top_logprobs": 3}, "top_logprobs"),
        ("logprobs", {"prompt_logprobs": 1}, "prompt_logprobs"),
        ("logprobs", {"include": ["a", "message.output_text.logprobs"]}, "include"),
        ("logprobs", {"include": ["logprobs"]}, "include"),
        ("logprobs", {"include": "message.output_text.logprobs"}, "include"),
        ("logprobs", {"include": '["logprobs"]'}, "include"),
        ("logprobs", {"include": {"0": "a", "1": "logprobs"}}, "include"),
        ("top_logprobs", {"top_logprobs": 3}, "top_logprobs"),
        ("logit_bias", {"logit_bias": {"1": 1}}, "logit_bias"),
        ("n", {"best_of": 2}, "best_of"),
        ("max_tokens", {"max_output_tokens": 2}, "max_output_tokens"),
        ("stop", {"stop_sequences": ["a"]}, "stop_sequences"),
        ("reasoning_effort", {"reasoning": {"effort": "high"}}, "reasoning.effort"),
        ("reasoning_effort", {"output_config": {"effort": "high"}}, "output_config.effort"),
        ("verbosity", {"text": {"verbosity": "low"}}, "text.verbosity"),
        ("field of the upstream's own", {"field of the upstream's own": "x"}, "field of the upstream's own"),
    ],
)
def test_every_spelling_is_denied_under_its_own_name(name: str, fields: dict[str, Any], param: str) -> None:
    error = refusal({name: DENY}, **fields)
    assert (error.kind, error.param) == (BAD_REQUEST, param)
    assert error.message == f"The parameter '{param}' is not allowed for this role."


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"logprobs": None},
        {"logprobs": False, "top_logprobs": None},
        {"include": ["reasoning.encrypted_content"]},
        {"include": "reasoning.encrypted_content"},
        {"reasoning": {"summary": "auto"}},
        {"reasoning": None},
        {"reasoning": "high"},
    ],
)
def test_what_asks_for_nothing_is_not_denied(fields: dict[str, Any]) -> None:
    ParameterRules({"logprobs": DENY, "reasoning_effort": DENY}).check(encoded(**fields))


@pytest.mark.parametrize(
    "spelling", ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample"]
)
def test_a_cap_holds_for_every_spelling(spelling: str) -> None:
    rules = ParameterRules({"max_tokens": Rule("max", 4096)})
    rules.check(encoded(**{spelling: 4096}))
    error = refusal({"max_tokens": Rule("max", 4096)}, **{"max_tokens": 1, spelling: 4097})
    assert error.param == spelling
    assert error.message == "At most 4096 is allowed for this role."


@pytest.mark.parametrize("value", ["9999999", [9], {"a": 1}, -1, 10**400])
def test_a_cap_cannot_be_dodged_by_another_type(value: Any) -> None:
    assert refusal({"top_k": Rule("max", 40)}, top_k=value).param == "top_k"


def test_caps_of_logprobs_count_the_alternatives() -> None:
    rules = ParameterRules({"logprobs": Rule("max", 2)})
    rules.check(encoded(logprobs=True, top_logprobs=2))
    rules.check(encoded(include=["message.output_text.logprobs"]))
    assert refusal({"logprobs": Rule("max", 2)}, logprobs=True, top_logprobs=3).param == "top_logprobs"


def test_allow_and_no_rule_are_the_same() -> None:
    for rules in (ParameterRules({}), ParameterRules({"n": Rule("allow")})):
        rules.check(encoded(n=100))
        assert rules.strips == frozenset()


def test_strip_takes_every_spelling_and_leaves_the_rest_byte_for_byte() -> None:
    rules = ParameterRules({"logprobs": STRIP, "reasoning_effort": STRIP, "seed": STRIP})
    assert rules.strips == {"logprobs", "reasoning_effort", "seed"}
    body = (
        b'{ "logprobs" : true, "model":"m" ,"top_logprobs":5,"temperature":1.50,"big":123456789012345678901234567890,'
        b'"include":["message.output_text.logprobs","x","logprobs"],"reasoning":{"effort":"low" , "summary": 1e2},'
        b'"messages":[ {"role":"user","content":"\\u00e9"} ],"seed":1}'
    )
    rules.check(body)
    assert rules.strip(body) == (
        b'{"model":"m","temperature":1.50,"big":123456789012345678901234567890,"include":["x"],'
        b'"reasoning":{"summary":1e2},"messages":[ {"role":"user","content":"\\u00e9"} ]}'
    )


def test_strip_gives_back_the_same_object_when_there_is_nothing_to_strip() -> None:
    rules = ParameterRules({"logprobs": STRIP, "verbosity": STRIP})
    body = encoded(include=["x"], text={"format": {"type": "text"}}, temperature=0)
    assert rules.strip(body) is body
    stripped = ParameterRules({"logprobs": STRIP}).strip(encoded(include="logprobs"))
    assert json.loads(stripped) == json.loads(encoded())
    body = encoded(include="x", text="y")
    assert rules.strip(body) is body
    body = encoded(include={"0": "x"})
    assert rules.strip(body) is body


@pytest.mark.parametrize(
    ("name", "cap", "fields", "lowered"),
    [
        ("max_tokens", 10, {"max_tokens": 11}, {"max_tokens": 10}),
        ("max_tokens", 10, {"max_completion_tokens": 1e9}, {"max_completion_tokens": 10}),
        ("max_tokens", 10, {"max_output_tokens": 10}, {"max_output_tokens": 10}),
        ("n", 1, {"n": 5, "best_of": 7}, {"n": 1, "best_of": 1}),
        ("logprobs", 2, {"logprobs": True, "top_logprobs": 20}, {"logprobs": True, "top_logprobs": 2}),
        ("logprobs", 0, {"logprobs": 5}, {"logprobs": 0}),
        ("temperature", 0.5, {"temperature": 1.0}, {"temperature": 0.5}),
        ("dimensions", 64, {"dimensions": 4096}, {"dimensions": 64}),
    ],
)
def test_a_cap_lowers_every_spelling_and_nothing_else(
    name: str, cap: float, fields: dict[str, Any], lowered: dict[str, Any]
) -> None:
    rules = ParameterRules({name: Rule("cap", cap)})
    body = encoded(**fields)
    rules.check(body)
    assert json.loads(rules.lower(body)) == CONTENT | lowered
    if fields == lowered:
        assert rules.lower(body) is body


@pytest.mark.parametrize("value", ["9", [9], {"a": 1}, -1])
def test_a_cap_refuses_what_is_no_number(value: Any) -> None:
    assert refusal({"top_k": Rule("cap", 40)}, top_k=value).param == "top_k"


def test_a_maximum_goes_with_max_and_cap_alone() -> None:
    for action, maximum in (("max", None), ("cap", None), ("deny", 1.0)):
        with pytest.raises(ValueError, match="maximum"):
            Rule(action, maximum)  # type: ignore[arg-type]
