"""What takes time or several requests: pipelining, 100-continue, time-outs, clients that leave, floods."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.conformance.http_request_cases import BODY, HONEST, HONEST_CHUNKED, head, sized
from tests.conformance.test_http_requests import TO_AIOHTTP, check_open
from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection
from tests.integration.waiting import until

# How long to wait for the upstream to see that its client has left, on a loaded machine; the promise is 100 ms.
GONE_WITHIN_S = 10


@pytest.fixture(params=["lane", "aiohttp"])
def connection(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Connection]:
    with Connection(gateway.port) as made:
        if request.param == "aiohttp":
            made.send(TO_AIOHTTP)
            assert made.answer().status == 200
        yield made


def chat(model: str, **more: object) -> bytes:
    return sized(json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], **more}).encode())


def test_requests_in_one_segment_are_answered_in_order(connection: Connection) -> None:
    models = [f"order-{number}" for number in range(20)]
    connection.send(b"".join(map(chat, models)))
    assert [connection.answer().json["model"] for _ in models] == models
    check_open(connection)


def test_requests_of_both_doors_in_one_segment_are_answered_in_order(connection: Connection) -> None:
    connection.send(chat("first") + TO_AIOHTTP + chat("second"))
    assert connection.answer().json["model"] == "first"
    assert connection.answer().json["object"] == "list"
    assert connection.answer().json["model"] == "second"


def test_requests_that_are_cut_anywhere_are_read_alike(connection: Connection, upstream: StrictUpstream) -> None:
    upstream.take()
    for at in range(1, len(HONEST), 7):
        connection.send(HONEST[:at])
        connection.send(HONEST[at:])
        assert connection.answer().status == 200
    for at in range(0, len(HONEST_CHUNKED), 16):
        connection.send(HONEST_CHUNKED[at : at + 16])
    assert connection.answer().status == 200
    assert {one.body for one in upstream.take()} == {BODY}


def test_a_refused_request_does_not_stop_those_behind_it(connection: Connection) -> None:
    connection.send(sized(b"{") + chat("behind"))
    assert connection.answer().status == 400
    assert connection.answer().json["model"] == "behind"


def test_100_continue(connection: Connection) -> None:
    connection.send(head(b"Content-Length: %d" % len(BODY), b"Expect: 100-continue"))
    assert connection.answer().status == 100
    connection.send(BODY)
    assert connection.answer().status == 200
    check_open(connection)


def test_a_body_that_will_be_refused_is_not_asked_for(connection: Connection, upstream: StrictUpstream) -> None:
    upstream.take()
    connection.send(head(b"Content-Length: 999999999", b"Expect: 100-continue"))
    assert connection.answer().status == 413
    assert connection.ended()
    assert upstream.take() == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options(connection: Connection, upstream: StrictUpstream, method: str) -> None:
    upstream.take()
    connection.send(f"{method} /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    answer = connection.answer(bodiless=True)
    assert answer.status == (405 if method == "HEAD" else 204)
    assert answer.headers["allow"] == "POST, OPTIONS"
    connection.send(f"{method} /v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert connection.answer(bodiless=method == "HEAD").status == 404
    assert upstream.take() == []
    check_open(connection)


def test_a_head_that_does_not_end_is_timed_out(gateway: Gateway) -> None:
    with Connection(gateway.port) as connection:
        connection.send(HONEST[:40])
        assert connection.answer().status == 408
        assert connection.ended()


def test_a_body_that_does_not_end_is_timed_out(connection: Connection, upstream: StrictUpstream) -> None:
    upstream.take()
    connection.send(HONEST[:-1])
    assert connection.answer().status == 408
    assert connection.ended()
    assert upstream.take() == []


def test_a_client_that_does_not_read_is_cut(gateway: Gateway, connection: Connection, upstream: StrictUpstream) -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    upstream.endless["unread"] = (first, b'data: {"choices":[]}\n\n' * 3000)
    connection.send(chat("unread", stream=True))
    received = until(lambda: next((one for one in upstream.received if b"unread" in one.body), None))
    assert received is not None
    assert received.gone.wait(GONE_WITHIN_S)
    assert gateway.ready()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_its_request_upstream(
    connection: Connection, upstream: StrictUpstream, stream: bool
) -> None:
    head_sent = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n" if stream else b""
    upstream.answers["left"] = [head_sent, None]
    upstream.take()
    connection.send(chat("left", stream=stream))
    received = until(lambda: next((one for one in upstream.received if b"left" in one.body), None))
    assert received is not None
    connection.socket.shutdown(2)
    # The upstream's time to its first byte is a second and would end it too, but with an answer to nobody.
    assert received.gone.wait(GONE_WITHIN_S)


def test_slow_ones_do_not_stop_honest_ones(gateway: Gateway) -> None:
    slow = [Connection(gateway.port) for _ in range(200)]
    try:
        for number, one in enumerate(slow):
            one.send(HONEST[: 20 + number % (len(HONEST) - 20)])
        with Connection(gateway.port) as connection:
            for number in range(20):
                connection.send(chat(f"honest-{number}"))
                assert connection.answer().json["model"] == f"honest-{number}"
        assert {one.answer().status for one in slow} <= {408, 200}
    finally:
        for one in slow:
            one.socket.close()
