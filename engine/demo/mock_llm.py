"""A mock LLM: the five JSON endpoints of both dialects, streamed and not, and a list of models.

Deterministic: the answer to a message is that message, so a caller decides what comes back. Tokens are counted as
words. For the demo, for tests and for trying policies; it checks no credentials and belongs on a loopback address.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import orjson
import uvloop
from aiohttp import web

from engine.settings import Address

Json = dict[str, Any]

MODELS = ("mock-small", "mock-large")
CREATED = 1_700_000_000
DIMENSIONS = 8


def last_text(messages: Any) -> str:
    """The text of the last message, of a string or of parts."""
    content = messages[-1].get("content", "") if isinstance(messages, list) and messages else messages
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def words(text: str) -> list[str]:
    """The text in pieces of a word and the space before it; joined they are the text."""
    pieces: list[str] = []
    for character in text:
        if pieces and not (character.isspace() and not pieces[-1][-1].isspace()):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _usage(given: str, taken: str) -> Json:
    counts = len(given.split()), len(taken.split())
    return {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}


def _io_usage(given: str, taken: str) -> Json:
    counts = _usage(given, taken)
    return {"input_tokens": counts["prompt_tokens"], "output_tokens": counts["completion_tokens"]}


def _chat(request: Json) -> Json:
    text = last_text(request.get("messages"))
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    finish = "stop"
    if request.get("tools"):
        call = {"name": request["tools"][0]["function"]["name"], "arguments": orjson.dumps({"text": text}).decode()}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        }
        finish = "tool_calls"
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
        for index in range(request.get("n") or 1)
    ]
    return {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": CREATED,
        "model": request.get("model"),
        "choices": choices,
        "usage": _usage(text, text),
    }


def _chat_events(request: Json) -> Iterator[tuple[str, Json]]:
    text = last_text(request.get("messages"))
    base = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": CREATED, "model": request.get("model")}

    def chunk(delta: Json, finish: str | None = None) -> tuple[str, Json]:
        return "", base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in words(text):
        yield chunk({"content": piece})
    yield chunk({}, "stop")
    if (request.get("stream_options") or {}).get("include_usage"):
        yield "", base | {"choices": [], "usage": _usage(text, text)}


def _completion(request: Json) -> Json:
    prompt = request.get("prompt")
    text = prompt if isinstance(prompt, str) else ""
    return {
        "id": "cmpl-mock",
        "object": "text_completion",
        "created": CREATED,
        "model": request.get("model"),
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(text, text),
    }


def _completion_events(request: Json) -> Iterator[tuple[str, Json]]:
    whole = _completion(request)
    for piece in words(whole["choices"][0]["text"]):
        yield "", whole | {"choices": [{"index": 0, "text": piece, "finish_reason": None}], "usage": None}
    yield "", whole | {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}


def _embeddings(request: Json) -> Json:
    given = request.get("input")
    texts = given if isinstance(given, list) else [given]
    data = [
        {"object": "embedding", "index": index, "embedding": [(len(str(text)) + i) / 100 for i in range(DIMENSIONS)]}
        for index, text in enumerate(texts)
    ]
    count = sum(len(str(text).split()) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": request.get("model"), "usage": usage}


def _response(request: Json) -> Json:
    given = request.get("input")
    text = given if isinstance(given, str) else last_text(given)
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_mock", "role": "assistant", "status": "completed", "content": [part]}
    usage = _io_usage(text, text)
    usage |= {
        "total_tokens": sum(usage.values()),
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_mock",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": request.get("model"),
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _response_events(request: Json) -> Iterator[tuple[str, Json]]:
    whole = _response(request)
    item = whole["output"][0]
    text = item["content"][0]["text"]
    number = 0

    def event(kind: str, **fields: Any) -> tuple[str, Json]:
        nonlocal number
        number += 1
        return kind, {"type": kind, "sequence_number": number - 1, **fields}

    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    empty = item | {"status": "in_progress", "content": []}
    yield event("response.created", response=whole | {"status": "in_progress", "output": [], "usage": None})
    yield event("response.output_item.added", output_index=0, item=empty)
    yield event("response.content_part.added", **place, part={"type": "output_text", "text": "", "annotations": []})
    for piece in words(text):
        yield event("response.output_text.delta", **place, delta=piece, logprobs=[])
    yield event("response.output_text.done", **place, text=text, logprobs=[])
    yield event("response.content_part.done", **place, part=item["content"][0])
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=whole)


def _message(request: Json) -> Json:
    text = last_text(request.get("messages"))
    return {
        "id": "msg_mock",
        "type": "message",
        "role": "assistant",
        "model": request.get("model"),
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _io_usage(text, text),
    }


def _message_events(request: Json) -> Iterator[tuple[str, Json]]:
    whole = _message(request)
    text = whole["content"][0]["text"]

    def event(kind: str, **fields: Any) -> tuple[str, Json]:
        return kind, {"type": kind, **fields}

    usage = whole["usage"]
    start = whole | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 0}}
    yield event("message_start", message=start)
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in words(text):
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield event("message_stop")


Whole = Callable[[Json], Json]
Events = Callable[[Json], Iterator[tuple[str, Json]]]


def _handler(whole: Whole, events: Events | None, *, done: bool) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        if not body.get("stream") or events is None:
            return web.Response(body=orjson.dumps(whole(body)), content_type="application/json")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        async for data in _framed(events(body), done):
            await response.write(data)
        await response.write_eof()
        return response

    return handle


async def _framed(events: Iterator[tuple[str, Json]], done: bool) -> AsyncIterator[bytes]:
    for kind, data in events:
        yield (f"event: {kind}\n" if kind else "").encode() + b"data: " + orjson.dumps(data) + b"\n\n"
        await asyncio.sleep(0)
    if done:
        yield b"data: [DONE]\n\n"


async def _models(request: web.Request) -> web.Response:
    data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "mock"} for name in MODELS]
    return web.Response(body=orjson.dumps({"object": "list", "data": data}), content_type="application/json")


def application() -> web.Application:
    """The aiohttp application, to be run anywhere."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/chat/completions", _handler(_chat, _chat_events, done=True))
    app.router.add_post("/v1/completions", _handler(_completion, _completion_events, done=True))
    app.router.add_post("/v1/embeddings", _handler(_embeddings, None, done=False))
    app.router.add_post("/v1/responses", _handler(_response, _response_events, done=False))
    app.router.add_post("/v1/messages", _handler(_message, _message_events, done=False))
    app.router.add_get("/v1/models", _models)
    return app


def run(listen: Address) -> int:
    """Serves until SIGINT or SIGTERM. Port 0 takes a free one. The address is printed when it serves."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(listen))
    return 0


async def _serve(listen: Address) -> None:
    runner = web.AppRunner(application(), access_log=None, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, listen.host, listen.port)
    await site.start()
    print(f"mock LLM on http://{Address(*runner.addresses[0][:2])}/v1", flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    await runner.cleanup()
