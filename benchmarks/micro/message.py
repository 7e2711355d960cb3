"""message: an answer of 1.3 KB with its head, beside joining and formatting."""

from __future__ import annotations

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.message import message

_HEAD = (b"HTTP/1.1 200 OK\r\n", b"content-type: application/json\r\n", b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n")


def cases() -> list[Case]:
    """Three parts, the length and the body."""
    given = {"parts": _HEAD, "body": payloads.ANSWER}
    joined = 'b"".join((*parts, b"content-length: %d\\r\\n\\r\\n" % len(body), body))'
    return [
        Case(
            "an answer and its head",
            [
                Contender("kernel", "message(parts, body, False)", {**given, "message": message}),
                Contender("join (oracle)", joined, given),
            ],
            size=len(payloads.ANSWER),
        )
    ]
