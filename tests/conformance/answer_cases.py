"""Answers byte by byte of an upstream that is broken or hostile, and what the client may get of each.

`statuses`: what the client may see. What stands in `EVIL` must never reach a client. Where 200 is allowed, the body is
either whole or visibly cut. The honest twins are the answers that expect 200 alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.conformance.upstream import KEEP, Piece, completion, simple

EVIL = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil"
GOOD = completion("honest")
BROKEN = (502,)
LATE = (504,)
PASS = (200,)


class Answer(NamedTuple):
    name: str
    pieces: tuple[Piece, ...]
    statuses: tuple[int, ...] = BROKEN


def fields(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"".join(line + b"\r\n" for line in (status, b"Content-Type: application/json", *lines)) + b"\r\n"


def chunks(*parts: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


SIZE = b"Content-Length: %d" % len(GOOD)
CHUNKED = b"Transfer-Encoding: chunked"


def _honest() -> Iterator[Answer]:
    yield Answer("sized", (simple(GOOD), KEEP), PASS)
    yield Answer("in-bytes", (*(simple(GOOD)[i : i + 40] for i in range(0, len(simple(GOOD)), 40)), KEEP), PASS)
    yield Answer("chunked", (fields(CHUNKED) + chunks(GOOD[:5], GOOD[5:]), KEEP), PASS)
    for trailer in (b"X-Trailer: a", b"Content-Length: 3", b"Set-Cookie: a=b", b"Content-Type: text/html"):
        last = b"0\r\n" + trailer + b"\r\n\r\n"
        yield Answer(
            f"trailer-{trailer!r}",
            (fields(CHUNKED) + chunks(GOOD, last=last), KEEP),
            (200, 502) if b"Length" in trailer else PASS,
        )
    yield Answer("chunk-extension", (fields(CHUNKED) + b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD), KEEP), PASS)
    yield Answer("until-the-end", (fields(b"Connection: close") + GOOD,), PASS)
    yield Answer("http-1.0", (fields(status=b"HTTP/1.0 200 OK") + GOOD,), PASS)
    for code in (100, 102, 103):
        early = b"HTTP/1.1 %d Early\r\nLink: </a>\r\nX-Evil: 1\r\n\r\n" % code
        yield Answer(f"after-{code}", (early + simple(GOOD), KEEP), PASS)
        yield Answer(f"after-{code}-apart", (early, 0.02, simple(GOOD), KEEP), PASS)
    yield Answer("no-reason", (fields(SIZE, status=b"HTTP/1.1 200 ") + GOOD, KEEP), PASS)
    yield Answer("odd-fields", (fields(SIZE, b"X-Evil: 1", b"Server: secret/1.2", b"X_y: z") + GOOD, KEEP), PASS)


def _framing() -> Iterator[Answer]:
    size = len(GOOD)
    yield Answer("both", (fields(SIZE, CHUNKED) + chunks(GOOD) + EVIL,))
    yield Answer("both-reversed", (fields(CHUNKED, b"Content-Length: 3") + chunks(GOOD) + EVIL,))
    for value in (
        b"-1",
        b"+5",
        b"1 1",
        b"%d, %d" % (size, size),
        b"0x10",
        b"",
        b"18446744073709551617",
        b"five",
        b"5;",
    ):
        yield Answer(f"length-{value!r}", (fields(b"Content-Length: " + value) + GOOD,))
    yield Answer("two-lengths", (fields(SIZE, b"Content-Length: 3") + GOOD,))
    yield Answer("the-same-length-twice", (fields(SIZE, SIZE) + GOOD,))
    for value in (
        b"cow",
        b"chunked, chunked",
        b"chunked, identity",
        b"xchunked",
        b"identity",
        b"gzip, chunked",
        b"gzip",
    ):
        yield Answer(f"coding-{value!r}", (fields(b"Transfer-Encoding: " + value) + chunks(GOOD), None))
    for size_line in (b"0x5", b"-5", b"+5", b"g", b"", b"FFFFFFFFFFFFFFFFF", b"5 5", b"5;\n"):
        yield Answer(f"chunk-{size_line!r}", (fields(CHUNKED) + size_line + b"\r\n" + GOOD + b"\r\n0\r\n\r\n",))
    yield Answer("two-codings", (fields(CHUNKED, b"Transfer-Encoding: cow") + chunks(GOOD), None))
    yield Answer("chunk-without-end", (fields(CHUNKED) + b"5\r\nhelloX\r\n0\r\n\r\n",))
    yield Answer("chunks-cut", (fields(CHUNKED) + b"ff\r\n{",))
    yield Answer("no-last-chunk", (fields(CHUNKED) + chunks(GOOD, last=b""),))
    yield Answer("short", (fields(b"Content-Length: %d" % (size + 9)) + GOOD,))
    yield Answer("short-and-waiting", (fields(b"Content-Length: %d" % (size + 9)) + GOOD, None), LATE)


def _splitting() -> Iterator[Answer]:
    """What stands behind an answer is nobody's answer."""
    yield Answer("a-second-answer", (simple(GOOD) + EVIL,), (200, 502))
    yield Answer("bytes-behind", (simple(GOOD) + b"evil",), (200, 502))
    yield Answer("bytes-behind-chunks", (fields(CHUNKED) + chunks(GOOD) + EVIL,), (200, 502))
    yield Answer("lf-in-a-field", (fields(SIZE, b"X: a\nX-Evil: 1") + GOOD,))
    yield Answer("cr-in-a-field", (fields(SIZE, b"X: a\rX-Evil: 1") + GOOD,))
    yield Answer("nul-in-a-field", (fields(SIZE, b"X: a\x00b") + GOOD,))
    yield Answer("folded", (fields(SIZE, b"X: a\r\n X-Evil: 1") + GOOD,))
    yield Answer("space-before-the-colon", (fields(SIZE, b"X : a") + GOOD,))
    yield Answer("no-colon", (fields(SIZE, b"nothing") + GOOD,))
    yield Answer("name-with-a-space", (fields(SIZE, b"X Y: a") + GOOD,))
    yield Answer(
        "media-type-that-splits", (b"HTTP/1.1 200 OK\r\nContent-Type: a\rX-Evil: 1\r\n" + SIZE + b"\r\n\r\n" + GOOD,)
    )
    retry = (b"1\tX-Evil: 1", b"evil", b"99999999999999999999", b"-1", b"1, 2", b"Wed, 21 Oct 2099 07:28:00 GMT")
    for value in retry:
        body = simple(b'{"error":{"message":"slow"}}', b"429 Too Many Requests", b"Retry-After: " + value)
        yield Answer(f"retry-after-{value!r}", (body, KEEP), (429,))


