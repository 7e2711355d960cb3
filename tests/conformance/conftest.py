"""One gateway with one worker, and the strict upstream behind it, for all of the conformance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway

POLICY = """
upstreams:
  main:
    base_url: http://127.0.0.1:{port}/v1
    api_key: upstream-secret
    timeouts: {{connect: 3s, first_byte: 1s, idle: 1s}}
  claude: {{base_url: "http://127.0.0.1:{port}/v1", dialect: anthropic, api_key: upstream-secret}}
models: {{"claude*": {{upstream: claude}}, "*": {{upstream: main}}}}
identity: {{anonymous: user}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: none}}
  sealed: {{endpoints: ["*"], models: ["*"], redaction: none, parameters: {{logprobs: strip}}}}
  rounded: {{endpoints: ["*"], models: ["*"], redaction: none, parameters: {{logprobs: round}}}}
# The pack is not what is tried here, and compiling it is most of a start.
redaction: {{default: {{}}, none: {{}}}}
validation: {{max_body: 64KiB, response_format: flag, flag_text: [injection]}}
tools: {{tide: {{arguments: in.json}}, lax: {{arguments: in.json, invalid: flag}}}}
routes:
  - {{name: score, path: /v1/score, upstream: main, methods: [POST, GET]}}
  - {{name: shaped, path: /v1/shaped, upstream: main, request_schema: in.json, response_schema: out.json}}
  - {{name: flagged, path: /v1/flagged, upstream: main, response_schema: out.json, invalid_response: flag}}
"""
REQUEST_SCHEMA = '{"properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"], "$defs": {"n": {"type": "integer"}}}'
RESPONSE_SCHEMA = '{"type": "object", "required": ["choices"]}'


@pytest.fixture(scope="session")
def upstream() -> Iterator[StrictUpstream]:
    with StrictUpstream() as running:
        yield running
        assert running.broken == []


@pytest.fixture(scope="session")
def gateway(upstream: StrictUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = Gateway(
        tmp_path_factory.mktemp("gateway"),
        POLICY.format(port=upstream.port),
        TIDEGATE_WORKERS="1",
        TIDEGATE_HEADER_TIMEOUT="600ms",
        TIDEGATE_BODY_TIMEOUT="600ms",
        TIDEGATE_SEND_TIMEOUT="600ms",
    )
    (running.folder / "in.json").write_text(REQUEST_SCHEMA)
    (running.folder / "out.json").write_text(RESPONSE_SCHEMA)
    running.start()
    try:
        yield running
    finally:
        running.stop()
