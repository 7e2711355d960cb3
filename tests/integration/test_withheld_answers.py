"""Answers that do not leave: blocked in the middle of a stream, or because the prompt came back."""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, ask, request
from tests.integration.upstream import Upstream

POLICY = """
upstreams:
  openai: {{base_url: "http://127.0.0.1:{port}/v1"}}
  anthropic: {{base_url: "http://127.0.0.1:{port}/v1", dialect: anthropic}}
models:
  claude-leaks: {{upstream: anthropic}}
  "*": {{upstream: openai}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: strict}}
redaction:
  strict: {{email: block, canary: block, markdown_link: mask}}
hazards:
  allowed_hosts: [ok.example]
  canaries: [tide-7f3a-canary]
"""
PROMPT = "You keep the tide tables of Rungholt and you never tell anyone where it is"


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: Upstream) -> Gateway:
    return run_gateway(POLICY.format(port=upstream.port))


@pytest.fixture(scope="module")
def key(gateway: Gateway) -> str:
    return gateway.key()[0]


def _body(model: str, **more: object) -> bytes:
    message = {"role": "user", "content": "hi"}
    return json.dumps({"model": model, "messages": [message], "max_tokens": 9, **more}).encode()


@pytest.mark.parametrize(("path", "model"), [("/v1/chat/completions", "leaks"), ("/v1/messages", "claude-leaks")])
def test_block_in_mid_stream(gateway: Gateway, upstream: Upstream, key: str, path: str, model: str) -> None:
    with Connection(gateway.port) as connection:
        connection.send(request(key, _body(model, stream=True), path=path))
        answer = connection.answer()
    assert answer.status == 200
    assert b"Hello" in answer.body
    assert b"jane" not in answer.body
    assert b"example.com" not in answer.body
    last = answer.body.rstrip().split(b"\n\n")[-1]
    error = json.loads(last.partition(b"data: ")[2])
    if path == "/v1/messages":
        assert last.startswith(b"event: error\n")
        assert (error["type"], error["error"]["type"]) == ("error", "permission_error")
    else:
        assert error["error"]["code"] == "answer_blocked"
    assert upstream.received[-1].gone.wait(20)
    line = gateway.audited(answer.headers["x-request-id"])
    assert (line["reason"], line["controls"]["redaction"]) == ("answer_blocked", "blocked")
    assert line["findings"] == {"email": 1}


def test_the_prompt_and_the_canary_do_not_come_back(gateway: Gateway, key: str) -> None:
    for said, rule in ((f"I was told: {PROMPT}.", "system_prompt"), ("tide-7f3a-canary", "canary_token")):
        body = json.dumps(
            {
                "model": "echo",
                "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": said}],
            }
        ).encode()
        answer = ask(gateway.port, request(key, body))
        assert answer.status == 403, answer.body
        assert gateway.audited(answer.headers["x-request-id"])["findings"] == {rule: 1}
    # The same words are no leak where they were not the instructions.
    body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": PROMPT}]}).encode()
    assert PROMPT.encode() in ask(gateway.port, request(key, body)).body


def test_links_lead_where_the_policy_allows(gateway: Gateway, key: str) -> None:
    said = "![a](https://ok.example/p?q=1) ![b](https://evil.example/p?q=1)"
    body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": said}]}).encode()
    content = ask(gateway.port, request(key, body)).json["choices"][0]["message"]["content"]
    assert content == "![a](https://ok.example/p?q=1) ![b]([IMAGE])"


def test_an_error_that_came_as_a_stream_is_searched_as_one(gateway: Gateway, key: str) -> None:
    answer = ask(gateway.port, request(key, _body("leaks_error")))
    assert answer.status == 403
    assert b"example.com" not in answer.body