def _heads() -> Iterator[Answer]:
    for status in (
        b"HTTP/1.1 99 X", b"HTTP/1.1 2000 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 abc OK", b"HTTP/2 200 OK", b"HTTP/1.1  200 OK",
        b"HTTP/9.9 200 OK", b"ICY 200 OK", b"200 OK", b"http/1.1 200 ok", b"HTTP/1.1 -200 OK", b"HTTP/1.1 0 OK", b"HTTP/1.1",
    ):  # fmt: skip
        yield Answer(f"status-{status!r}", (fields(SIZE, status=status) + GOOD,))
    for code in (101, 300, 301, 302, 304, 307, 399, 600, 999):
        yield Answer(f"status-{code}", (simple(GOOD, b"%d X" % code, b"Location: http://evil/"),))
    yield Answer("nothing", ())
    yield Answer("nothing-and-waiting", (None,), LATE)
    yield Answer("half-a-head", (b"HTTP/1.1 200 OK\r\nContent-",))
    yield Answer("half-a-head-and-waiting", (b"HTTP/1.1 200 OK\r\nContent-", None), LATE)
    yield Answer("huge-field", (fields(SIZE, b"X: " + b"a" * 200_000) + GOOD,))
    yield Answer("many-fields", (fields(SIZE, *(b"X-%d: a" % i for i in range(30_000))) + GOOD,))
    yield Answer("tls", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",))
    yield Answer("html", (b"<html>nginx</html>\r\n\r\n",))
    yield Answer("103-nine-times", (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + simple(GOOD),))
    yield Answer("100-with-a-body", (b"HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\nevil" + simple(GOOD),))
    yield Answer("only-103", (b"HTTP/1.1 103 Early Hints\r\n\r\n", None), LATE)


def _bodies() -> Iterator[Answer]:
    for coding in (b"br", b"zstd", b"compress", b"gzip, gzip", b"cow"):
        yield Answer(f"coded-{coding!r}", (simple(GOOD, b"200 OK", b"Content-Encoding: " + coding),))
    yield Answer("not-gzip", (simple(GOOD, b"200 OK", b"Content-Encoding: gzip"),))


ANSWERS: list[Answer] = [*_honest(), *_framing(), *_splitting(), *_heads(), *_bodies()]
