"""Of requests with one thing wrong, at least 98 in 100 are refused under the policy's defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import Refusal
from engine.validation.decode import Bounds, decode
from tests.unit.validation.mutations import violations
from tests.unit.validation.sdk_samples import samples
from tests.unit.validation.test_sdk_requests import TYPES, passable

# What passes nevertheless, on purpose: fields that clients are known to leave out, and words and types that providers
# add to (see `engine.validation.opaque`).
SHARE = 0.98
CASES = [
    (*next(each[:2] for each in TYPES if each[0] == endpoint), at_least)
    for endpoint, at_least in (
        ("chat", 400), ("completions", 60), ("embeddings", 18), ("responses", 2500), ("messages", 2000),
        ("count_tokens", 1500),
    )
]  # fmt: skip


def refused(endpoint: str, body: bytes) -> bool:
    try:
        decode(endpoint, body, Bounds())
    except Refusal as refusal:
        return bool(refusal.param)
    return False


@pytest.mark.parametrize(("endpoint", "kind", "at_least"), CASES)
def test_a_request_with_one_thing_wrong_is_refused(endpoint: str, kind: Any, at_least: int) -> None:
    seen: dict[tuple[str, str, str], bool] = {}
    for request in samples(kind):
        if passable(endpoint, request):
            for kind_, path, within, make in violations(kind, request):
                if (kind_, path, within) not in seen:
                    seen[kind_, path, within] = refused(endpoint, json.dumps(make()).encode())
    share = sum(seen.values()) / len(seen)
    print(f"{endpoint}: {share:.2%} of {len(seen)} violations refused")
    assert len(seen) >= at_least
    assert share >= SHARE, [place for place, was in seen.items() if not was]


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
