"""Decoding: what is refused, in which order, and the place that the refusal names."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from engine.errors import BAD_REQUEST, TOO_LARGE, Refusal
from engine.validation.decode import DEEPEST, ENDPOINTS, Bounds, decode, guard
from engine.validation.openai_chat import ChatRequest, UserMessage
from engine.validation.shape import Opaque

BOUNDS = Bounds()

VALID: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "messages": [{"role": "user", "content": "a"}]},
    "completions": {"model": "m", "prompt": "a"},
    "embeddings": {"model": "m", "input": "a"},
    "responses": {"model": "m", "input": "a"},
    "messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]},
    "count_tokens": {"model": "m", "messages": [{"role": "user", "content": "a"}]},
}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def refusal(endpoint: str, body: bytes, bounds: Bounds = BOUNDS) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode(endpoint, body, bounds)
    return caught.value


def chat(**fields: Any) -> dict[str, Any]:
    return VALID["chat"] | fields


def said(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return chat(messages=[{"role": "user", "content": "a"}, {"role": role, "content": list(parts)}])


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_the_smallest_request_passes(endpoint: str) -> None:
    for stream, expected in ((True, True), (False, False), (None, False)):
        request = decode(endpoint, encoded(VALID[endpoint] | {"stream": stream}), BOUNDS)
        assert (request.endpoint, request.model) == (endpoint, "m")
        assert request.stream is (expected and endpoint not in ("embeddings", "count_tokens"))
    assert decode(endpoint, encoded(VALID[endpoint]), BOUNDS).stream is False


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_each_required_field_is_missed_by_name(endpoint: str) -> None:
    required = VALID[endpoint].keys() - ({"input"} if endpoint == "responses" else set())
    for field in required:
        body = encoded({key: value for key, value in VALID[endpoint].items() if key != field})
        error = refusal(endpoint, body)
        assert (error.kind, error.param) == (BAD_REQUEST, field)
        assert error.message == f"Missing required field '{field}'."


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"null"])
def test_a_body_that_is_no_object_is_refused(endpoint: str, body: bytes) -> None:
    error = refusal(endpoint, body)
    assert error.param is None
    assert error.message.startswith("Expected 'object'")


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_the_guard_comes_before_the_types(endpoint: str) -> None:
    error = refusal(endpoint, b'{"model":1,"model":"m"}')
    assert (error.kind, error.param) == (BAD_REQUEST, "model")
    assert error.message == "The body is not acceptable JSON: duplicate key (byte 11)."
    assert refusal(endpoint, b"{").message == "The body is not acceptable JSON: unexpected end of the body (byte 1)."


def test_a_duplicate_deep_inside_is_named_by_its_place() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"b","role":"system"}]}'
    assert refusal("chat", body).param == "messages[1].role"


def test_size_and_depth_are_bounded() -> None:
    body = encoded(VALID["chat"])
    decode("chat", body, Bounds(max_body=len(body), max_depth=3))
    error = refusal("chat", body, Bounds(max_body=len(body) - 1))
    assert error.kind is TOO_LARGE
    assert error.message == f"The body has {len(body)} bytes; at most {len(body) - 1} are allowed."
    error = refusal("chat", body, Bounds(max_depth=2))
    assert error.kind is BAD_REQUEST
    assert "nested deeper than 2 levels" in error.message
    assert error.param == "messages[0]"


def test_the_deepest_bound_is_within_the_interpreters_stack() -> None:
    deep: Any = 1
    for _ in range(DEEPEST - 3):
        deep = [deep]
    decode("chat", encoded(chat(metadata=None, extra={"a": {"b": deep}})), Bounds(max_depth=DEEPEST))
    place_of_error = refusal("chat", encoded(chat(extra={"a": {"b": deep}}, n="1")), Bounds(max_depth=DEEPEST))
    assert place_of_error.param == "n"


@pytest.mark.parametrize("field", ["max_depth", "max_messages", "max_body"])
def test_senseless_bounds_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Bounds(**{field: 0})
    with pytest.raises(ValueError, match="max_depth"):
        Bounds(max_depth=DEEPEST + 1)


def test_messages_and_items_are_counted() -> None:
    for endpoint, field in (("chat", "messages"), ("messages", "messages"), ("responses", "input")):
        body = encoded(VALID[endpoint] | {field: [{"role": "user", "content": "a"}] * 3})
        decode(endpoint, body, Bounds(max_messages=3))
        error = refusal(endpoint, body, Bounds(max_messages=2))
        assert (error.kind, error.param) == (BAD_REQUEST, field)
        assert error.message == "Expected at most 2 messages, got 3."


def test_a_generic_body_is_guarded_only() -> None:
    guard(b'{"anything":[1]}', BOUNDS)
    with pytest.raises(Refusal) as caught:
        guard(b'{"a":{"b":1,"b":2}}', BOUNDS)
    assert caught.value.param == "a.b"


TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": ""}}
TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("endpoint", "request_", "param", "message"),
    [
        ("chat", chat(model=""), "model", "Expected 'str' of length >= 1."),
        ("chat", chat(model=None), "model", "Expected 'str', got 'null'."),
        ("chat", chat(messages=[]), "messages", "Expected 'array' of length >= 1."),
        ("chat", chat(messages={}), "messages", "Expected 'array', got 'object'."),
        ("chat", chat(messages=["a"]), "messages[0]", "Expected 'object', got 'str'."),
        ("chat", chat(messages=[{"content": "a"}]), "messages[0].role", "Missing required field 'role'."),
        ("chat", chat(messages=[{"role": 1, "content": "a"}]), "messages[0].role", "Expected 'str', got 'int'."),
        ("chat", chat(messages=[{"role": "user"}]), "messages[0].content", "Missing required field 'content'."),
        (
            "chat",
            chat(messages=[{"role": "user", "content": None}]),
            "messages[0].content",
            "Expected 'str | array', got 'null'.",
        ),
        (
            "chat",
            chat(messages=[{"role": "tool", "content": "a"}]),
            "messages[0].tool_call_id",
            "Missing required field 'tool_call_id'.",
        ),
        ("chat", said({"text": "a"}), "messages[1].content[0].type", "Missing required field 'type'."),
        ("chat", said(TEXT, {"type": "text"}), "messages[1].content[1].text", "Missing required field 'text'."),
        (
            "chat",
            said(TEXT, TEXT, {"type": "image_url", "image_url": {"url": 1}}),
            "messages[1].content[2].image_url.url",
            "Expected 'str', got 'int'.",
        ),
        (
            "chat",
            chat(messages=[{"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}]),
            "messages[0].tool_calls[0].function",
            "Missing required field 'function'.",
        ),
        ("chat", chat(tools=[TOOL, {"type": "function"}]), "tools[1].function", "Missing required field 'function'."),
        ("chat", chat(tools=[{"type": "function", "function": {"name": ""}}]), "tools[0].function.name", None),
        ("chat", chat(tool_choice="any"), "tool_choice", "Expected one of 'none', 'auto', 'required'."),
        (
            "chat",
            chat(response_format={"type": "xml"}),
            "response_format.type",
            "Expected one of 'text', 'json_object', 'json_schema'.",
        ),
        ("chat", chat(temperature=2.1), "temperature", "Expected 'float' <= 2.0."),
        ("chat", chat(temperature="1"), "temperature", None),
        ("chat", chat(top_p=-0.1), "top_p", None),
        ("chat", chat(n=0), "n", None),
        ("chat", chat(n=129), "n", None),
        ("chat", chat(n=1.5), "n", None),
        ("chat", chat(n=True), "n", None),
        ("chat", chat(max_tokens=0), "max_tokens", None),
        ("chat", chat(max_completion_tokens=-1), "max_completion_tokens", None),
        ("chat", chat(top_logprobs=21), "top_logprobs", None),
        ("chat", chat(logprobs=1), "logprobs", None),
        ("chat", chat(stream=1), "stream", None),
        ("chat", chat(stop=["a"] * 5), "stop", None),
        ("chat", chat(stop=["a", 1]), "stop[1]", "Expected 'str', got 'int'."),
        ("chat", chat(logit_bias={"1": 5, "50256": -101}), "logit_bias.50256", "Expected 'float' >= -100.0."),
        ("chat", chat(logit_bias={"a b": "x"}), 'logit_bias["a b"]', None),
        ("chat", chat(metadata={"k": 1}), "metadata.k", None),
        ("chat", chat(stream_options={"include_usage": "yes"}), "stream_options.include_usage", None),
        ("completions", {"model": "m", "prompt": ["a", 1.5]}, "prompt[1]", None),
        ("completions", {"model": "m", "prompt": [[1, 2], [3, "a"]]}, "prompt[1][1]", None),
        ("completions", {"model": "m", "prompt": ["a", 1]}, "prompt[1]", None),
        ("completions", {"model": "m", "prompt": []}, "prompt", None),
        ("completions", {"model": "m", "prompt": "a", "logprobs": 6}, "logprobs", None),
        ("completions", {"model": "m", "prompt": "a", "n": 3, "best_of": 2}, "best_of", None),
        ("completions", {"model": "m", "prompt": "a", "best_of": 21}, "best_of", None),
        ("embeddings", {"model": "m", "input": ""}, "input", None),
        ("embeddings", {"model": "m", "input": []}, "input", None),
        ("embeddings", {"model": "m", "input": ["a", {}]}, "input[1]", None),
        ("embeddings", {"model": "m", "input": [[1], 2]}, "input[1]", None),
        ("embeddings", {"model": "m", "input": [[1], []]}, "input[1]", None),
        ("embeddings", {"model": "m", "input": ["a"] * 2049}, "input", "Expected 'array' of length <= 2048."),
        ("embeddings", {"model": "m", "input": "a", "dimensions": 0}, "dimensions", None),
        (
            "embeddings",
            {"model": "m", "input": "a", "encoding_format": "int8"},
            "encoding_format",
            "Expected one of 'float', 'base64'.",
        ),
        ("responses", {"model": "m", "input": [{}]}, "input[0].role", "Missing required field 'role'."),
        ("responses", {"model": "m", "input": [{"role": "user"}]}, "input[0].content", None),
        ("responses", {"model": "m", "input": [{"role": "user", "content": []}]}, "input[0].content", None),
        ("responses", {"model": "m", "input": []}, "input", "Expected 'array' of length >= 1."),
        ("responses", {"model": "m", "input": [7]}, "input[0]", "Expected 'object'."),
        ("responses", {"model": "m", "input": ["a", {"type": 7}]}, "input[0]", None),
        ("responses", {"model": "m", "input": [{"type": 7}]}, "input[0].type", "Expected 'str'."),
        (
            "responses",
            {"model": "m", "input": [{"call_id": "c", "name": "f", "arguments": "{}"}]},
            "input[0].type",
            "Missing required field 'type'.",
        ),
        (
            "responses",
            {"model": "m", "input": [{"role": "user", "content": "a"}, {"type": "mcp_call", "id": 5}]},
            "input[1].id",
            "Expected 'str', got 'int'.",
        ),
        (
            "responses",
            {"model": "m", "input": [{"role": "user", "content": "a"}, {"role": "tool", "content": "a"}]},
            "input[1].role",
            "Expected one of 'user', 'assistant', 'system', 'developer'.",
        ),
        (
            "responses",
            {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]},
            "input[0].content[0].text",
            None,
        ),
        (
            "responses",
            {"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "f"}]},
            "input[0].arguments",
            None,
        ),
        ("responses", {"model": "m", "input": "a", "tools": [{"name": "f"}]}, "tools[0].type", None),
        ("responses", {"model": "m", "input": "a", "tools": [{"type": "mcp"}]}, "tools[0].server_label", None),
        ("responses", {"model": "m", "input": "a", "text": {"format": {"type": "x"}}}, "text.format.type", None),
        (
            "messages",
            VALID["messages"] | {"messages": [{"role": "assistant", "content": [TEXT, IMAGE]}]},
            "messages[0].content[1].source.media_type",
            "Expected one of 'image/jpeg', 'image/png', 'image/gif', 'image/webp'.",
        ),
        (
            "messages",
            VALID["messages"]
            | {
                "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [1]}]}]
            },
            "messages[0].content[0].content[0]",
            "Expected 'object', got 'int'.",
        ),
        (
            "messages",
            VALID["messages"] | {"messages": [{"role": "tool", "content": "a"}]},
            "messages[0].role",
            "Expected one of 'user', 'assistant', 'system'.",
        ),
        ("messages", VALID["messages"] | {"temperature": 1.1}, "temperature", None),
        ("messages", VALID["messages"] | {"max_tokens": -1}, "max_tokens", None),
        ("messages", VALID["messages"] | {"system": [{"type": "text"}]}, "system[0].text", None),
        ("messages", VALID["messages"] | {"tools": [{"name": "f"}]}, "tools[0].input_schema", None),
        ("messages", VALID["messages"] | {"tools": [{"input_schema": {"type": "object"}}]}, "tools[0].name", None),
        (
            "messages",
            VALID["messages"] | {"tools": [{"name": "f", "input_schema": {"type": "array"}}]},
            "tools[0].input_schema.type",
            "Expected one of 'object'.",
        ),
        ("messages", VALID["messages"] | {"tool_choice": {"type": "tool"}}, "tool_choice.name", None),
        ("messages", VALID["messages"] | {"thinking": {"type": "enabled"}}, "thinking.budget_tokens", None),
    ],
)
def test_a_violation_is_refused_with_its_place(
    endpoint: str, request_: dict[str, Any], param: str, message: str | None
) -> None:
    error = refusal(endpoint, encoded(request_))
    assert (error.kind, error.param) == (BAD_REQUEST, param)
    if message is not None:
        assert error.message == message


@pytest.mark.parametrize("index", [0, 1, 7, 998])
def test_the_index_is_that_of_the_first_wrong_message(index: int) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "a"} for _ in range(1000)]
    messages[index]["role"] = "usr"
    messages[999] = {"role": "usr"}
    assert refusal("chat", encoded(chat(messages=messages))).param == f"messages[{index}].role"


def test_finding_the_place_takes_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[int] = []
    convert = msgspec.convert

    def counted(value: Any, kind: Any) -> Any:
        converted.append(len(value))
        return convert(value, kind)

    monkeypatch.setattr(msgspec, "convert", counted)
    parts = [TEXT] * 499 + [{"type": "text"}]
    messages = [{"role": "user", "content": "a"}] * 499 + [{"role": "user", "content": parts}]
    assert refusal("chat", encoded(chat(messages=messages))).param == "messages[499].content[499].text"
    whole, *items = converted
    assert whole == 2  # the request: its model and its messages
    assert sum(items) <= 500 + 500


def test_a_wrong_value_is_not_repeated() -> None:
    error = refusal("chat", encoded(chat(messages=[{"role": "s3cret", "content": "a"}])))
    assert "s3cret" not in error.message


# What is let through --------------------------------------------------------------------------------------------------

NEW = {"type": "hologram", "hologram": {"depth": [1, {"type": "text"}]}}


@pytest.mark.parametrize(
    ("endpoint", "request_"),
    [
        ("chat", said(TEXT, NEW)),
        ("chat", said(NEW, role="tool") | {"messages": [{"role": "tool", "tool_call_id": "a", "content": [NEW]}]}),
        ("chat", chat(tools=[TOOL, NEW])),
        ("chat", chat(messages=[{"role": "assistant", "tool_calls": [NEW]}])),
        ("responses", {"model": "m", "input": [NEW, {"role": "user", "content": [NEW]}]}),
        ("responses", {"model": "m", "input": "a", "tools": [NEW], "tool_choice": NEW}),
        ("messages", VALID["messages"] | {"messages": [{"role": "user", "content": [NEW, TEXT]}]}),
        ("messages", VALID["messages"] | {"system": [NEW], "tools": [NEW], "thinking": NEW}),
        (
            "messages",
            VALID["messages"]
            | {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [NEW]}]}
                ]
            },
        ),
        ("messages", VALID["messages"] | {"messages": [{"role": "user", "content": [IMAGE | {"source": NEW}]}]}),
    ],
)
def test_a_type_that_this_build_does_not_know_passes(endpoint: str, request_: dict[str, Any]) -> None:
    assert decode(endpoint, encoded(request_), BOUNDS).model == "m"


def test_an_unknown_part_is_opaque_and_its_neighbors_are_still_read() -> None:
    shape = decode("chat", encoded(said(TEXT, NEW)), BOUNDS).shape
    assert isinstance(shape, ChatRequest)
    message = shape.messages[1]
    assert isinstance(message, UserMessage)
    assert not isinstance(message.content, str)
    assert [type(part).__name__ for part in message.content] == ["TextPart", "Opaque"]
    assert isinstance(message.content[1], Opaque)
    error = refusal("chat", encoded(said(NEW, {"type": "text", "text": 1})))
    assert (error.param, error.message) == ("messages[1].content[1].text", "Expected 'str', got 'int'.")


SLIPS: list[tuple[str, dict[str, Any], str]] = [
    ("chat", said({"type": "txt", "text": "a"}), "messages[1].content[0].type"),
    ("chat", said({"type": "input_text", "text": "a", "more": 1}), "messages[1].content[0].type"),
    ("chat", chat(tools=[TOOL | {"type": "fn"}]), "tools[0].type"),
    ("responses", {"model": "m", "input": [{"type": "msg", "role": "user", "content": "a"}]}, "input[0].type"),
    ("responses", {"model": "m", "input": [{"role": "user", "content": [TEXT]}]}, "input[0].content[0].type"),
    ("responses", {"model": "m", "input": "a", "tools": [{"type": "fn", "name": "f"}]}, "tools[0].type"),
    (
        "messages",
        VALID["messages"] | {"messages": [{"role": "user", "content": [{"type": "txt", "text": "a"}]}]},
        "messages[0].content[0].type",
    ),
    (
        "messages",
        VALID["messages"] | {"tools": [{"type": "mine", "name": "f", "input_schema": {"type": "object"}}]},
        "tools[0].type",
    ),
]


@pytest.mark.parametrize(("endpoint", "request_", "place"), SLIPS)
def test_an_unknown_type_that_is_a_slip_is_refused(endpoint: str, request_: dict[str, Any], place: str) -> None:
    assert refusal(endpoint, encoded(request_)).param == place
    known = Bounds(new_types=frozenset(("txt", "input_text", "text", "fn", "msg", "mine")))
    decode(endpoint, encoded(request_), known)


def test_objects_that_nearly_are_something_known_are_not_looked_at_without_end() -> None:
    near = {"type": "txt", "text": 5}
    decode("chat", encoded(said(*[near] * 900)), BOUNDS)
    error = refusal("chat", encoded(said(*[near] * 1100)))
    assert error.param == "messages[1].content[1000].type"
    decode("chat", encoded(said(*[{"type": "txt", "more": 5}] * 5000)), BOUNDS)


@pytest.mark.parametrize("kind", ["bash_20990101", "bash-2099-01-01", "bash_2099_01_01"])
def test_a_type_with_a_date_is_a_new_version(kind: str) -> None:
    decode("messages", encoded(VALID["messages"] | {"tools": [{"type": kind, "name": "bash"}]}), BOUNDS)


def test_what_is_free_is_not_looked_at_for_slips() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "txt", "text": "a"}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    decode("chat", encoded(said(NEW) | {"tools": tools, "brand_new": [{"type": "txt", "text": "a"}]}), BOUNDS)


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_unknown_fields_and_null_options_pass(endpoint: str) -> None:
    request = copy.deepcopy(VALID[endpoint]) | {"brand_new": {"type": "x"}, "temperature": None, "user": None}
    assert decode(endpoint, encoded(request), BOUNDS).model == "m"


def test_numbers_may_be_written_as_integers() -> None:
    decode("chat", encoded(chat(temperature=1, top_p=1, presence_penalty=-2, logit_bias={"1": -100})), BOUNDS)


def test_an_unknown_endpoint_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        decode("images", b"{}", BOUNDS)
