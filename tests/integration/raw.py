"""Requests byte by byte, over a socket of their own, and answers as they come."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    """An answer: names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A connection to a gateway."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> Answer:
        """The next status line and headers."""
        line = self._file.readline()
        if not line:
            raise ConnectionResetError("the gateway closed the connection")
        headers = {}
        while (field := self._file.readline().strip()) != b"":
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(line.split()[1]), headers, b"")

    def answer(self, *, bodiless: bool = False) -> Answer:
        """The next whole answer."""
        answer = self.head()
        if bodiless or answer.status in (100, 204, 304):
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(self._file.readline(), 16):
                answer.body += self._file.read(size)
                self._file.readline()
            self._file.readline()
        elif "content-length" in answer.headers:
            answer.body = self._file.read(int(answer.headers["content-length"]))
        else:
            answer.body = self._file.read()
        return answer

    def line(self) -> bytes:
        """The next line of a body that still runs."""
        return self._file.readline()

    def ended(self) -> bool:
        """Whether the gateway has closed the connection, waiting for it."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def request(
    key: str,
    body: bytes = b"",
    *,
    path: str = "/v1/chat/completions",
    method: str = "POST",
    more: str = "",
    media: str = "application/json",
) -> bytes:
    """A request as bytes."""
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n{credential}Content-Type: {media}\r\n{length}{more}\r\n".encode()
        + body
    )


def chat(model: str = "good", **more: Any) -> bytes:
    """A chat body."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], **more}).encode()


def ask(port: int, data: bytes) -> Answer:
    """One request on a connection of its own."""
    with Connection(port) as connection:
        connection.send(data)
        return connection.answer()
