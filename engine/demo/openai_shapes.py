"""The mock's answers as OpenAI's API gives them: chat, completions, embeddings and responses, whole and streamed.

Each builder takes the request's parsed JSON and the reply, and returns the answer's JSON, or its stream's events in
order. Identifiers and times are constants: the same request gives the same bytes.
Source: the OpenAI API reference.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from typing import Any, Final

from engine.demo.script import Reply, last_user_text, pieces, text_of, tokens

CREATED: Final = 1_700_000_000
_TOOL_CALL_ID: Final = "call_mock0001"
_DIMENSIONS: Final = 8
_MOST_CHOICES: Final = 16

Json = dict[str, Any]


def _choices(request: Json) -> range:
    n = request.get("n")
    return range(min(n, _MOST_CHOICES) if isinstance(n, int) and n > 0 else 1)


def _wants_usage(request: Json) -> bool:
    options = request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


# --- chat completions


def chat_prompt(request: Json) -> str:
    return last_user_text(request.get("messages"))


def _chat_usage(request: Json, reply: Reply) -> Json:
    prompt = tokens(" ".join(text_of(message.get("content")) for message in request["messages"]))
    completion = tokens(reply.text) * len(_choices(request))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chat(request: Json, reply: Reply) -> Json:
    if reply.tool is None:
        message: Json = {"role": "assistant", "content": reply.text, "refusal": None}
    else:
        function = {"name": reply.tool, "arguments": reply.text}
        calls = [{"id": _TOOL_CALL_ID, "type": "function", "function": function}]
        message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
    finish = "stop" if reply.tool is None else "tool_calls"
    return {
        "id": "chatcmpl-mock0001",
        "object": "chat.completion",
        "created": CREATED,
        "model": request["model"],
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in _choices(request)
        ],
        "usage": _chat_usage(request, reply),
    }


def chat_stream(request: Json, reply: Reply) -> Iterator[Json]:
    base = {
        "id": "chatcmpl-mock0001",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": request["model"],
    }

    def chunk(index: int, delta: Json, finish: str | None = None) -> Json:
        return {**base, "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    for index in _choices(request):
        if reply.tool is None:
            yield chunk(index, {"role": "assistant", "content": ""})
            for piece in pieces(reply.text):
                yield chunk(index, {"content": piece})
            yield chunk(index, {}, "stop")
        else:
            function = {"name": reply.tool, "arguments": ""}
            call = {"index": 0, "id": _TOOL_CALL_ID, "type": "function", "function": function}
            yield chunk(index, {"role": "assistant", "content": None, "tool_calls": [call]})
            for piece in pieces(reply.text):
                yield chunk(index, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            yield chunk(index, {}, "tool_calls")
    if _wants_usage(request):
        yield {**base, "choices": [], "usage": _chat_usage(request, reply)}


# --- completions


def completions_prompt(request: Json) -> str:
    return text_of(request.get("prompt"))


def _completions_usage(request: Json, reply: Reply) -> Json:
    prompt = tokens(completions_prompt(request))
    completion = tokens(reply.text) * len(_choices(request))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _completion(request: Json, choices: list[Json]) -> Json:
    return {
        "id": "cmpl-mock0001",
        "object": "text_completion",
        "created": CREATED,
        "model": request["model"],
        "choices": choices,
    }


def completions(request: Json, reply: Reply) -> Json:
    choices = [
        {"index": index, "text": reply.text, "logprobs": None, "finish_reason": "stop"} for index in _choices(request)
    ]
    return {**_completion(request, choices), "usage": _completions_usage(request, reply)}


def completions_stream(request: Json, reply: Reply) -> Iterator[Json]:
    for index in _choices(request):
        for piece in pieces(reply.text):
            choice = {"index": index, "text": piece, "logprobs": None, "finish_reason": None}
            yield _completion(request, [choice])
        yield _completion(request, [{"index": index, "text": "", "logprobs": None, "finish_reason": "stop"}])
    if _wants_usage(request):
        yield {**_completion(request, []), "usage": _completions_usage(request, reply)}


# --- embeddings


def _vector(item: Any) -> list[float]:
    digest = hashlib.sha256(repr(item).encode()).digest()
    return [byte / 128.0 - 1.0 for byte in digest[:_DIMENSIONS]]


def embeddings_prompt(request: Json) -> str:
    given = request.get("input")
    return given if isinstance(given, str) else " ".join(item for item in given or [] if isinstance(item, str))


def embeddings(request: Json, _reply: Reply) -> Json:
    """One vector for each input, of eight numbers from its digest; floats, or little-endian float32 in base64."""
    given = request["input"]
    items = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    data = []
    for index, item in enumerate(items):
        vector: Any = _vector(item)
        if request.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{_DIMENSIONS}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    prompt = tokens(embeddings_prompt(request))
    usage = {"prompt_tokens": prompt, "total_tokens": prompt}
    return {"object": "list", "data": data, "model": request["model"], "usage": usage}


# --- responses


def responses_prompt(request: Json) -> str:
    return last_user_text(request.get("input"))


def _output_item(reply: Reply, status: str, content: list[Json] | None = None) -> Json:
    if reply.tool is not None:
        arguments = reply.text if status == "completed" else ""
        return {
            "type": "function_call",
            "id": "fc_mock0001",
            "call_id": _TOOL_CALL_ID,
            "name": reply.tool,
            "arguments": arguments,
            "status": status,
        }
    return {
        "type": "message",
        "id": "msg_mock0001",
        "role": "assistant",
        "status": status,
        "content": content if content is not None else [_text_part(reply.text)],
    }


def _text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(request: Json, status: str, output: list[Json], usage: Json | None) -> Json:
    return {
        "id": "resp_mock0001",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "metadata": {},
        "model": request["model"],
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": request.get("tools") or [],
        "top_p": 1.0,
        "usage": usage,
    }


def responses(request: Json, reply: Reply) -> Json:
    prompt, completion = tokens(responses_prompt(request)), tokens(reply.text)
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
    return _response(request, "completed", [_output_item(reply, "completed")], usage)


def responses_stream(request: Json, reply: Reply) -> Iterator[Json]:
    """The events in order, each with its `type` and `sequence_number`."""
    for number, event in enumerate(_responses_events(request, reply)):
        yield {**event, "sequence_number": number}


def _responses_events(request: Json, reply: Reply) -> Iterator[Json]:
    started = _response(request, "in_progress", [], None)
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    begun = _output_item(reply, "in_progress", [])
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    place: Json = {"item_id": begun["id"], "output_index": 0}
    if reply.tool is not None:
        for piece in pieces(reply.text):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        done = {"name": reply.tool, "arguments": reply.text}
        yield {"type": "response.function_call_arguments.done", **place, **done}
    else:
        place["content_index"] = 0
        yield {"type": "response.content_part.added", **place, "part": _text_part("")}
        for piece in pieces(reply.text):
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": reply.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": _text_part(reply.text)}
    item = _output_item(reply, "completed")
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": responses(request, reply)}


# --- models and errors


def model(name: str) -> Json:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "mock"}


def error(status: int, message: str) -> Json:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}
