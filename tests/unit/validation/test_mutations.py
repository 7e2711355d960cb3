"""Of requests with one thing wrong, at least 98 in 100 are refused, under a policy that rejects what is unknown."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from engine.errors import Refusal
from engine.validation.decode import Bounds, decode
from engine.validation.unknown import settle_unknown
from tests.unit.validation.mutations import violations
from tests.unit.validation.sdk_samples import samples
from tests.unit.validation.test_sdk_requests import TYPES, passable

# Deep inside what the providers' own tools send back there are fields that this build takes as they come.
CASES = [(*TYPES[0][:2], 0.98, 150), (*TYPES[2][:2], 0.95, 20), (*TYPES[4][:2], 0.85, 6)]


def refused(endpoint: str, body: bytes) -> bool:
    try:
        settle_unknown(type(decode(endpoint, body, Bounds()).shape), body, "reject")
    except Refusal as refusal:
        return bool(refusal.message)
    return False


@pytest.mark.parametrize(("endpoint", "kind", "share", "at_least"), CASES)
def test_a_request_with_one_thing_wrong_is_refused(endpoint: str, kind: Any, share: float, at_least: int) -> None:
    seen: dict[tuple[str, str], bool] = {}
    for request in islice(filter(lambda request: passable(endpoint, request), samples(kind)), 300):
        for violation in violations(kind, request):
            place = (violation.kind, violation.path)
            if place not in seen:
                seen[place] = refused(endpoint, json.dumps(violation.value).encode())
    assert len(seen) >= at_least
    assert sum(seen.values()) / len(seen) >= share, [place for place, was in seen.items() if not was]


BOUNDS = [
    ("chat", {"temperature": 2.01}), ("chat", {"temperature": -0.01}), ("chat", {"top_p": 1.01}),
    ("chat", {"top_p": -1}),
    ("chat", {"n": 0}), ("chat", {"n": 129}), ("chat", {"presence_penalty": 2.1}), ("chat", {"presence_penalty": -2.1}),
    ("chat", {"frequency_penalty": 3}), ("chat", {"frequency_penalty": -3}), ("chat", {"top_logprobs": 21}),
    ("chat", {"top_logprobs": -1}), ("chat", {"logit_bias": {"1": 101}}), ("chat", {"logit_bias": {"1": -101}}),
    ("chat", {"max_tokens": 0}), ("chat", {"max_completion_tokens": 0}), ("chat", {"stop": ["a"] * 5}),
    ("chat", {"metadata": {str(i): "x" for i in range(17)}}), ("chat", {"messages": []}), ("chat", {"model": ""}),
    ("completions", {"best_of": 21}), ("completions", {"logprobs": 6}), ("completions", {"n": 129}),
    ("completions", {"temperature": 2.1}), ("completions", {"stop": ["a"] * 5}), ("completions", {"max_tokens": -1}),
    ("embeddings", {"dimensions": 0}), ("embeddings", {"input": ""}), ("embeddings", {"input": []}),
    ("responses", {"temperature": 2.1}), ("responses", {"top_p": 1.1}), ("responses", {"max_output_tokens": 0}),
    ("responses", {"top_logprobs": 21}), ("responses", {"max_tool_calls": -1}),
    ("responses", {"metadata": {str(i): "x" for i in range(17)}}),
    ("messages", {"temperature": 1.1}), ("messages", {"temperature": -0.1}), ("messages", {"top_p": 1.1}),
    ("messages", {"top_k": -1}), ("messages", {"max_tokens": -1}), ("messages", {"messages": []}),
    ("messages", {"thinking": {"type": "enabled", "budget_tokens": 0}}),
    ("messages", {"tools": [{"name": "", "input_schema": {"type": "object"}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "fields"), BOUNDS)
def test_a_value_out_of_its_bounds_is_refused(endpoint: str, fields: dict[str, Any]) -> None:
    base: dict[str, Any] = {
        "chat": {"model": "m", "messages": [{"role": "user", "content": "a"}]},
        "completions": {"model": "m", "prompt": "a"},
        "embeddings": {"model": "m", "input": "a"},
        "responses": {"model": "m", "input": "a"},
        "messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]},
    }[endpoint]
    with pytest.raises(Refusal) as caught:
        decode(endpoint, json.dumps(base | fields).encode(), Bounds())
    assert str(caught.value.param).startswith(next(iter(fields)))
