"""The holding client against the slow upstream, over loopback."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from benchmarks import payloads
from benchmarks.errors import BenchmarkError
from benchmarks.load import slow_upstream
from benchmarks.load.client import Answer, Connection, open_many
from benchmarks.load.scenarios import STREAM_REQUEST

EVENTS = 3


async def ask(app: web.Application, *bodies: bytes) -> list[Answer]:
    """The answers to `bodies`, one after another on one connection."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        (connection,) = await open_many(runner.addresses[0][1], 1)
        try:
            return [await connection.post(payloads.PATH, body, {"Authorization": "Bearer x"}) for body in bodies]
        finally:
            connection.close()
    finally:
        await runner.cleanup()


def test_streams_and_answers_follow_each_other_on_one_connection() -> None:
    app = slow_upstream.application(EVENTS, 0.0)
    stream, answer, again = asyncio.run(ask(app, STREAM_REQUEST, payloads.REQUEST, STREAM_REQUEST))
    assert (stream.status, stream.body) == (200, slow_upstream.whole(EVENTS))
    assert (answer.status, answer.body) == (200, payloads.ANSWER)
    assert again.body == stream.body
    assert stream.first_s > 0


def test_a_stream_is_what_the_dialect_says() -> None:
    events = slow_upstream.whole(EVENTS).split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
    assert [chunk["object"] for chunk in chunks] == ["chat.completion.chunk"] * EVENTS
    assert all(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


def test_the_stream_request_is_the_request_streamed() -> None:
    assert json.loads(STREAM_REQUEST) == json.loads(payloads.REQUEST) | {"stream": True}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\n\r\nendless",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_a_broken_answer_is_an_error(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            connection = await Connection.open(server.sockets[0].getsockname()[1])
            with pytest.raises(BenchmarkError, match="a connection broke"):
                await connection.post("/", b"", {})
            connection.close()

    asyncio.run(run())
