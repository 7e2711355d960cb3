"""Upstreams that are down, reset, garble, stall or send less than promised; and what must not come back from one."""

from __future__ import annotations

import socket

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import until

POLICY = """
upstreams:
  local:
    base_url: http://127.0.0.1:{port}/v1
    api_key: upstream-secret
    timeouts: {{connect: 500ms, first_byte: 400ms, idle: 400ms}}
  down: {{base_url: "http://127.0.0.1:{closed}/v1"}}
models:
  down: {{upstream: down}}
  "*": {{upstream: local}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: {profile}}}
"""


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module", params=["default", "none"])
def gateway(run_gateway: Run, upstream: Upstream, request: pytest.FixtureRequest) -> Gateway:
    return run_gateway(POLICY.format(port=upstream.port, closed=_closed_port(), profile=request.param))


@pytest.fixture(scope="module")
def key(gateway: Gateway) -> str:
    return gateway.key()[0]


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("down", 502),
        ("reset", 502),
        ("garble", 502),
        ("close", 502),
        ("stall", 504),
        ("unknown_coding", 502),
        ("bad_gzip", 502),
        ("teapot", 429),
        ("refuses", 400),
        ("fails", 500),
        ("early_hints", 200),
        ("good", 200),
    ],
)
def test_each_has_its_status_and_is_asked_once(
    gateway: Gateway, upstream: Upstream, key: str, model: str, status: int
) -> None:
    before = len(upstream.received)
    answer = ask(gateway.port, request(key, chat(model)))
    assert answer.status == status, answer.body
    assert "error" in answer.json or status == 200
    line = gateway.audited(answer.headers["x-request-id"])
    assert (line["status"], line["model"]) == (status, model)
    assert len(upstream.received) - before == (0 if model == "down" else 1)
    assert b"127.0.0.1" not in answer.body


@pytest.mark.parametrize("model", ["short", "half"])
def test_an_answer_that_is_cut_is_never_taken_for_whole(gateway: Gateway, key: str, model: str) -> None:
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat(model)))
        answer = connection.head()
        if answer.status == 200:
            # It was on its way already: the end of the connection is the only sign that is left.
            body = b""
            while line := connection.line():
                body += line
            assert len(body) < int(answer.headers["content-length"])
        else:
            assert answer.status in (502, 504)


def test_a_stream_that_is_cut_ends_with_an_error(gateway: Gateway, key: str) -> None:
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat("cut_stream", stream=True)))
        answer = connection.answer()
    assert answer.status == 200 or answer.json["error"]
    assert b"[DONE]" not in answer.body


def test_credentials_stay_on_their_side(gateway: Gateway, upstream: Upstream, key: str) -> None:
    answer = ask(gateway.port, request(key, chat("secret_header"), more="Cookie: session=1\r\nX-Api-Key: \r\n"))
    sent = upstream.received[-1]
    assert sent.headers["authorization"] == "Bearer upstream-secret"
    assert key not in str(sent.headers) + sent.line
    assert "cookie" not in sent.headers
    assert sent.headers["accept-encoding"] == "identity"
    assert "upstream-secret" not in str(answer.headers)
    assert "set-cookie" not in answer.headers


def test_a_client_that_leaves_ends_its_request_upstream(gateway: Gateway, upstream: Upstream, key: str) -> None:
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat("endless", stream=True)))
        received = until(lambda: next((one for one in upstream.received if b"endless" in one.body), None))
    assert received is not None
    assert received.gone.wait(10)
    upstream.received.remove(received)


def test_a_client_that_leaves_is_recorded(gateway: Gateway, key: str) -> None:
    with Connection(gateway.port) as connection:
        connection.send(request(key, chat("stall")))
    until(lambda: [line for line in gateway.audit() if line["status"] in (499, 504) and line["model"] == "stall"])
