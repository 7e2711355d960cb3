"""A mock LLM on an HTTP port: the five endpoints of the OpenAI and Anthropic APIs, streamed and not, and `/v1/models`.

What it says is in `script`, the shapes of the answers in `openai_shapes` and `anthropic_shapes`. It stands in for an
upstream in the demo, in tests and in trials of a policy. It checks no credential and keeps nothing.

Failure modes. A body that is not a JSON object, or lacks what the answer needs, is answered 400 in the dialect's error
shape. As a child (`python -m engine.demo.mock_llm`) it listens on a loopback port that the kernel chooses, prints the
port on one line, and ends when its standard input closes: it never outlives the process that started it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from engine.demo import anthropic_shapes, openai_shapes
from engine.demo.script import Reply, reply

MODELS: Final = ("gpt-4o", "gpt-4o-mini", "o3", "text-embedding-3-small", "claude-sonnet-4-5")

# Room for a few images in one request.
_MAX_BODY: Final = 32 << 20

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one endpoint reads its prompt and writes its answer. `stream` is None where the API has no stream;
    `named` events carry their type as the SSE event name; `done` ends an OpenAI stream with `[DONE]`."""

    path: str
    needs: tuple[str, ...]
    prompt: Callable[[Json], str]
    answer: Callable[[Json, Reply], Json]
    stream: Callable[[Json, Reply], Iterator[Json]] | None
    error: Callable[[int, str], Json] = openai_shapes.error
    named: bool = False
    done: bool = True


ENDPOINTS: Final = (
    Endpoint(
        "/v1/chat/completions",
        ("model", "messages"),
        openai_shapes.chat_prompt,
        openai_shapes.chat,
        openai_shapes.chat_stream,
    ),
    Endpoint(
        "/v1/completions",
        ("model", "prompt"),
        openai_shapes.completions_prompt,
        openai_shapes.completions,
        openai_shapes.completions_stream,
    ),
    Endpoint("/v1/embeddings", ("model", "input"), openai_shapes.embeddings_prompt, openai_shapes.embeddings, None),
    Endpoint(
        "/v1/responses",
        ("model", "input"),
        openai_shapes.responses_prompt,
        openai_shapes.responses,
        openai_shapes.responses_stream,
        named=True,
        done=False,
    ),
    Endpoint(
        "/v1/messages",
        ("model", "messages"),
        anthropic_shapes.prompt,
        anthropic_shapes.messages,
        anthropic_shapes.messages_stream,
        error=anthropic_shapes.error,
        named=True,
        done=False,
    ),
    Endpoint(
        "/v1/messages/count_tokens",
        ("model", "messages"),
        anthropic_shapes.prompt,
        anthropic_shapes.count_tokens,
        None,
        error=anthropic_shapes.error,
    ),
)


def _json(value: Json, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


async def _read(request: web.Request, endpoint: Endpoint) -> Json | str:
    """The request's JSON object, or what is wrong with it."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        return f"the body is not JSON: {error}"
    if not isinstance(body, dict):
        return "the body is not a JSON object"
    for name in endpoint.needs:
        if name not in body:
            return f"missing field: {name}"
    messages = body.get("messages", [])
    if not (isinstance(messages, list) and all(isinstance(message, dict) for message in messages)):
        return "messages is not a list of objects"
    return body


async def _send_stream(request: web.Request, endpoint: Endpoint, events: Iterable[Json]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for event in events:
        name = b"event: %s\n" % event["type"].encode() if endpoint.named else b""
        await response.write(name + b"data: " + orjson.dumps(event) + b"\n\n")
    if endpoint.done:
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _handler(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await _read(request, endpoint)
        if isinstance(body, str):
            return _json(endpoint.error(400, body), 400)
        said = reply(endpoint.prompt(body))
        if said.status != 200:
            return _json(endpoint.error(said.status, said.text), said.status)
        if body.get("stream") is True and endpoint.stream is not None:
            return await _send_stream(request, endpoint, endpoint.stream(body, said))
        return _json(endpoint.answer(body, said))

    return handle


async def _list_models(_request: web.Request) -> web.Response:
    return _json({"object": "list", "data": [openai_shapes.model(name) for name in MODELS]})


async def _get_model(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in MODELS:
        return _json(openai_shapes.error(404, f"no model is named {name}"), 404)
    return _json(openai_shapes.model(name))


def application() -> web.Application:
    """The mock as an aiohttp application, to be served wherever it is needed."""
    app = web.Application(client_max_size=_MAX_BODY)
    for endpoint in ENDPOINTS:
        app.router.add_post(endpoint.path, _handler(endpoint))
    app.router.add_get("/v1/models", _list_models)
    app.router.add_get("/v1/models/{name}", _get_model)
    return app


async def _serve(host: str, port: int, started: Callable[[int], None], until: Callable[[], Awaitable[object]]) -> None:
    # The demo's Ctrl-C should not wait for a keep-alive connection that is idle.
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        started(runner.addresses[0][1])
        await until()
    finally:
        await runner.cleanup()


async def _signaled() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


async def _standard_input_closed() -> None:
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while await reader.read(1024):
            pass
    finally:
        transport.close()


def run(host: str, port: int) -> int:
    """Serves on the address until SIGINT or SIGTERM. Returns 0; 1 where the address cannot be listened on."""

    def started(actual: int) -> None:
        place = f"[{host}]" if ":" in host else host
        print(f"mock LLM on http://{place}:{actual}/v1 (Ctrl-C ends it)", flush=True)

    try:
        asyncio.run(_serve(host, port, started, _signaled))
    except OSError as error:
        print(f"mock LLM: cannot listen on {host}:{port}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def run_as_child() -> None:
    """Serves on a loopback port until standard input closes. The port is the one line on standard output."""
    asyncio.run(_serve("127.0.0.1", 0, lambda port: print(port, flush=True), _standard_input_closed))


if __name__ == "__main__":
    run_as_child()
