"""An upstream that streams slowly: one chat event, a pause, the next, as a model does.

As a program: `python -m benchmarks.load.slow_upstream PORT EVENTS INTERVAL_MS`. A request with `"stream": true` gets
EVENTS events INTERVAL_MS apart and `[DONE]`; any other gets the constant answer at once. All streams are alike, so that
a client can compare what it got byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web

from benchmarks import payloads

_WORDS = ("Three", "risks", "stand", "out,", "and", "the", "first", "of", "them", "is", "late", "rows.")


def event(number: int) -> bytes:
    """The event of that number, from 0."""
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": payloads.MODEL,
        "choices": [{"index": 0, "delta": {"content": _WORDS[number % len(_WORDS)] + " "}, "finish_reason": None}],
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def whole(events: int) -> bytes:
    """All that a client of one stream receives."""
    return b"".join(map(event, range(events))) + DONE


def application(events: int, interval_s: float) -> web.Application:
    """The upstream as an aiohttp application."""

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not (body and json.loads(body).get("stream")):
            return web.Response(body=payloads.ANSWER, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(events):
            await response.write(event(number))
            await asyncio.sleep(interval_s)
        await response.write(DONE)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def main() -> None:
    port, events, interval_ms = (int(argument) for argument in sys.argv[1:4])
    web.run_app(
        application(events, interval_ms / 1000),
        host="127.0.0.1",
        port=port,
        access_log=None,
        print=None,
        backlog=4096,
        keepalive_timeout=3600,
    )


if __name__ == "__main__":
    main()
