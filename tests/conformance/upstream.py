"""An upstream that reads strictly, keeps each request byte for byte, and answers with the bytes it is given.

It believes in HTTP as RFC 9112 has it: what it cannot read as one request with a Content-Length lands in `broken`. The
answer to a request is looked up by the model that its body names; without an entry it is a chat answer that repeats
the model's name.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_LINE = re.compile(rb"[A-Z]+ /[!-~]* HTTP/1\.1")
_FIELD = re.compile(rb"([a-z0-9-]+): ([\t\x20-\x7e\x80-\xff]*)")

KEEP: Final = True
Piece = bytes | float | bool | None
"""What an answer is made of: bytes to send, seconds to let pass, None to wait until the other side is gone; KEEP at the
end leaves the connection open for the next request."""


@dataclass
class Received:
    """A request as it came; `fields` in their order, `gone` is set when its connection has ended."""

    line: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def names(self) -> list[bytes]:
        return [name for name, _ in self.fields]

    def value(self, name: bytes) -> bytes | None:
        return next((value for found, value in self.fields if found == name), None)


def simple(body: bytes, status: bytes = b"200 OK", *more: bytes) -> bytes:
    """A well-framed answer."""
    fields = b"".join(line + b"\r\n" for line in (b"Content-Type: application/json", *more))
    return b"HTTP/1.1 " + status + b"\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body


def completion(model: str) -> bytes:
    """A chat answer that names its model."""
    message = {"role": "assistant", "content": f"I am {model}"}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    ).encode()


class StrictUpstream:
    """Use as a context manager; `port` is where it listens."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.broken: list[bytes] = []
        self.answers: dict[str, list[Piece]] = {}
        self.endless: dict[str, tuple[bytes, bytes]] = {}
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> StrictUpstream:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._socket.close()

    def take(self) -> list[Received]:
        """What came since the last call."""
        taken, self.received = self.received, []
        return taken

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as file:
            for request in self._requests(file):
                self.received.append(request)
                try:
                    if not self._answer(connection, request):
                        return
                finally:
                    request.gone.set()

    def _requests(self, file: socket.SocketIO | object) -> Iterator[Received]:
        while (line := file.readline()) != b"":  # type: ignore[attr-defined]
            fields: list[tuple[bytes, bytes]] = []
            lines = [line]
            while (one := file.readline()) != b"\r\n" and one:  # type: ignore[attr-defined]
                lines.append(one)
            matched = [_FIELD.fullmatch(one.removesuffix(b"\r\n").lower()) for one in lines[1:]]
            ends = all(one.endswith(b"\r\n") for one in lines)
            if not ends or not _LINE.fullmatch(line.removesuffix(b"\r\n")) or not all(matched):
                self.broken.append(b"".join(lines))
                return
            for one in lines[1:]:
                name, _, value = one.removesuffix(b"\r\n").partition(b": ")
                fields.append((name.lower(), value))
            request = Received(line.removesuffix(b"\r\n"), fields, b"")
            if len(set(request.names)) != len(fields) or b"transfer-encoding" in request.names:
                self.broken.append(b"".join(lines))
                return
            request.body = file.read(int(request.value(b"content-length") or 0))  # type: ignore[attr-defined]
            yield request

    def _answer(self, connection: socket.socket, request: Received) -> bool:
        """Answer; whether the connection may be used again."""
        model = "good"
        with contextlib.suppress(ValueError):
            body = json.loads(request.body)
            model = str(body.get("model", model)) if isinstance(body, dict) else model
        pieces = self.answers.get(model)
        if model in self.endless:
            first, again = self.endless[model]
            connection.sendall(first)
            while not self._closing.is_set():
                connection.sendall(again)
        if pieces is None:
            connection.sendall(simple(completion(model)))
            return True
        for piece in pieces:
            if piece is KEEP:
                return True
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif piece is None:
                connection.recv(1)
            else:
                self._closing.wait(piece)
        return False
