"""Log-probabilities leave an answer, in every shape that carries them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.extraction.logprobs import drop_logprobs

TOKENS = {"content": [{"token": "a", "logprob": -0.1, "top_logprobs": []}]}


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [
        (
            {"choices": [{"message": {"content": "a"}, "logprobs": TOKENS}]},
            {"choices": [{"message": {"content": "a"}, "logprobs": None}]},
        ),
        (
            {"choices": [{"delta": {}}, {"delta": {}, "logprobs": TOKENS}]},
            {"choices": [{"delta": {}}, {"delta": {}, "logprobs": None}]},
        ),
        (
            {"choices": [{"text": "a", "logprobs": {"tokens": ["a"]}}], "prompt_logprobs": [None, {}]},
            {"choices": [{"text": "a", "logprobs": None}], "prompt_logprobs": []},
        ),
        (
            {"output": [{"content": [{"text": "a", "logprobs": [1]}]}]},
            {"output": [{"content": [{"text": "a", "logprobs": []}]}]},
        ),
        (
            {"type": "response.output_text.delta", "logprobs": [1]},
            {"type": "response.output_text.delta", "logprobs": []},
        ),
        ({"part": {"logprobs": [1]}}, {"part": {"logprobs": []}}),
        ({"item": {"content": [{"logprobs": [1]}]}}, {"item": {"content": [{"logprobs": []}]}}),
        (
            {"response": {"output": [{"content": [{"logprobs": [1]}]}]}},
            {"response": {"output": [{"content": [{"logprobs": []}]}]}},
        ),
    ],
)
def test_they_are_dropped_and_the_field_stays(answer: Any, cleaned: Any) -> None:
    assert drop_logprobs(answer) is True
    assert answer == cleaned
    assert drop_logprobs(answer) is False


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"content": "logprobs"}, "logprobs": None}]},
        {"output": [{"content": [{"logprobs": []}]}, {"content": None}, 1]},
        {"content": [{"type": "tool_use", "input": {"logprobs": [1]}}]},
        {"choices": None, "output": "x", "item": 1, "part": [], "response": []},
        [],
        None,
    ],
)
def test_anything_else_is_left_alone(answer: Any) -> None:
    before = repr(answer)
    assert drop_logprobs(answer) is False
    assert repr(answer) == before
