"""The real `openai` SDK against a gateway on a mock LLM: every endpoint, streamed and not, and every error class."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import openai
import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, request

POLICY = """
upstreams:
  mock: {{base_url: "http://127.0.0.1:{port}/v1", timeouts: {{first_byte: 2s}}}}
models:
  gpt-4o: {{upstream: mock}}
  o3: {{upstream: mock}}
  text-embedding-3-small: {{upstream: mock}}
  "org/*": {{upstream: mock}}
roles:
  user: {{endpoints: ["*"], models: [gpt-4o, text-embedding-3-small]}}
  chat_only: {{endpoints: [chat], models: ["*"]}}
  all_models: {{endpoints: [models], models: ["*"]}}
limits:
  - {{name: twice, by: key, requests: 2/hour, roles: [chat_only]}}
validation: {{max_body: 64KiB, max_depth: 16}}
"""
RECORD = "Show me the record of customer 42"
HIDDEN = ("ana@example.com", "4111 1111 1111 1111", "AKIAIOSFODNN7EXAMPLE", "415 555 0132", "DE89 3704")


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, mock_port: int) -> Gateway:
    return run_gateway(POLICY.format(port=mock_port))


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key()[0], max_retries=0) as made:
        yield made


def _user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=_user("say: good morning"))
    assert answer.choices[0].message.content == "good morning"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


def test_chat_is_redacted(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=_user(RECORD)).choices[0].message.content
    assert answer is not None
    assert "[EMAIL]" in answer
    assert not [text for text in HIDDEN if text in answer]


@pytest.mark.parametrize(("prompt", "expected"), [("say: one two three", "one two three"), (RECORD, None)])
def test_chat_stream(client: openai.OpenAI, prompt: str, expected: str | None) -> None:
    with client.chat.completions.create(model="gpt-4o", messages=_user(prompt), stream=True) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    if expected is not None:
        assert text == expected
    else:
        assert "[CARD]" in text
        assert not [hidden for hidden in HIDDEN if hidden in text]


def test_tools(client: openai.OpenAI) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    ask = _user('call: weather {"city": "Oslo", "mail": "ana@example.com"}')
    answer = client.chat.completions.create(model="gpt-4o", messages=ask, tools=[tool])  # type: ignore[list-item]
    assert answer.choices[0].message.tool_calls
    call = answer.choices[0].message.tool_calls[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Oslo", "mail": "[EMAIL]"}
    parts = []
    for chunk in client.chat.completions.create(model="gpt-4o", messages=ask, tools=[tool], stream=True):  # type: ignore[call-overload]
        for choice in chunk.choices:
            parts += [part.function.arguments or "" for part in choice.delta.tool_calls or []]
    assert json.loads("".join(parts)) == {"city": "Oslo", "mail": "[EMAIL]"}


def test_completions(client: openai.OpenAI) -> None:
    assert client.completions.create(model="gpt-4o", prompt="say: hi").choices[0].text.strip() == "hi"
    stream = client.completions.create(model="gpt-4o", prompt="say: hi there", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices).strip() == "hi there"


def test_embeddings(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert len(answer.data) == 2
    assert len(answer.data[0].embedding) > 1


def test_responses(client: openai.OpenAI) -> None:
    assert client.responses.create(model="gpt-4o", input="say: hi").output_text == "hi"
    with client.responses.stream(model="gpt-4o", input=RECORD) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response().output_text
    assert "[EMAIL]" in deltas
    assert deltas == final
    assert not [hidden for hidden in HIDDEN if hidden in final]


def test_models_are_those_of_the_role(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"gpt-4o", "text-embedding-3-small"}


def test_a_model_is_there_by_its_name(gateway: Gateway, client: openai.OpenAI) -> None:
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.PermissionDeniedError):
        client.models.retrieve("o/1")
    with _with_key(gateway, gateway.key(role="all_models")[0]) as other:
        assert other.models.retrieve("org/some.model:free").id == "org/some.model:free"
        with pytest.raises(openai.NotFoundError):
            other.models.retrieve("gpt-9")
    with _with_key(gateway, gateway.key(role="chat_only")[0]) as other, pytest.raises(openai.PermissionDeniedError):
        other.models.retrieve("gpt-4o")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o"])
def test_the_head_of_models(gateway: Gateway, path: str) -> None:
    key = gateway.key()[0]
    with Connection(gateway.port) as connection:
        connection.send(request(key, method="GET", path=path) + request(key, method="HEAD", path=path))
        whole, head = connection.answer(), connection.answer(bodiless=True)
        assert (whole.status, head.status) == (200, 200)
        assert head.headers["content-length"] == str(len(whole.body))
        # Nothing of a body is left on the connection.
        connection.send(request(key, method="GET", path="/v1/models/"))
        assert connection.answer().status == 404


async def _async_chat(url: str, key: str) -> str | None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=_user("say: async"))  # type: ignore[arg-type]
        return answer.choices[0].message.content


def test_the_asynchronous_client(gateway: Gateway) -> None:
    assert asyncio.run(_async_chat(gateway.url, gateway.key()[0])) == "async"


def _with_key(gateway: Gateway, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


def test_a_wrong_key_is_an_authentication_error(gateway: Gateway) -> None:
    key, _ = gateway.key()
    for wrong in ("tg_unknown_secret", "sk-other", key[:-1] + ("a" if key[-1] != "a" else "b")):
        with pytest.raises(openai.AuthenticationError) as error, _with_key(gateway, wrong) as client:
            client.chat.completions.create(model="gpt-4o", messages=_user("hi"))
        assert wrong not in str(error.value)


def test_what_a_role_does_not_allow_is_a_permission_error(client: openai.OpenAI, gateway: Gateway) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model="o3", messages=_user("hi"))
    with pytest.raises(openai.PermissionDeniedError), _with_key(gateway, gateway.key(role="chat_only")[0]) as other:
        other.embeddings.create(model="text-embedding-3-small", input="a")


def test_a_bad_request_is_one_and_names_the_place(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": 7, "content": "hi"}])  # type: ignore[list-item]
    assert error.value.param == "messages[0].role"


def test_an_unknown_model_is_not_found(gateway: Gateway) -> None:
    with pytest.raises(openai.NotFoundError), _with_key(gateway, gateway.key(role="chat_only")[0]) as client:
        client.chat.completions.create(model="no-such-model", messages=_user("hi"))


def test_a_reached_limit_is_a_rate_limit_error(gateway: Gateway) -> None:
    with _with_key(gateway, gateway.key(role="chat_only")[0]) as client:
        for _ in range(2):
            client.chat.completions.create(model="gpt-4o", messages=_user("hi"))
        with pytest.raises(openai.RateLimitError) as error:
            client.chat.completions.create(model="gpt-4o", messages=_user("hi"))
    headers = error.value.response.headers
    assert 0 < int(headers["retry-after"]) <= 3600
    assert headers["x-ratelimit-limit-requests"] == "2"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert "twice" in headers["ratelimit-policy"]
    assert "twice" in headers["ratelimit"]


def test_too_large_is_413(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(model="gpt-4o", messages=_user("x" * 70_000))
    assert error.value.status_code == 413


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429, 500, 503])
def test_the_upstreams_own_errors_keep_their_status(client: openai.OpenAI, status: int) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        client.chat.completions.create(model="gpt-4o", messages=_user(f"fail: {status}"))
    assert error.value.status_code == status


def test_an_unknown_route_is_not_found(gateway: Gateway, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.get("/no/such/route", cast_to=object)
    with pytest.raises(openai.APIStatusError) as error:
        client.get("/chat/completions", cast_to=object)
    assert error.value.status_code == 405
    assert "POST" in error.value.response.headers["allow"]
