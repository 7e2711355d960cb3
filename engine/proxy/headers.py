"""Pieces of HTTP/1.1 heads that the gateway writes itself."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """The status line with its CRLF; the phrase of an unregistered status is empty (RFC 9112, section 4)."""
    line = _LINES.get(status)
    return line if line is not None else b"HTTP/1.1 %d \r\n" % status


class Clock:
    """The Date header (RFC 9110, section 6.6.1), kept by the sweep of deadlines: up to one tick late."""

    __slots__ = ("_second", "deadline", "line")

    def __init__(self) -> None:
        # It is due on every sweep.
        self.deadline = 0.0
        self._second = 0
        self.line = b""
        self.on_deadline(0.0)

    def on_deadline(self, now: float) -> None:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.line = b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
