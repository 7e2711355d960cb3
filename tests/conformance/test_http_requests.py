"""Every probe through both doors: what is answered, what the upstream saw, and that the honest twin passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import pytest

from tests.conformance.http_request_cases import BODY, PASS, PROBES, Probe, sized
from tests.conformance.upstream import Received, StrictUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import Answer, Connection

# A request for the list of models is never of the fast lane: it leaves the connection with aiohttp.
TO_AIOHTTP = b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n"
# All that may go upstream of a client's head, beside what the gateway writes itself.
ALLOWED = {
    b"host",
    b"accept-encoding",
    b"authorization",
    b"content-type",
    b"content-length",
    b"user-agent",
    b"traceparent",
}
_numbers = count()


@pytest.fixture(params=["lane", "aiohttp"])
def connection(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Connection]:
    with Connection(gateway.port) as made:
        if request.param == "aiohttp":
            made.send(TO_AIOHTTP)
            assert made.answer().status == 200
        yield made


def check_forwarded(received: Received) -> None:
    """A request that went up is the gateway's own writing."""
    assert received.line == b"POST /v1/chat/completions HTTP/1.1"
    assert set(received.names) <= ALLOWED
    assert received.value(b"host") != b"gateway"
    assert received.value(b"authorization") == b"Bearer upstream-secret"
    assert received.value(b"accept-encoding") == b"identity"
    assert received.value(b"content-type") == b"application/json"


def check_open(connection: Connection) -> None:
    """The connection is at the beginning of a request: the next answer is the answer to the next request."""
    model = f"ping-{next(_numbers)}"
    connection.send(sized(json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]}).encode()))
    answer = connection.answer()
    assert answer.status == 200, answer.body
    assert answer.json["model"] == model


def check_error(answer: Answer) -> None:
    assert answer.body
    assert b"Traceback" not in answer.body
    assert "error" in answer.json


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"keep-alive", [b"user-agent", b"traceparent"]),
        (b"Keep-Alive, Traceparent", [b"user-agent"]),
        (b"traceparent,x ,User-Agent", []),
        (b"authorization, content-type, host, traceparent-x", [b"user-agent", b"traceparent"]),
    ],
)
def test_a_field_that_connection_lists_ends_at_this_hop(
    connection: Connection, upstream: StrictUpstream, value: bytes, kept: list[bytes]
) -> None:
    upstream.take()
    connection.send(sized(BODY, b"Connection: " + value, b"User-Agent: probe", b"Traceparent: 00-1"))
    assert connection.answer().status == 200
    (seen,) = upstream.take()
    check_forwarded(seen)
    assert [name for name in seen.names if name in (b"user-agent", b"traceparent")] == kept


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(PROBES) >= 250
    assert len({probe.name for probe in PROBES}) == len(PROBES)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_gets_nothing_past(connection: Connection, upstream: StrictUpstream, probe: Probe) -> None:
    upstream.take()
    connection.send(probe.data)
    answer = connection.answer()
    assert answer.status in probe.statuses, answer.body
    passes = answer.status == 200
    if not passes:
        check_error(answer)
    if probe.answers == 2:
        assert connection.answer().json["model"] == "smuggled"
    if probe.closes or answer.headers.get("connection") == "close" or (answer.status == 400 and probe.answers == 1):
        assert connection.ended()
    else:
        check_open(connection)
    seen = [one for one in upstream.take() if b'"ping-' not in one.body]
    assert [one.body for one in seen if b"smuggled" not in one.body] == ([BODY] if passes else [])
    assert len(seen) == passes + probe.answers - 1
    for one in seen:
        check_forwarded(one)
    assert upstream.broken == []


@pytest.mark.parametrize("twin", sorted({probe.twin for probe in PROBES}), ids=lambda twin: f"{len(twin)}-bytes")
def test_the_honest_twin_passes(connection: Connection, upstream: StrictUpstream, twin: bytes) -> None:
    upstream.take()
    connection.send(twin)
    assert connection.answer().status in PASS
    (seen,) = upstream.take()
    assert seen.body == BODY
    check_forwarded(seen)
