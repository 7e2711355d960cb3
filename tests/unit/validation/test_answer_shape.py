"""Arguments of tools and formats that were asked for: judged in whole answers and in streams alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.answer_shape import ARGUMENTS, FORMAT, AnswerShape, AnswerShapes, Misfit, ToolSchema, Uncheckable
from engine.validation.answer_shape_stream import Misfitting, ShapeStream
from engine.validation.schema import Schema

SCHEMA = {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]}
TIDE = ToolSchema(Schema(json.dumps(SCHEMA).encode()), blocks=True)
LAX = ToolSchema(TIDE.schema, blocks=False)
GOOD, BAD = '{"port": "Brest"}', '{"port": 5}'
ASK: dict[str, dict[str, Any]] = {
    "chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
    "responses": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
    "messages": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}


def shape(endpoint: str, request: Any = None, mode: Any = "block") -> AnswerShape:
    found = AnswerShapes({"tide": TIDE, "lax": LAX}, mode).of(endpoint, json.dumps(request or {}).encode())
    assert found is not None
    return found


def called(endpoint: str, name: str, arguments: str) -> dict[str, Any]:
    if endpoint == "chat":
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
        return {"choices": [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    if endpoint == "responses":
        item = {"type": "function_call", "id": "i", "call_id": "c", "name": name, "arguments": arguments}
        return {"status": "completed", "output": [item]}
    block = {"type": "tool_use", "id": "t", "name": name, "input": json.loads(arguments)}
    return {"stop_reason": "tool_use", "content": [{"type": "text", "text": "let me see"}, block]}


def said(endpoint: str, text: str, *, whole: bool = True) -> dict[str, Any]:
    if endpoint == "chat":
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop" if whole else "length"}]}
    if endpoint == "responses":
        item = {"type": "message", "content": [{"type": "output_text", "text": text}]}
        return {"status": "completed" if whole else "incomplete", "output": [item]}
    return {"stop_reason": "end_turn" if whole else "max_tokens", "content": [{"type": "text", "text": text}]}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("endpoint", ["chat", "responses", "messages"])
def test_arguments_that_do_not_fit_are_found_in_a_whole_answer(endpoint: str) -> None:
    judged = shape(endpoint)
    assert judged.misfits(encoded(called(endpoint, "tide", GOOD))) == []
    assert judged.misfits(encoded(called(endpoint, "tide", BAD))) == [Misfit(ARGUMENTS, "tide", True)]
    assert judged.misfits(encoded(called(endpoint, "lax", BAD))) == [Misfit(ARGUMENTS, "lax", False)]
    assert judged.misfits(encoded(called(endpoint, "other", BAD))) == []
    assert judged.misfits(encoded(said(endpoint, "free text"))) == []


@pytest.mark.parametrize(
    "arguments", ["", "not json", '{"port": "a", "port": "b"}', '{"port": "a"} x', "[" * 40 + "]" * 40]
)
def test_arguments_that_two_readers_read_in_two_ways_do_not_fit(arguments: str) -> None:
    assert shape("chat").misfits(encoded(called("chat", "tide", arguments))) == [Misfit(ARGUMENTS, "tide", True)]


@pytest.mark.parametrize("endpoint", ["chat", "responses", "messages"])
@pytest.mark.parametrize("mode", ["flag", "block"])
def test_a_text_is_held_against_the_format_of_its_request(endpoint: str, mode: str) -> None:
    judged = shape(endpoint, ASK[endpoint], mode)
    assert judged.misfits(encoded(said(endpoint, GOOD))) == []
    assert judged.misfits(encoded(said(endpoint, BAD))) == [Misfit(FORMAT, "", mode == "block")]
    assert judged.misfits(encoded(said(endpoint, "Brest"))) == [Misfit(FORMAT, "", mode == "block")]
    assert judged.misfits(encoded(said(endpoint, "{", whole=False))) == []
    assert judged.misfits(encoded(called(endpoint, "tide", GOOD))) == []


def test_json_without_a_schema_and_refusals() -> None:
    judged = shape("chat", {"response_format": {"type": "json_object"}})
    assert judged.misfits(encoded(said("chat", ' {"a": 1}'))) == []
    assert judged.misfits(encoded(said("chat", "[1]"))) == [Misfit(FORMAT, "", True)]
    refused = {"choices": [{"message": {"content": "", "refusal": "no"}, "finish_reason": "stop"}]}
    assert judged.misfits(encoded(refused)) == []
    with pytest.raises(Uncheckable):
        judged.misfits(b'{"choices": NaN}')


def test_nothing_is_held_against_nothing() -> None:
    shapes = AnswerShapes({}, "block")
    assert shapes.of("chat", b'{"response_format": {"type": "text"}}') is None
    assert shapes.of("embeddings", b"{}") is None
    assert AnswerShapes({}, "ignore").of("chat", encoded(ASK["chat"])) is None


@pytest.mark.parametrize(
    "schema", [{"type": "no such"}, {"pattern": "(?=a)"}, {"$ref": "http://h/x"}, {"enum": ["x" * 70_000]}]
)
def test_a_format_that_cannot_be_held_to_is_refused(schema: Any) -> None:
    request = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    with pytest.raises(Refusal) as caught:
        shape("chat", request)
    assert (caught.value.kind, caught.value.param) == (BAD_REQUEST, "response_format.json_schema.schema")


# Streams --------------------------------------------------------------------------------------------------------------


def events(endpoint: str, name: str, text: str) -> list[dict[str, Any]]:
    """A stream that calls `name`, or says `text` where there is no name; its last event but one makes it whole."""
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    if endpoint == "chat":
        start: dict[str, Any] = {"role": "assistant"}
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces]
        if name:
            start["tool_calls"] = [{"index": 0, "id": "c", "function": {"name": name, "arguments": ""}}]
            deltas = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
        choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in (start, *deltas)]
        choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if name else "stop"})
        return [{"choices": [choice]} for choice in choices] + [{"choices": []}]
    if endpoint == "responses":
        if not name:
            done = {"type": "response.completed", "response": said("responses", text)}
            return [{"type": "response.output_text.delta", "delta": piece} for piece in pieces] + [done, {"type": "x"}]
        item = {"type": "function_call", "id": "i", "name": name}
        return [
            {"type": "response.output_item.added", "item": item | {"arguments": ""}},
            *({"type": "response.function_call_arguments.delta", "item_id": "i", "delta": piece} for piece in pieces),
            {"type": "response.function_call_arguments.done", "item_id": "i", "arguments": text},
            {"type": "response.in_progress"},
        ]
    block = {"type": "tool_use", "id": "t", "name": name, "input": {}} if name else {"type": "text", "text": ""}
    field = "partial_json" if name else "text"
    stop = {"type": "content_block_stop", "index": 1}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use" if name else "end_turn"}}
    return [
        {"type": "content_block_start", "index": 1, "content_block": block},
        *({"type": "content_block_delta", "index": 1, "delta": {field: piece}} for piece in pieces),
        *((stop, end) if name else (stop, end, {"type": "message_stop"})),
    ]


def stream_of(values: list[dict[str, Any]]) -> list[bytes]:
    return [b"data: %b\n\n" % encoded(value) for value in values]


@pytest.mark.parametrize("endpoint", ["chat", "responses", "messages"])
@pytest.mark.parametrize("size", [1, 11, 10_000])
@pytest.mark.parametrize(
    ("name", "text", "control"),
    [("tide", GOOD, ""), ("tide", BAD, ARGUMENTS), ("lax", BAD, ""), ("", GOOD, ""), ("", BAD, FORMAT)],
)
def test_a_stream_is_ended_before_the_event_that_completes_it(
    endpoint: str, size: int, name: str, text: str, control: str
) -> None:
    parts = stream_of(events(endpoint, name, text))
    whole = b"".join(parts)
    stream = ShapeStream(shape(endpoint, ASK[endpoint]), 1 << 16)
    out, found = b"", ""
    try:
        for at in range(0, len(whole), size):
            out += stream.feed(whole[at : at + size])
        out += stream.finish()
    except Misfitting as misfitting:
        found = misfitting.misfit.control
        out += misfitting.ahead
    assert found == control
    assert out == (b"".join(parts[:-2]) if control else whole)
    assert [misfit.control for misfit in stream.flagged] == ([ARGUMENTS] if name == "lax" else [])


def test_a_call_whose_stream_gives_no_reason_for_its_end_is_judged_at_the_end() -> None:
    parts = [*stream_of(events("chat", "tide", BAD)[:-2]), b"data: [DONE]\n\n"]
    stream = ShapeStream(shape("chat"), 1 << 16)
    with pytest.raises(Misfitting) as caught:
        stream.feed(b"".join(parts))
    assert caught.value.ahead == b"".join(parts[:-1])


def test_what_cannot_be_read_or_kept_ends_the_stream() -> None:
    with pytest.raises(Uncheckable):
        ShapeStream(shape("chat"), 1 << 16).feed(b"data: {NaN\n\n")
    long = ShapeStream(shape("chat"), 200)
    pieces = iter(stream_of(events("chat", "tide", "x" * 300)))
    with pytest.raises(Uncheckable):
        sum(len(long.feed(piece)) for piece in pieces)


@pytest.mark.parametrize("index", [[], {}, [[1]], 1.5])
@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_pieces_that_cannot_be_told_apart_end_the_stream(endpoint: str, index: Any) -> None:
    value = {"choices": [{"index": index, "delta": {"content": "a"}}]} if endpoint == "chat" else {"index": index}
    stream = ShapeStream(shape(endpoint), 1 << 16)
    with pytest.raises(Uncheckable):
        stream.feed(b"data: %b\n\n" % encoded(value))


@pytest.mark.parametrize("arguments", [None, 5, [], True])
def test_arguments_that_are_none_do_not_fit(arguments: Any) -> None:
    free = ToolSchema(Schema(b"{}"), blocks=True)
    judged = AnswerShapes({"free": free}, "ignore").of("messages", b"{}")
    assert judged is not None
    assert judged.judge_call("free", arguments) == Misfit(ARGUMENTS, "free", True)
    assert judged.judge_call("free", {}) is None
