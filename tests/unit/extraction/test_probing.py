"""Pairs of parameters that read a model out: refused together, harmless alone; and the attacks that README names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import BAD_REQUEST, Refusal
from engine.extraction.parameters import ParameterRules, Rule
from engine.extraction.probing import refuse_probing

ASKING: list[tuple[dict[str, Any], str]] = [
    ({"logprobs": True}, "logprobs"),
    ({"logprobs": 0}, "logprobs"),
    ({"logprobs": False, "top_logprobs": 5}, "top_logprobs"),
    ({"prompt_logprobs": 1}, "prompt_logprobs"),
    ({"include": ["message.output_text.logprobs"]}, "include"),
]


@pytest.mark.parametrize("beside", ["logit_bias", "echo"])
@pytest.mark.parametrize(("fields", "param"), ASKING)
def test_log_probabilities_are_refused_in_every_spelling(beside: str, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refusal) as caught:
        refuse_probing(json.dumps({"model": "m"} | fields).encode(), beside)
    assert (caught.value.kind, caught.value.param) == (BAD_REQUEST, param)
    assert beside in caught.value.message


@pytest.mark.parametrize("fields", [{}, {"logprobs": None}, {"logprobs": False}, {"include": []}])
def test_what_asks_for_none_passes(fields: dict[str, Any]) -> None:
    refuse_probing(json.dumps({"model": "m"} | fields).encode(), "logit_bias")


def test_denying_the_bias_stops_bisection() -> None:
    rules = ParameterRules({"logit_bias": Rule("deny")})
    with pytest.raises(Refusal):
        rules.check(b'{"model":"m","logit_bias":{"1":100},"max_tokens":1}')
