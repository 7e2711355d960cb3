"""Valid requests of the official SDKs always pass: what the types allow, and what the clients really send."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic
from anthropic.types import message_count_tokens_params as anthropic_counting
from anthropic.types import message_create_params as anthropic_messages
from anthropic.types.beta import message_count_tokens_params as anthropic_beta_counting
from anthropic.types.beta import message_create_params as anthropic_beta
from openai import OpenAI
from openai.types import completion_create_params as openai_completions
from openai.types import embedding_create_params as openai_embeddings
from openai.types.chat import completion_create_params as openai_chat
from openai.types.responses import response_create_params as openai_responses

from engine.validation.decode import Bounds, decode
from tests.unit.validation.sdk_samples import samples

BOUNDS = Bounds()
TYPES = [
    ("chat", openai_chat.CompletionCreateParamsNonStreaming, 200),
    ("chat", openai_chat.CompletionCreateParamsStreaming, 200),
    ("completions", openai_completions.CompletionCreateParamsNonStreaming, 20),
    ("completions", openai_completions.CompletionCreateParamsStreaming, 20),
    ("embeddings", openai_embeddings.EmbeddingCreateParams, 8),
    ("responses", openai_responses.ResponseCreateParamsNonStreaming, 1000),
    ("responses", openai_responses.ResponseCreateParamsStreaming, 1000),
    ("messages", anthropic_messages.MessageCreateParamsNonStreaming, 1000),
    ("messages", anthropic_messages.MessageCreateParamsStreaming, 1000),
    ("count_tokens", anthropic_counting.MessageCountTokensParams, 500),
]


def passable(endpoint: str, request: dict[str, Any]) -> bool:
    """Two things the SDKs' types let through and the gateway or the provider does not."""
    if endpoint == "responses":
        return "model" in request  # a stored prompt may carry it; a request without cannot be authorized
    if endpoint in ("messages", "count_tokens"):
        # Any dictionary by its type; the API answers "input_schema.type: Field required".
        return all("type" in tool.get("input_schema", {"type": "object"}) for tool in request.get("tools") or ())
    return True


BETA = [
    ("messages", anthropic_beta.MessageCreateParamsStreaming, 1000),
    ("count_tokens", anthropic_beta_counting.MessageCountTokensParams, 500),
]


@pytest.mark.parametrize(("endpoint", "kind", "at_least"), [*TYPES, *BETA])
def test_every_field_and_variant_of_the_sdk_types_passes(endpoint: str, kind: Any, at_least: int) -> None:
    tried = 0
    for request in samples(kind):
        if passable(endpoint, request):
            decoded = decode(endpoint, json.dumps(request).encode(), BOUNDS)
            assert decoded.model == request["model"]
            assert decoded.stream is bool(request.get("stream"))
            tried += 1
    assert tried >= at_least


class Captured:
    """A transport that keeps the body and answers with an empty object."""

    def __init__(self) -> None:
        self.body = b""
        self.client = httpx2.Client(transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.body = request.read()
        return httpx2.Response(200, json={})


@pytest.mark.parametrize("index", range(len(TYPES)))
def test_the_fullest_request_as_the_sdk_sends_it_passes(index: int) -> None:
    endpoint, kind, _ = TYPES[index]
    captured = Captured()
    openai = OpenAI(api_key="sk-test", base_url="http://upstream.test/v1", http_client=captured.client, max_retries=0)
    anthropic = Anthropic(
        api_key="sk-test", base_url="http://upstream.test", http_client=captured.client, max_retries=0, timeout=5
    )
    create: Any = {
        "chat": openai.chat.completions.create,
        "completions": openai.completions.create,
        "embeddings": openai.embeddings.create,
        "responses": openai.responses.create,
        "messages": anthropic.messages.create,
        "count_tokens": anthropic.messages.count_tokens,
    }[endpoint]
    request = next(iter(samples(kind)))
    create(**request)
    decoded = decode(endpoint, captured.body, BOUNDS)
    assert decoded.model == request["model"]
    assert decoded.stream is bool(request.get("stream"))
    sent = json.loads(captured.body)
    # What the SDK carries in a header rather than in the body.
    assert request.keys() - sent.keys() <= {"user_profile_id", "workspace_id"}


def test_a_tool_conversation_of_openai_passes() -> None:
    tool_call = {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": '{"port":"Brest"}'}}
    request = {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "developer", "content": "Answer briefly."},
            {"role": "user", "name": "ana", "content": [{"type": "text", "text": "High water at Brest?"}]},
            {"role": "assistant", "content": None, "tool_calls": [tool_call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "07:12"},
            {"role": "assistant", "refusal": None, "audio": {"id": "a"}},
            {"role": "function", "name": "tide", "content": None},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "tide"}},
        "some_new_field": {"a": [1]},
    }
    assert decode("chat", json.dumps(request).encode(), BOUNDS).endpoint == "chat"


def test_a_tool_conversation_of_anthropic_passes() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    request = {
        "model": "claude-sonnet",
        "max_tokens": 1024,
        "temperature": 1,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "…", "signature": "c2ln"},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"type": "unheard_of"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": [image], "is_error": False},
                    {"type": "tool_result", "tool_use_id": "t2"},
                ],
            },
        ],
        "tools": [
            {"name": "look", "input_schema": {"type": "object", "properties": {}}},
            {"type": "bash_20990101", "name": "bash"},
        ],
    }
    assert decode("messages", json.dumps(request).encode(), BOUNDS).endpoint == "messages"


def test_a_conversation_of_responses_passes_as_agents_repeat_it() -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "tide", "arguments": "{}"}
    request = {
        "model": "m",
        "store": False,
        "input": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "c2ln", "content": None},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "One moment."}]},
            call | {"id": None, "status": None},
            {"type": "function_call_output", "call_id": "call_1", "output": "07:12"},
            {"type": "local_shell_call", "call_id": "c", "status": "completed",
             "action": {"type": "exec", "command": ["ls"], "env": {}, "timeout_ms": None}},
            {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "tides"}},
            {"role": "assistant", "content": []},
            {"id": "msg_1"},
            {"id": "msg_2", "type": None},
        ],
        "tools": [{"type": "function", "name": "tide", "parameters": {"type": "object"}}, {"type": "web_search"}],
    }  # fmt: skip
    assert decode("responses", json.dumps(request).encode(), BOUNDS).endpoint == "responses"


@pytest.mark.parametrize("field", ["prompt", "conversation", "previous_response_id"])
def test_responses_may_go_on_without_an_input(field: str) -> None:
    value = {"id": "p"} if field == "prompt" else "x"
    for rest in ({}, {"input": []}, {"input": None}):
        decode("responses", json.dumps({"model": "m", field: value} | rest).encode(), BOUNDS)
