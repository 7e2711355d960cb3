"""An upstream that counts what it gave: the tokens of each answer that it wrote out, by the user named in the request.

The model of a request says how it is answered (see `_answer`). One thread a connection, on a loopback port.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import Counter
from typing import Any

INPUT, OUTPUT = 7, 5
TEXT = "five words of plain text "


class CountingUpstream:
    """Use as a context manager; `port` is where it listens. `given` are tokens of input plus output by user."""

    def __init__(self) -> None:
        self.given: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.release = threading.Event()
        self._guard = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> CountingUpstream:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            file = connection.makefile("rb")
            while file.readline().strip():
                length = 0
                while field := file.readline().decode("latin-1").strip():
                    name, _, value = field.partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                body = json.loads(file.read(length))
                with self._guard:
                    self.bodies.append(body)
                    self.asked[body.get("user", "")] += 1
                if not self._answer(connection, body):
                    return

    def _give(self, body: dict[str, Any], tokens: int) -> None:
        with self._guard:
            self.given[body.get("user", "")] += tokens

    def _answer(self, connection: socket.socket, body: dict[str, Any]) -> bool:
        """Whether the connection may be used again."""
        model = body["model"]
        if model == "fails":
            connection.sendall(_whole(b'{"error": {"message": "no"}}', "500 Internal Server Error"))
            return True
        if model == "close":
            return False
        if model in ("stall", "hang"):
            self.release.wait(30)
            return False
        usage = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "sk-live-secret" if model == "blocked" else TEXT}
            answer: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 1, "model": model}
            answer["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
            if model != "silent":
                answer["usage"] = usage
            # Before it is written: whoever has read the answer finds it counted.
            self._give(body, INPUT + OUTPUT)
            connection.sendall(_whole(json.dumps(answer).encode()))
            return True
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        asked = (body.get("stream_options") or {}).get("include_usage", False)
        for number in range(3):
            _send_event(connection, _chunk(model, [{"index": 0, "delta": {"content": TEXT}, "finish_reason": None}]))
            if model == "endless" and number == 2:
                while not self.release.wait(0.005):
                    _send_event(connection, _chunk(model, [{"index": 0, "delta": {"content": TEXT}}]))
        if asked:
            self._give(body, INPUT + OUTPUT)
            _send_event(connection, _chunk(model, []) | {"usage": usage})
        _send(connection, b"data: [DONE]\n\n")
        connection.sendall(b"0\r\n\r\n")
        return True


def _whole(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _chunk(model: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices}


def _send_event(connection: socket.socket, event: dict[str, Any]) -> None:
    _send(connection, f"data: {json.dumps(event)}\n\n".encode())


def _send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
