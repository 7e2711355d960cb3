"""Every channel in which text can leave: in pieces, as a whole, and as what repeats it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from engine.redaction.answers import redact_answer
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.ruleset import build
from engine.redaction.stream import RedactedStream

Json = dict[str, Any]
MAIL = "jane.doe@example.com"
TEXT = f"Write to {MAIL} about it."
PIECES = [TEXT[at : at + 3] for at in range(0, len(TEXT), 3)]
DONE = b"data: [DONE]\n\n"
PLACE = {"item_id": "i", "output_index": 0, "content_index": 0}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("channels", {"email": "mask"}, build(), bytes(32))


def _stream(profile: Profile, events: list[Any]) -> bytes:
    stream = RedactedStream(profile, 1 << 20)
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + DONE
    return b"".join(stream.feed(data[at : at + 50]) for at in range(0, len(data), 50)) + stream.finish()


def _events(out: bytes) -> list[Any]:
    return [orjson.loads(line[6:]) for line in out.split(b"\n") if line.startswith(b"data: {")]


def _delta(**delta: Any) -> Json:
    return {"choices": [{"index": 0, "delta": delta}]}


def _of(kind: str, **fields: Any) -> Json:
    return {"type": f"response.{kind}", **PLACE, **fields}


def _tokens(pieces: list[str], **more: Any) -> list[Json]:
    return [{"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), **more} for piece in pieces]


# An event for a piece of text, and where the client reads it.
TEXTS: dict[str, tuple[Callable[[str], Json], Callable[[Json], str]]] = {
    "chat_message": (
        lambda piece: {"choices": [{"index": 0, "message": {"content": piece}}]},
        lambda event: event["choices"][0]["message"]["content"],
    ),
    "chat_reasoning": (lambda p: _delta(reasoning=p), lambda e: e["choices"][0]["delta"]["reasoning"]),
    "chat_reasoning_details": (
        lambda p: _delta(reasoning_details=[{"type": "reasoning.text", "text": p}]),
        lambda e: e["choices"][0]["delta"]["reasoning_details"][0]["text"],
    ),
    "chat_annotations": (
        lambda p: _delta(annotations=[{"type": "url_citation", "url_citation": {"title": p}}]),
        lambda e: e["choices"][0]["delta"]["annotations"][0]["url_citation"]["title"],
    ),
    "chat_custom_tool": (
        lambda p: _delta(tool_calls=[{"index": 0, "custom": {"input": p}}]),
        lambda e: e["choices"][0]["delta"]["tool_calls"][0]["custom"]["input"],
    ),
    "chat_tool_name": (
        lambda p: _delta(tool_calls=[{"index": 0, "function": {"name": p}}]),
        lambda e: e["choices"][0]["delta"]["tool_calls"][0]["function"]["name"],
    ),
    "refusal": (lambda p: _of("refusal.delta", delta=p), lambda e: e["delta"]),
    "reasoning_text": (lambda p: _of("reasoning_text.delta", delta=p), lambda e: e["delta"]),
    "custom_tool_call_input": (lambda p: _of("custom_tool_call_input.delta", delta=p), lambda e: e["delta"]),
    "code_interpreter": (lambda p: _of("code_interpreter_call_code.delta", delta=p), lambda e: e["delta"]),
    "audio_transcript": (
        lambda p: {"type": "response.audio.transcript.delta", "response_id": "r", "delta": p},
        lambda e: e["delta"],
    ),
    "unknown_response": (lambda p: _of("something_new.delta", delta={"text": p}), lambda e: e["delta"]["text"]),
}

# An event for a piece of JSON, and where the client reads it.
ARGUMENTS: dict[str, tuple[Callable[[str], Json], Callable[[Json], str]]] = {
    "function_call": (
        lambda p: _delta(function_call={"arguments": p}),
        lambda e: e["choices"][0]["delta"]["function_call"]["arguments"],
    ),
    "responses_function": (lambda p: _of("function_call_arguments.delta", delta=p), lambda e: e["delta"]),
    "responses_mcp": (lambda p: _of("mcp_call_arguments.delta", delta=p), lambda e: e["delta"]),
    "input_json": (
        lambda p: {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": p}},
        lambda e: e["delta"]["partial_json"],
    ),
}

# What says all at once, in a stream or beside it.
WHOLES: dict[str, Json] = {
    "chat": {"choices": [{"message": {"content": TEXT}}]},
    "chat_second_choice": {"choices": [{"message": {"content": "a"}}, {"message": {"content": TEXT}}]},
    "chat_parts": {"choices": [{"message": {"content": [{"type": "text", "text": TEXT}]}}]},
    "chat_refusal": {"choices": [{"message": {"refusal": TEXT}}]},
    "chat_reasoning": {"choices": [{"message": {"reasoning_content": TEXT, "reasoning": TEXT}}]},
    "chat_audio": {"choices": [{"message": {"audio": {"transcript": TEXT}}}]},
    "chat_annotations": {"choices": [{"message": {"annotations": [{"url_citation": {"title": TEXT, "url": MAIL}}]}}]},
    "chat_tool": {"choices": [{"message": {"tool_calls": [{"function": {"arguments": json.dumps({"a": TEXT})}}]}}]},
    "chat_function": {"choices": [{"message": {"function_call": {"arguments": json.dumps([TEXT])}}}]},
    "completion": {"choices": [{"text": TEXT}]},
    "key": {"choices": [{"message": {"content": {MAIL: 1}}}]},
    "output_text.done": _of("output_text.done", text=TEXT),
    "refusal.done": _of("refusal.done", refusal=TEXT),
    "reasoning_text.done": _of("reasoning_text.done", text=TEXT),
    "function_call_arguments.done": _of("function_call_arguments.done", arguments=json.dumps({"a": TEXT})),
    "content_part.added": _of("content_part.added", part={"type": "output_text", "text": TEXT}),
    "content_part.done": _of("content_part.done", part={"type": "output_text", "text": TEXT}),
    "output_item.done": _of("output_item.done", item={"type": "message", "content": [{"text": TEXT}]}),
    "annotation.added": _of("output_text.annotation.added", annotation={"type": "url_citation", "title": TEXT}),
    "response.completed": {"type": "response.completed", "response": {"output": [{"content": [{"text": TEXT}]}]}},
    "response.incomplete": {"type": "response.incomplete", "response": {"output": [{"content": [{"text": TEXT}]}]}},
    "response.failed": {"type": "response.failed", "response": {"error": {"message": TEXT}}},
    "messages": {"type": "message", "content": [{"type": "text", "text": TEXT, "citations": [{"cited_text": TEXT}]}]},
    "thinking": {"type": "message", "content": [{"type": "thinking", "thinking": TEXT}]},
    "tool_use": {"type": "message", "content": [{"type": "tool_use", "input": {"a": [TEXT]}}]},
    "block_start": {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "web_search_tool_result", "content": [{"title": TEXT}]},
    },
    "message_start": {"type": "message_start", "message": {"content": [{"type": "text", "text": TEXT}]}},
    "openai_error": {"error": {"message": TEXT, "type": "invalid_request_error", "param": TEXT}},
    "anthropic_error": {"type": "error", "error": {"type": "api_error", "message": TEXT}},
    "generic": {"result": [{"deep": [[{"text": TEXT}]]}], "unknown": TEXT},
    "structural_in_name_only": {"id": TEXT + " " * 64, "type": TEXT + "." * 64},
}


@pytest.mark.parametrize("shape", TEXTS)
def test_text_in_pieces(profile: Profile, shape: str) -> None:
    write, read = TEXTS[shape]
    out = _stream(profile, [write(piece) for piece in PIECES])
    assert "".join(map(read, _events(out))) == "Write to [EMAIL] about it."


@pytest.mark.parametrize("shape", ARGUMENTS)
def test_json_in_pieces(profile: Profile, shape: str) -> None:
    write, read = ARGUMENTS[shape]
    whole = r'{"to": ["jane.doe\u0040example.com"], "jane.doe@example.com": "a\"b"}'
    out = _stream(profile, [write(whole[at : at + 3]) for at in range(0, len(whole), 3)])
    assert json.loads("".join(map(read, _events(out)))) == {"to": ["[EMAIL]"], "[EMAIL]": 'a"b'}


@pytest.mark.parametrize("shape", WHOLES)
def test_a_whole_in_an_event_and_in_an_answer(profile: Profile, shape: str) -> None:
    out = _stream(profile, [WHOLES[shape]])
    answer = redact_answer(profile, json.dumps(WHOLES[shape]).encode(), media=b"application/json").body
    for body in (out, answer):
        assert MAIL.encode() not in body
        assert b"[EMAIL]" in body
    assert _events(out) == [orjson.loads(answer)]


def test_plain_text_and_text_that_is_json(profile: Profile) -> None:
    assert (
        redact_answer(profile, TEXT.encode(), media=b"text/plain; charset=utf-8").body == b"Write to [EMAIL] about it."
    )
    escaped = json.dumps({"a": MAIL}).replace("@", "\\u0040").encode()
    assert redact_answer(profile, escaped, media=b"text/plain").body == b'{"a":"[EMAIL]"}'


# logprobs


LOGPROBS: dict[str, Callable[[list[str]], Any]] = {
    "chat": lambda pieces: {"content": _tokens(pieces), "refusal": None},
    "top": lambda pieces: {"content": _tokens(pieces, top_logprobs=_tokens(pieces))},
    "bytes_only": lambda pieces: {"content": [{"token": "", "bytes": list(piece.encode())} for piece in pieces]},
    "completions": lambda pieces: {"tokens": pieces, "token_logprobs": [-0.5] * len(pieces), "top_logprobs": None},
}


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("shape", LOGPROBS)
def test_token_texts_do_not_say_it(profile: Profile, shape: str, beside: bool) -> None:
    answer = {"choices": [{"message": {"content": TEXT if beside else ""}, "logprobs": LOGPROBS[shape](PIECES)}]}
    result = redact_answer(profile, json.dumps(answer).encode(), media=b"application/json")
    assert json.loads(result.body)["choices"][0]["logprobs"] is None
    assert result.findings == {"email": 1}
    events = [
        {"choices": [{"index": 0, "delta": {"content": piece if beside else ""}, "logprobs": LOGPROBS[shape]([piece])}]}
        for piece in PIECES
    ]
    said = b""
    stream = RedactedStream(profile, 1 << 20)
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    out = stream.feed(data) + stream.finish()
    assert stream.findings == {"email": 1}
    for event in _events(out):
        kept = event["choices"][0]["logprobs"]
        for token in (kept.get("content") or kept["tokens"]) if kept is not None else ():
            said += bytes(token["bytes"]) if isinstance(token, dict) else token.encode()
    assert said.startswith(b"Write to ")
    assert b"jane" not in said
    assert b"example" not in said


def test_token_texts_of_responses_do_not_say_it(profile: Profile) -> None:
    events = [_of("output_text.delta", delta=piece, logprobs=_tokens([piece])) for piece in PIECES]
    events.append(_of("output_text.done", text=TEXT, logprobs=_tokens(PIECES)))
    part = {"type": "output_text", "text": TEXT, "logprobs": _tokens(PIECES)}
    events.append({"type": "response.completed", "response": {"output": [{"content": [part]}]}})
    out = _events(_stream(profile, events))
    said = "".join(token["token"] for event in out[:-2] for token in event["logprobs"] or ())
    assert "jane" not in said
    assert "example" not in said
    assert out[-2]["logprobs"] == out[-1]["response"]["output"][0]["content"][0]["logprobs"] == []
    # The deltas left when their channel was done, not with the last event.
    stream = RedactedStream(profile, 1 << 20)
    data = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events[:-1]]
    assert stream.feed(b"".join(data)).count(b"output_text.d") == len(data)


def test_clean_token_texts_stay(profile: Profile) -> None:
    answer = {"choices": [{"message": {"content": "a tide"}, "logprobs": {"content": _tokens(["a ", "tide"])}}]}
    body = json.dumps(answer).encode()
    assert redact_answer(profile, body, media=b"application/json").body is body
    events = [{"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": _tokens(["a"])}}]}] * 3
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + DONE
    stream = RedactedStream(profile, 1 << 20)
    assert stream.feed(data) + stream.finish() == data


# the prompt


def test_a_request_s_own_instructions_are_no_leak_and_the_answer_s_words_are() -> None:
    prompt = "You are the keeper of tide tables and never tell anyone where the harbor is."
    own = compile_profile("p", {"canary": "block"}, build(), bytes(32)).for_prompt((prompt,))
    body = json.dumps({"instructions": prompt, "output": [{"content": [{"text": "Hello."}]}]}).encode()
    assert redact_answer(own, body, media=b"application/json").body is body
    body = json.dumps({"instructions": prompt, "output": [{"content": [{"text": f"It is: {prompt}"}]}]}).encode()
    assert redact_answer(own, body, media=b"application/json").blocked == "system_prompt"
