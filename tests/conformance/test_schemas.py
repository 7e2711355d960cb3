"""A route's schemas on a real socket: requests that do not fit go nowhere, answers that do not fit are withheld."""

from __future__ import annotations

import json

import pytest

from tests.conformance.http_request_cases import sized
from tests.conformance.upstream import KEEP, StrictUpstream, simple
from tests.integration.gateway import Gateway
from tests.integration.raw import ask


def call(gateway: Gateway, path: str, value: object) -> tuple[int, bytes, str]:
    body = json.dumps(value).encode()
    answer = ask(gateway.port, sized(body, b"Connection: close", line=f"POST {path} HTTP/1.1".encode()))
    return answer.status, answer.body, answer.headers["x-request-id"]


def test_a_request_that_does_not_fit_is_refused(gateway: Gateway, upstream: StrictUpstream) -> None:
    upstream.take()
    status, body, _ = call(gateway, "/v1/shaped", {"model": "x", "n": "many"})
    assert (status, json.loads(body)["param"]) == (400, "n")
    assert upstream.take() == []
    assert call(gateway, "/v1/shaped", {"model": "fits", "n": 1})[0] == 200
    assert len(upstream.take()) == 1


@pytest.mark.parametrize(("path", "status"), [("/v1/shaped", 502), ("/v1/flagged", 200)])
@pytest.mark.parametrize(
    ("media", "answer"), [("application/json", b'{"odd": 1}'), ("text/event-stream", b"data: 1\n\n")]
)
def test_an_answer_that_does_not_fit_is_withheld_or_flagged(
    gateway: Gateway, upstream: StrictUpstream, path: str, status: int, media: str, answer: bytes
) -> None:
    whole = simple(answer).replace(b"application/json", media.encode())
    upstream.answers["odd"] = [whole, KEEP]
    found, body, request_id = call(gateway, path, {"model": "odd", "n": 1})
    assert found == status
    assert (b"odd" in body or b"data" in body) is (status == 200)
    line = gateway.audited(request_id)
    assert (line["status"], line["findings"]) == (status, {"response_schema": 1})


def test_an_error_of_the_upstream_need_not_fit(gateway: Gateway, upstream: StrictUpstream) -> None:
    upstream.answers["fails"] = [simple(b'{"error": {"message": "down"}}', b"500 X"), KEEP]
    assert call(gateway, "/v1/shaped", {"model": "fails", "n": 1})[0] == 500
