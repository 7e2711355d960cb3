"""The real `anthropic` SDK against a gateway on a mock LLM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway

POLICY = """
upstreams:
  mock: {{base_url: "http://127.0.0.1:{port}/v1", dialect: anthropic}}
models:
  claude-test: {{upstream: mock}}
  claude-other: {{upstream: mock}}
roles:
  user: {{endpoints: [messages], models: [claude-test]}}
  once: {{endpoints: [messages], models: ["*"]}}
  every: {{endpoints: ["*"], models: ["*"]}}
  chat: {{endpoints: [chat], models: ["*"]}}
  poor: {{endpoints: [messages], models: ["*"]}}
limits:
  - {{name: once, by: key, requests: 1/hour, roles: [once]}}
  - {{name: poor, by: key, tokens: 150/day, roles: [poor]}}
"""
MODEL = "claude-test"
RECORD = "Show me the record of customer 42"


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, mock_port: int) -> Gateway:
    return run_gateway(POLICY.format(port=mock_port))


def _with_key(gateway: Gateway, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=gateway.url, api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with _with_key(gateway, gateway.key()[0]) as made:
        yield made


def _ask(client: anthropic.Anthropic, text: str, model: str = MODEL) -> anthropic.types.Message:
    return client.messages.create(model=model, max_tokens=100, messages=[{"role": "user", "content": text}])


def test_messages(client: anthropic.Anthropic) -> None:
    answer = _ask(client, "say: good evening")
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "good evening"
    assert answer.usage.output_tokens > 0


@pytest.mark.parametrize(("prompt", "found"), [("say: a few words", "a few words"), (RECORD, "[EMAIL]")])
def test_messages_stream(client: anthropic.Anthropic, prompt: str, found: str) -> None:
    ask = [{"role": "user", "content": prompt}]
    with client.messages.stream(model=MODEL, max_tokens=100, messages=ask) as stream:  # type: ignore[arg-type]
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert found in text
    assert "ana@example.com" not in text
    assert final.content[0].type == "text"
    assert final.content[0].text == text


def test_tokens_are_counted_and_cost_none(gateway: Gateway, client: anthropic.Anthropic) -> None:
    ask: list[anthropic.types.MessageParam] = [{"role": "user", "content": "how many are these"}]
    assert client.messages.count_tokens(model=MODEL, messages=ask).input_tokens > 0
    with pytest.raises(anthropic.PermissionDeniedError):
        client.messages.count_tokens(model="claude-other", messages=ask)
    # It is held to the shape of what it counts.
    nobody: Any = [{"role": "robot", "content": "x"}]
    with pytest.raises(anthropic.BadRequestError, match=r"messages\[0\]\.role"):
        client.messages.count_tokens(model=MODEL, messages=nobody)
    # A role that may call nothing else of it may not call this.
    with _with_key(gateway, gateway.key(role="chat")[0]) as other, pytest.raises(anthropic.PermissionDeniedError):
        other.messages.count_tokens(model=MODEL, messages=ask)
    with _with_key(gateway, gateway.key(role="poor")[0]) as poor:
        for _ in range(3):
            poor.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "x" * 300}])
        with pytest.raises(anthropic.APIStatusError):
            poor.messages.create(model=MODEL, max_tokens=200, messages=[{"role": "user", "content": "x" * 300}])


def test_models(gateway: Gateway) -> None:
    with _with_key(gateway, gateway.key(role="every")[0]) as client:
        assert {model.id for model in client.models.list()} == {"claude-test", "claude-other"}
        assert client.models.retrieve(MODEL).type == "model"
        with pytest.raises(anthropic.NotFoundError):
            client.models.retrieve("claude-none")


def test_tools(client: anthropic.Anthropic) -> None:
    ask = 'call: mail {"to": "ana@example.com", "n": 3}'
    answer = client.messages.create(
        model=MODEL,
        max_tokens=100,
        messages=[{"role": "user", "content": ask}],
        tools=[{"name": "mail", "input_schema": {"type": "object"}}],
    )
    call = next(block for block in answer.content if block.type == "tool_use")
    assert call.input == {"to": "[EMAIL]", "n": 3}


def test_errors(gateway: Gateway, client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError), _with_key(gateway, "tg_wrong_key") as other:
        _ask(other, "hi")
    with pytest.raises(anthropic.PermissionDeniedError):
        _ask(client, "hi", "claude-other")
    with pytest.raises(anthropic.BadRequestError) as error:
        client.messages.create(model=MODEL, max_tokens=9, messages=[{"role": 7, "content": "x"}])  # type: ignore[typeddict-item]
    assert error.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]
    with _with_key(gateway, gateway.key(role="once")[0]) as once:
        with pytest.raises(anthropic.NotFoundError):
            _ask(once, "hi", "no-such-model")
        with pytest.raises(anthropic.RateLimitError):
            _ask(once, "hi")
    with pytest.raises(anthropic.APIStatusError) as failed:
        _ask(client, "fail: 529")
    assert failed.value.status_code == 529
