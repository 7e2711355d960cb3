"""How many tokens: the estimate beside known counts, the caps of all dialects, the text of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.extraction.tokens import MEDIA_TOKENS, answer_tokens, estimate, estimate_request, output_asked


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Counts of cl100k_base as OpenAI publishes them in its cookbook ("How to count tokens with tiktoken").
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
    ],
)
def test_the_estimate_is_never_far_below(text: str, tokens: int) -> None:
    assert tokens * 0.4 <= estimate(text.encode()) <= tokens * 2.5


def test_an_empty_text_has_no_tokens_and_one_byte_has_one() -> None:
    assert estimate(b"") == 0
    assert estimate(b"a") == 1
    assert estimate("é".encode()) == 1


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", **fields}).encode()


@pytest.mark.parametrize(
    "media",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,{}"}},
        {"type": "input_image", "image_url": "data:image/png;base64,{}"},
        {"type": "input_audio", "input_audio": {"data": "{}", "format": "wav"}},
        {"type": "file", "file": {"file_data": "{}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "{}"}},
    ],
)
def test_media_are_not_counted_as_text(media: dict[str, Any]) -> None:
    data = "A" * 300_000
    sent = json.dumps({"model": "m", "messages": [{"role": "user", "content": [media]}]}).replace("{}", data).encode()
    assert MEDIA_TOKENS <= estimate_request(sent) < MEDIA_TOKENS + 4_000


def test_a_text_that_looks_like_media_is_text() -> None:
    sent = body(messages=[{"role": "user", "content": "data:image/png;base64," + "A" * 300_000, "data": "A" * 9000}])
    assert estimate_request(sent) > 100_000


@pytest.mark.parametrize(
    ("fields", "cap", "count"),
    [
        ({}, None, 1),
        ({"max_tokens": 5}, 5, 1),
        ({"max_tokens": 5, "max_completion_tokens": 9, "max_output_tokens": 7}, 9, 1),
        ({"max_tokens_to_sample": 4, "n": 3}, 4, 3),
        ({"max_tokens": 5, "n": 2, "best_of": 4}, 5, 4),
        ({"max_tokens": None, "n": None}, None, 1),
        ({"max_tokens": -1, "n": 0}, None, 1),
        ({"max_tokens": 2.5}, 3, 1),
        ({"max_tokens": True, "max_output_tokens": "many"}, None, 1),
        ({"max_tokens": 0}, 0, 1),
        ({"max_tokens": 10**30}, 10**30, 1),
    ],
)
def test_what_a_request_asks_for(fields: dict[str, Any], cap: int | None, count: int) -> None:
    assert output_asked(body(**fields)) == (cap, count)


def test_what_is_no_object_asks_for_nothing() -> None:
    assert output_asked(b"") == (None, 1)
    assert output_asked(b"[1]") == (None, 1)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": "abcdef"}}]}, "abcdef"),
        ({"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{}x"}}]}}]}, "{}x"),
        ({"choices": [{"text": "abc"}, {"text": "def"}]}, "abcdef"),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "abc"}}, "abc"),
        ({"type": "content_block_delta", "delta": {"partial_json": "{"}}, "{"),
        ({"type": "response.output_text.delta", "delta": "abc"}, "abc"),
        ({"type": "response.completed", "response": {"output": [{"content": [{"text": "again"}]}]}}, ""),
        ({"type": "message", "content": [{"type": "text", "text": "abc"}]}, "abc"),
        ({"output": [{"type": "message", "content": [{"text": "abc"}]}]}, "abc"),
        ({"choices": []}, ""),
    ],
)
def test_the_text_of_an_answer(answer: dict[str, Any], text: str) -> None:
    assert answer_tokens(json.dumps(answer).encode()) == estimate(text.encode())


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"[1]", b"\xff"])
def test_what_is_no_answer(data: bytes) -> None:
    assert answer_tokens(data) == 0
