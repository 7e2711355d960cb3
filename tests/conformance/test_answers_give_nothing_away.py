"""What an answer tells beside its text, on a real socket: log-probabilities by role, and an upstream's errors."""

from __future__ import annotations

import json

import pytest

from tests.conformance.upstream import KEEP, StrictUpstream, simple
from tests.integration.gateway import Gateway
from tests.integration.raw import ask, chat, request

TOKENS = {"content": [{"token": "a", "logprob": -0.123456, "bytes": None, "top_logprobs": []}]}
CHUNK = (
    b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": TOKENS}]}).encode()
)
STREAM = CHUNK * 3 + b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\nX-Secret: v1\r\n\r\n" % len(STREAM)


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> dict[str, str]:
    return {role: gateway.key("alice", role)[0] for role in ("user", "sealed", "rounded")}


@pytest.mark.parametrize(("role", "shown"), [("user", b"-0.123456"), ("sealed", b""), ("rounded", b"-0.1,")])
@pytest.mark.parametrize("cut", [1, 17, 4096])
def test_log_probabilities_leave_a_stream_as_the_role_says(
    gateway: Gateway, upstream: StrictUpstream, keys: dict[str, str], role: str, shown: bytes, cut: int
) -> None:
    pieces = [STREAM[at : at + cut] for at in range(0, len(STREAM), cut)]
    upstream.answers["logs"] = [HEAD, *pieces, KEEP]
    answer = ask(gateway.port, request(keys[role], chat("logs", stream=True)))
    assert answer.status == 200
    assert answer.body.count(b'"content":"a"') + answer.body.count(b'"content": "a"') == 3
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert (b"logprob" + b'":-0' in answer.body.replace(b" ", b"")) is (role != "sealed")
    assert shown in answer.body
    assert (b"0.12" in answer.body) is (role == "user")
    assert "x-secret" not in answer.headers


@pytest.mark.parametrize("role", ["user", "sealed", "rounded"])
def test_log_probabilities_leave_a_whole_answer_as_the_role_says(
    gateway: Gateway, upstream: StrictUpstream, keys: dict[str, str], role: str
) -> None:
    upstream.answers["whole"] = [simple(json.dumps({"choices": [{"logprobs": TOKENS}]}).encode()), KEEP]
    found = ask(gateway.port, request(keys[role], chat("whole"))).json["choices"][0]["logprobs"]
    if role == "sealed":
        assert found is None
    else:
        assert found["content"][0]["logprob"] == (-0.1 if role == "rounded" else -0.123456)


def test_an_error_of_the_upstream_does_not_name_it(
    gateway: Gateway, upstream: StrictUpstream, keys: dict[str, str]
) -> None:
    error = {"error": {"message": "No slot at 10.9.8.7:8000 for org-AbCdEfGhIj", "type": "overloaded", "code": None}}
    upstream.answers["down"] = [
        simple(json.dumps(error).encode(), b"503 X", b"Server: gpu/1.2", b"Retry-After: 7"),
        KEEP,
    ]
    answer = ask(gateway.port, request(keys["user"], chat("down")))
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert answer.json == {"error": {"message": "No slot at [host] for [id]", "type": "overloaded", "code": None}}
    assert "gpu" not in str(answer.headers)


@pytest.mark.parametrize("cut", [1, 9, 1000])
@pytest.mark.parametrize("role", ["user", "sealed"])
def test_an_error_inside_of_a_stream_does_not_name_it_either(
    gateway: Gateway, upstream: StrictUpstream, keys: dict[str, str], role: str, cut: int
) -> None:
    events = b'data: {"choices": [{"index": 0, "delta": {"content": "Well"}}]}\n\n'
    events += b'data: {"error": {"message": "No slot at 10.9.8.7:8000 for org-AbCdEfGhIj", "type": "overloaded"}}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(events)
    upstream.answers["breaks"] = [head, *(events[at : at + cut] for at in range(0, len(events), cut)), KEEP]
    answer = ask(gateway.port, request(keys[role], chat("breaks", stream=True)))
    assert answer.body.startswith(events[: events.index(b"data: ", 1)])
    assert b"No slot at [host] for [id]" in answer.body


def test_an_error_that_is_no_text_is_replaced(gateway: Gateway, upstream: StrictUpstream, keys: dict[str, str]) -> None:
    whole = simple(b"\xff\x00 10.9.8.7", b"500 X").replace(b"application/json", b"application/x-thing")
    upstream.answers["binary"] = [whole, KEEP]
    answer = ask(gateway.port, request(keys["user"], chat("binary")))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
    assert (answer.json["error"]["code"], answer.json["error"]["type"]) == ("upstream_error", "server_error")
