"""plainhead: the head of a request of an SDK, beside llhttp."""

from __future__ import annotations

from benchmarks.micro.timing import Case, Contender
from engine._fast.plainhead import PlainHead, head_end
from tests.fast.oracles.plainhead import read

_LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
_REQUEST = _LINE + (
    b"Host: 127.0.0.1:8000\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nAccept: application/json\r\n"
    b"Content-Type: application/json\r\nUser-Agent: OpenAI/Python 2.8.0\r\nX-Stainless-Lang: python\r\n"
    b"X-Stainless-Package-Version: 2.8.0\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n"
    b"Authorization: Bearer tg_abcdefghjkmn_0123456789012345678901234567890123456789\r\nContent-Length: 2\r\n\r\n{}"
)


def cases() -> list[Case]:
    """The fields of a head with 12 of them."""
    return [
        Case(
            "head of a request",
            [
                Contender(
                    "kernel",
                    "head.read(data, start, head_end(data)) and head.fields",
                    {"head": PlainHead(), "head_end": head_end, "data": _REQUEST, "start": len(_LINE)},
                ),
                Contender("llhttp (oracle)", "dict(read(data)[0].fields)", {"read": read, "data": _REQUEST}),
            ],
            size=len(_REQUEST),
        )
    ]
