"""TLS on both sides: clients over TLS, upstreams verified, and not used where they cannot be."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import chat
from tests.integration.upstream import Upstream

CERTIFICATES = Path(__file__).parent / "certificates"
POLICY = """
upstreams:
  trusted: {{base_url: "https://127.0.0.1:{port}/v1", ca_file: {ca}}}
  unknown: {{base_url: "https://127.0.0.1:{port}/v1"}}
  other_name: {{base_url: "https://127.0.0.2:{port}/v1", ca_file: {ca}}}
models:
  good: {{upstream: trusted}}
  unknown: {{upstream: unknown}}
  other_name: {{upstream: other_name}}
"""


@pytest.fixture(scope="module")
def secure_upstream() -> Iterator[Upstream]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    with Upstream(context) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, secure_upstream: Upstream) -> Gateway:
    return run_gateway(
        POLICY.format(port=secure_upstream.port, ca=CERTIFICATES / "ca.pem"),
        TIDEGATE_TLS_CERT=str(CERTIFICATES / "server.pem"),
        TIDEGATE_TLS_KEY=str(CERTIFICATES / "server.key"),
    )


def _ask(gateway: Gateway, key: str, model: str) -> tuple[int, bytes]:
    trust = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.port, context=trust, timeout=20)
    try:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", chat(model), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_both_sides_speak_tls(gateway: Gateway, secure_upstream: Upstream) -> None:
    status, body = _ask(gateway, gateway.key(role="default")[0], "good")
    assert status == 200
    assert json.loads(body)["choices"]
    assert len(secure_upstream.received) == 1


@pytest.mark.parametrize("model", ["unknown", "other_name"])
def test_an_upstream_that_cannot_be_verified_gets_nothing(
    gateway: Gateway, secure_upstream: Upstream, model: str
) -> None:
    before = len(secure_upstream.received)
    status, body = _ask(gateway, gateway.key(role="default")[0], model)
    assert status == 502
    assert json.loads(body)["error"]["code"] == "upstream_broken"
    assert len(secure_upstream.received) == before
