"""An upstream that misbehaves as it is told: the model that a request names says how. It keeps what it received.

`good` answers; the others do what their name says, see `_BEHAVIOURS`. One thread a connection, on a loopback port.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field

GOOD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "good",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@dataclass
class Received:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event)


def _answer(body: bytes, status: str = "200 OK", media: str = "application/json", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def _event(text: str) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    data = json.dumps({**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
    return f"data: {data}\n\n".encode()


def _block(text: str) -> bytes:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n".encode()


# An address in three pieces, with something ahead of it.
_LEAK = ("Hello ", "there. jane@exam", "ple.co", "m is it. ")


class Upstream:
    """Use as a context manager; `port` is where it listens."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.received: list[Received] = []
        self.release = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Upstream:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._socket.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            file = connection.makefile("rb")
            while line := file.readline().decode().strip():
                headers = {}
                while field_line := file.readline().decode("latin-1").strip():
                    name, _, value = field_line.partition(":")
                    headers[name.lower()] = value.strip()
                body = file.read(int(headers.get("content-length", 0)))
                request = Received(line, headers, body)
                self.received.append(request)
                model = json.loads(body).get("model", "good") if body[:1] == b"{" else "good"
                if "/content" in line:
                    model = "binary"
                if not self._behave(model, connection, request):
                    return

    def _behave(self, model: str, connection: socket.socket, request: Received) -> bool:
        """Answer as the model says. Whether the connection may be used again."""
        good = json.dumps(GOOD).encode()
        stream = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        simple = {
            "good": _answer(good),
            "garble": b"\x00\x01 this is not HTTP\r\n\r\n",
            "close": b"",
            "short": _answer(good).replace(b"Content-Length: ", b"Content-Length: 9"),
            "not_json": _answer(b"<html>", media="application/json"),
            "bad_gzip": _answer(b"no gzip", more="Content-Encoding: gzip\r\n"),
            "unknown_coding": _answer(good, more="Content-Encoding: zstd-or-so\r\n"),
            "teapot": _answer(b'{"error": {"message": "busy", "type": "rate_limit_error"}}', "429 Too Many Requests"),
            "refuses": _answer(b'{"error": {"message": "bad", "type": "invalid_request_error"}}', "400 Bad Request"),
            "fails": _answer(b'{"error": {"message": "down", "type": "server_error"}}', "500 Internal Server Error"),
            "secret_header": _answer(good, more="X-Api-Key: upstream-secret\r\nSet-Cookie: a=b\r\n"),
            "early_hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _answer(good),
            "binary": _answer(b"\xff\xfb\x90\x00", media="audio/mpeg"),
            "leaks_error": _answer(b"".join(map(_event, _LEAK)), "400 Bad Request", media="text/event-stream"),
            "cut_stream": stream + _event("one "),
        }
        if model == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if model == "stall":
            self.release.wait(60)
            return False
        if model == "half":
            connection.sendall(_answer(good)[:-5])
            self.release.wait(60)
            return False
        if model == "echo":
            said = json.loads(request.body)["messages"][-1]["content"]
            message = {"role": "assistant", "content": said}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            connection.sendall(_answer(json.dumps({**GOOD, "choices": [choice]}).encode()))
            return True
        if model in ("endless", "leaks", "claude-leaks"):
            event = _block if model == "claude-leaks" else _event
            connection.sendall(stream)
            with contextlib.suppress(OSError):
                for text in _LEAK if model != "endless" else ():
                    connection.sendall(event(text))
                while not self.release.wait(0.01):
                    connection.sendall(event("word "))
            request.gone.set()
            return False
        connection.sendall(simple.get(model, _answer(good)))
        kept = ("good", "teapot", "refuses", "fails", "secret_header", "early_hints", "binary")
        return model in kept or model not in simple
