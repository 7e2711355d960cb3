"""The plainhead kernel against llhttp: what it takes, llhttp takes too, and reads the same way."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine._fast import plainhead
from engine._fast.plainhead import PlainHead, head_end, line_end, plain_status
from tests.fast.oracles.plainhead import read

REQUEST_LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
STATUS_LINE = b"HTTP/1.1 200 OK\r\n"

NAMES = st.binary(max_size=4) | st.sampled_from(
    [
        *(b"Host", b"Content-Length", b"content-length", b"Connection", b"Transfer-Encoding", b"X-A", b"a", b"Expect"),
        *(b"Upgrade", b"Trailer", b"Proxy-Connection", b"Content-Type", b"X-Request-Id", b"n" * 64, b"n" * 65),
    ]
)
VALUES = st.sampled_from(
    [b"3", b"0", b"03", b"+3", b"3, 3", b"keep-alive", b"Keep-Alive", b"close", b"chunked", b"gateway", b"", b"\t v \t"]
) | st.binary(max_size=6)
SPACES = st.sampled_from([b" ", b"", b"\t", b"  "])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n "])
LINES = st.lists(st.tuples(NAMES, st.sampled_from([b":", b":", b":", b" :", b""]), SPACES, VALUES, ENDS), max_size=6)


def test_the_compiled_kernel_is_tested() -> None:
    assert plainhead.__file__.endswith(".so")


def _head(lines: list[tuple[bytes, ...]]) -> bytes:
    return b"".join(b"".join(line) for line in lines)


@settings(max_examples=800, derandomize=True, deadline=None)
@given(LINES, st.binary(max_size=5))
@example([(b"Host", b":", b" ", b"a", b"\r\n"), (b"Content-Length", b":", b" ", b"3", b"\r\n")], b"abc")
@example([(b"Content-Length", b":", b" ", b"3", b"\r\n"), (b"Content-Length", b":", b" ", b"3", b"\r\n")], b"abc")
def test_what_is_plain_llhttp_reads_the_same_way(lines: list[tuple[bytes, ...]], body: bytes) -> None:
    for first, answer in ((REQUEST_LINE, False), (STATUS_LINE, True)):
        data = first + _head(lines) + b"\r\n" + body
        end = head_end(data)
        assert end == data.find(b"\r\n\r\n")
        assert line_end(data) == len(first) - 2
        head = PlainHead()
        if not head.read(data, len(first), end) or head.length > len(data) - end - 4:
            continue
        fields, length = head.fields, head.length
        notes, _ = read(data[: end + 4 + length], answer=answer)
        assert not notes.failed
        assert notes.complete == 1
        assert dict(notes.fields) == fields
        assert len(notes.fields) == len(fields)
        assert notes.body == data[end + 4 : end + 4 + length]
        assert notes.keeps_alive


def test_what_sdks_send_is_plain() -> None:
    head = (
        b"Host: api.example.com\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n"
        b"Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 2.8.0\r\n"
        b"X-Stainless-Lang: python\r\nX-Unknown:\tnew \r\nAuthorization: Bearer tg_a_b\r\nContent-Length: 2\r\n\r\n{}"
    )
    data = REQUEST_LINE + head
    plain = PlainHead()
    assert plain.read(data, len(REQUEST_LINE), head_end(data))
    assert plain.fields[b"x-unknown"] == b"new"
    assert plain.fields[b"authorization"] == b"Bearer tg_a_b"
    assert (plain.length, len(plain.fields)) == (2, 10)


@pytest.mark.parametrize(
    "head",
    [
        b"a: b\r\n c\r\n",  # folded
        b"a : b\r\n",
        b": b\r\n",
        b"a\r\n",
        b"a: b\nc: d\r\n",
        b"a: b\rc: d\r\n",
        b"a: \x00\r\n",
        b"a: \x80\r\n",
        b"a\x80: b\r\n",
        b"a: b\r\nA: c\r\n",
        b"a:\r\na:\r\n",
        b"x: y\r\n" * 2,
        b"".join(b"a%d: b\r\n" % number for number in range(65)),
        b"n" * 65 + b": b\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_llhttp(head: bytes) -> None:
    data = REQUEST_LINE + b"Content-Length: 0\r\n" + head + b"\r\n"
    assert not PlainHead().read(data, len(REQUEST_LINE), data.rfind(b"\r\n\r\n"))


@pytest.mark.parametrize(
    ("field", "plain"),
    [
        (b"x: y", True),
        (b"connection: Keep-Alive", True),
        (b"te: trailers", True),
        (b"connection: close", False),
        (b"connection: keep-alive, te", False),
        (b"transfer-encoding: chunked", False),
        (b"Transfer-Encoding: identity", False),
        (b"upgrade: h2c", False),
        (b"expect: 100-continue", False),
        (b"trailer: x", False),
        (b"proxy-connection: keep-alive", False),
    ],
)
def test_what_says_more_of_the_framing_is_left_to_llhttp(field: bytes, plain: bool) -> None:
    for head in (b"content-length: 1\r\n" + field, field + b"\r\ncontent-length: 1"):
        assert PlainHead().read(head + b"\r\n\r\n", 0, len(head)) is plain


@pytest.mark.parametrize("length", [b"", b"-1", b"+1", b"1,1", b"1 1", b"0x1", b"1234567890123456"])
def test_a_length_is_plain_digits(length: bytes) -> None:
    head = b"content-length: " + length
    assert not PlainHead().read(head + b"\r\n\r\n", 0, len(head))


def test_a_head_without_a_length_is_left_to_llhttp() -> None:
    plain = PlainHead()
    assert plain.read(b"content-length: 3\r\n\r\n", 0, 17)
    assert not plain.read(b"a: b\r\n\r\n", 0, 4)
    assert plain.length == -1


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 "]), st.integers(0, 1100), st.binary(max_size=4)
)
def test_a_status_that_is_plain_is_llhttps(version: bytes, status: int, phrase: bytes) -> None:
    line = version + b" %d " % status + phrase + b"\r\n"
    # A phrase may have the end of the line in it.
    line = line[: line_end(line) + 2]
    found = plain_status(line, len(line))
    if found:
        notes, parser = read(line + b"Content-Length: 0\r\n\r\n", answer=True)
        assert not notes.failed
        assert notes.complete == 1
        assert parser.get_status_code() == found == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.1 429 Too Many Requests\r\n", 429),
        (b"HTTP/1.1 200 \r\n", 200),
        (b"HTTP/1.1 100 Continue\r\n", 0),
        (b"HTTP/1.1 204 No Content\r\n", 0),
        (b"HTTP/1.1 304 Not Modified\r\n", 0),
        (b"HTTP/1.0 200 OK\r\n", 0),
        (b"HTTP/1.1 200\r\n", 0),
        (b"HTTP/1.1 2000 \r\n", 0),
    ],
)
def test_statuses(line: bytes, status: int) -> None:
    assert plain_status(line, len(line)) == status


def test_places_outside_of_the_data_are_none() -> None:
    for start, end in ((-1, 3), (4, 3), (0, 6), (0, 100)):
        assert not PlainHead().read(b"a: b\r\n\r\n", start, end)
    assert plain_status(b"HTTP/1.1 200 OK\r\n", 100) == 0
    assert head_end(b"") == line_end(b"") == line_end(b"\r") == head_end(b"\r\n\r") == -1
