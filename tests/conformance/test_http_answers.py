"""What a broken or hostile upstream sends never becomes another answer than the one that was asked for."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from itertools import count

import pytest

from tests.conformance.answer_cases import ANSWERS, GOOD, PASS, Answer
from tests.conformance.http_request_cases import sized
from tests.conformance.test_http_requests import TO_AIOHTTP, check_open
from tests.conformance.upstream import StrictUpstream, completion
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection

_numbers = count()
SENT_BACK = {
    "content-type", "content-length", "x-request-id", "date", "connection", "server", "retry-after", "x-should-retry",
    "transfer-encoding", "cache-control",
}  # fmt: skip


@pytest.fixture(params=["lane", "aiohttp"])
def connection(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Connection]:
    with Connection(gateway.port) as made:
        if request.param == "aiohttp":
            made.send(TO_AIOHTTP)
            assert made.answer().status == 200
        yield made


def ask(connection: Connection, model: str, **more: object) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], **more}
    connection.send(sized(json.dumps(body).encode()))


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.name)
def test_an_answer_is_the_one_that_was_asked_for_or_an_error(
    connection: Connection, upstream: StrictUpstream, case: Answer
) -> None:
    model = f"answer-{next(_numbers)}"
    upstream.answers[model] = list(case.pieces)
    ask(connection, model)
    answer = connection.answer()
    assert answer.status in case.statuses, answer.body
    if answer.status == 200:
        assert answer.body == GOOD
    else:
        assert "error" in answer.json
    assert b"evil" not in answer.body
    assert set(answer.headers) <= SENT_BACK
    assert answer.headers.get("retry-after", "1").isdigit()
    assert int(answer.headers.get("retry-after", "1")) <= 86_400
    if case.statuses == (200, 502):
        # What stands behind the answer may come late: the next request can meet the end of that connection.
        return
    # One request went up, and nothing of its answer is left for the next.
    check_open(connection)
    assert [one for one in upstream.take() if model.encode() in one.body][1:] == []


def test_there_are_honest_ones_and_each_has_a_name_of_its_own() -> None:
    assert len([case for case in ANSWERS if case.statuses == PASS]) >= 10
    assert len({case.name for case in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize(
    ("first", "again", "status"),
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\n", b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100, 502),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 4096, 502),
    ],
)
def test_a_head_without_end_is_ended(
    connection: Connection, upstream: StrictUpstream, first: bytes, again: bytes, status: int
) -> None:
    model = f"endless-{next(_numbers)}"
    upstream.endless[model] = (first, again)
    ask(connection, model)
    assert connection.answer().status == status
    check_open(connection)


def test_a_compressed_answer_is_unpacked_under_a_bound(connection: Connection, upstream: StrictUpstream) -> None:
    def packed(body: bytes) -> bytes:
        packer = zlib.compressobj(wbits=31)
        data = packer.compress(body) + packer.flush()
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(data), data)
        )

    body = completion("packed")
    upstream.answers["packed"] = [packed(body)]
    ask(connection, "packed")
    answer = connection.answer()
    assert (answer.status, answer.body) == (200, body)
    assert "content-encoding" not in answer.headers
    # 40 MB in 40 KB: more than the largest answer that is held.
    upstream.answers["bomb"] = [packed(b" " * 40_000_000)]
    ask(connection, "bomb")
    assert connection.answer().status == 502
    check_open(connection)
