"""The published attacks on a model behind an API, as requests: by default they stop at the gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.http_request_cases import sized
from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import ask

MESSAGES = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
PROMPT = {"model": "m", "prompt": "x"}


@pytest.mark.parametrize(
    ("path", "request_", "status"),
    [
        ("chat/completions", MESSAGES | {"logit_bias": {"1": 100}, "logprobs": True, "top_logprobs": 5}, 400),
        ("chat/completions", MESSAGES | {"logit_bias": {"1": 100}, "prompt_logprobs": 5}, 400),
        ("completions", PROMPT | {"logit_bias": {"1": 100}, "logprobs": 5}, 400),
        ("completions", PROMPT | {"echo": True, "logprobs": 0, "max_tokens": 0}, 400),
        ("chat/completions", MESSAGES | {"logit_bias": {"1": 100}}, 200),
        ("chat/completions", MESSAGES | {"logprobs": True, "top_logprobs": 5}, 200),
        ("chat/completions", MESSAGES | {"logit_bias": {}, "logprobs": True}, 200),
        ("completions", PROMPT | {"echo": True}, 200),
        ("completions", PROMPT | {"logprobs": 5}, 200),
    ],
)
def test_pairs_that_read_a_model_out_are_refused_together(
    gateway: Gateway, upstream: StrictUpstream, path: str, request_: dict[str, Any], status: int
) -> None:
    upstream.take()
    answer = ask(gateway.port, sized(json.dumps(request_).encode(), line=f"POST /v1/{path} HTTP/1.1".encode()))
    assert answer.status == status, answer.body
    assert len(upstream.take()) == (status == 200)
