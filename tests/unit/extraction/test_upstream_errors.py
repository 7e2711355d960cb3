"""What an upstream's error gives away is taken out of its texts; what helps its reader stays."""

from __future__ import annotations

import json

import pytest

from engine.extraction.upstream_errors import MAX_ERROR, scrub, scrub_error

HOST = "api.upstream.example"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Incorrect API key provided: sk-proj-ab12****wxyz.", "Incorrect API key provided: [key]."),
        ("header Bearer abc.def-123 is wrong", "header [key] is wrong"),
        ("Rate limit reached in org-AbCdEfGh12345 on tokens", "Rate limit reached in [id] on tokens"),
        ("connect to 10.0.3.17:8000 failed", "connect to [host] failed"),
        ("[fd00::1]:443 refused", "[host] refused"),
        ("http://vllm-0:8000/v1/chat/completions said no", "[url] said no"),
        ("see https://wiki.corp.internal/gpu?x=1.", "see [url]"),
        ("gpu-7.cluster.local:9001 is down", "[host] is down"),
        ("localhost:11434 is down", "[host] is down"),
        (f"https://{HOST}/v1 is down", "https://[host]/v1 is down"),
        ("in /usr/lib/python3.11/site-packages/vllm/engine.py, line 7", "in [path], line 7"),
        ("<center>nginx/1.25.3</center>", "<center>[software]</center>"),
        ('Traceback (most recent call last):\n  File "a.py"\nKeyError', "The upstream failed."),
        ("It failed. Traceback (most recent call last): x", "It failed."),
    ],
)  # fmt: skip
def test_what_names_the_upstream_goes(text: str, scrubbed: str) -> None:
    assert scrub(text, HOST) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "You can find your API key at https://platform.openai.com/account/api-keys.",
        "This model's maximum context length is 8192 tokens. However, you requested 9001.",
        "The model `meta-llama/Llama-3.1-8B-Instruct` does not exist",
        "messages.0.content: Input should be a valid string; and/or 1.5 of 2.0",
        "Retry at 12:30, ratio 3:2, local time, a private matter.",
        "Unsupported value: 'temperature' /v1/chat/completions",
        "",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert scrub(text, HOST) == text
    body = json.dumps({"error": {"message": text, "code": 7}}).encode()
    assert scrub_error(body, HOST) is body


def test_only_texts_change_and_text_is_scrubbed_too() -> None:
    body = json.dumps(
        {"error": {"message": "10.0.0.1 down", "code": None}, "detail": [{"msg": "at 10.0.0.2"}]}
    ).encode()
    assert json.loads(scrub_error(body, HOST) or b"") == {
        "error": {"message": "[host] down", "code": None},
        "detail": [{"msg": "at [host]"}],
    }
    assert scrub_error(b"502 at 10.0.0.1", HOST) == b"502 at [host]"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * (MAX_ERROR + 1)])
def test_what_is_no_text_or_no_error_any_more_is_not_passed_on(body: bytes) -> None:
    assert scrub_error(body, HOST) is None
