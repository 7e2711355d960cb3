"""A stream leaves as it came: what was read together is written together, and nothing waits for what is to come."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, chat, request

POLICY = """
upstreams: {{local: {{base_url: "http://127.0.0.1:{port}/v1"}}}}
models: {{"*": {{upstream: local}}}}
roles:
  redacted: {{endpoints: ["*"], models: ["*"]}}
  plain: {{endpoints: ["*"], models: ["*"], redaction: none}}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
# Field of the kernel's struct tcp_info (linux/tcp.h): segments with data that were received.
_DATA_SEGS_IN = 152


def _chunk(text: str) -> bytes:
    event = {"choices": [{"index": 0, "delta": {"content": text}}]}
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


class OneByOne:
    """An upstream whose streams come as told: a write for each `say`."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._peer: socket.socket | None = None

    def take(self) -> None:
        """Takes a request."""
        if self._peer is None:
            self._peer, _ = self._server.accept()
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        while b"messages" not in data:
            data += self._peer.recv(65536)

    def say(self, data: bytes) -> None:
        assert self._peer is not None
        self._peer.sendall(data)

    def close(self) -> None:
        for each in (self._peer, self._server):
            if each is not None:
                each.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[OneByOne]:
    one_by_one = OneByOne()
    yield one_by_one
    one_by_one.close()


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: OneByOne) -> Gateway:
    return run_gateway(POLICY.format(port=upstream.port), TIDEGATE_WORKERS="1")


def _segments(connection: Connection) -> int:
    info = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return int(struct.unpack_from("I", info, _DATA_SEGS_IN)[0])


def _through(connection: Connection, text: bytes) -> None:
    """Reads lines up to one that has that text."""
    while text not in connection.line():
        pass


@pytest.mark.parametrize("role", ["redacted", "plain"])
def test_what_came_in_one_read_leaves_in_one_write(gateway: Gateway, upstream: OneByOne, role: str) -> None:
    key, _ = gateway.key(role=role)
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat(stream=True)))
        upstream.take()
        upstream.say(HEAD + _chunk("One") + _chunk(" by"))
        assert connection.head().status == 200
        _through(connection, b"One")
        assert _segments(connection) == 1
        upstream.say(_chunk(" one.") + END)
        _through(connection, b" one.")
        _through(connection, b"0\r\n")
        assert connection.line() == b"\r\n"
        assert _segments(connection) == 2


@pytest.mark.parametrize("role", ["redacted", "plain"])
def test_a_head_without_an_event_leaves_at_once(gateway: Gateway, upstream: OneByOne, role: str) -> None:
    key, _ = gateway.key(role=role)
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat(stream=True)))
        upstream.take()
        upstream.say(HEAD)
        assert connection.head().status == 200
        upstream.say(_chunk("One.") + END)
        _through(connection, b"One.")
        _through(connection, b"0\r\n")
