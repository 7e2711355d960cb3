"""The mock's answers as Anthropic's Messages API gives them, whole and streamed.

Same rules as the OpenAI shapes: the answer depends on the request alone.
Source: the Anthropic API reference, Messages and streaming messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from engine.demo.script import Reply, last_user_text, pieces, text_of, tokens

Json = dict[str, Any]

_TOOL_USE_ID: Final = "toolu_mock0001"
_ERROR_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def prompt(request: Json) -> str:
    return last_user_text(request.get("messages"))


def _input_tokens(request: Json) -> int:
    system = text_of(request.get("system"))
    return tokens(" ".join([system, *(text_of(message.get("content")) for message in request["messages"])]))


def _message(request: Json, content: list[Json], stop_reason: str | None, output_tokens: int) -> Json:
    return {
        "id": "msg_mock0001",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": _input_tokens(request), "output_tokens": output_tokens},
    }


def _stop_reason(reply: Reply) -> str:
    return "end_turn" if reply.tool is None else "tool_use"


def messages(request: Json, reply: Reply) -> Json:
    if reply.tool is None:
        block: Json = {"type": "text", "text": reply.text, "citations": None}
    else:
        block = {"type": "tool_use", "id": _TOOL_USE_ID, "name": reply.tool, "input": orjson.loads(reply.text)}
    return _message(request, [block], _stop_reason(reply), tokens(reply.text))


def count_tokens(request: Json, _reply: Reply) -> Json:
    """The answer to how many tokens a request has."""
    return {"input_tokens": _input_tokens(request)}


def messages_stream(request: Json, reply: Reply) -> Iterator[Json]:
    """The events in order; each one's `type` is also the name of its SSE event."""
    yield {"type": "message_start", "message": _message(request, [], None, 0)}
    if reply.tool is None:
        block: Json = {"type": "text", "text": ""}
    else:
        block = {"type": "tool_use", "id": _TOOL_USE_ID, "name": reply.tool, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "ping"}
    for piece in pieces(reply.text):
        if reply.tool is None:
            delta = {"type": "text_delta", "text": piece}
        else:
            delta = {"type": "input_json_delta", "partial_json": piece}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": tokens(reply.text)}}
    yield {"type": "message_stop"}


def error(status: int, message: str) -> Json:
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}
