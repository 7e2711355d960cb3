"""Bad input on a real socket: its status, its body in the dialect and its audit line, and nothing goes upstream."""

from __future__ import annotations

import json

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Answer, Connection, ask, chat, request
from tests.integration.upstream import Upstream

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1"}}
  claude: {{base_url: "http://127.0.0.1:{port}/v1", dialect: anthropic}}
models:
  good: {{upstream: local}}
  claude: {{upstream: claude}}
roles:
  user: {{endpoints: ["*"], models: ["*"]}}
  narrow: {{endpoints: [chat], models: [other-*]}}
validation: {{max_body: 4KiB, max_depth: 8, max_messages: 3}}
routes:
  - {{name: score, path: /score, upstream: local}}
"""
CHAT, MESSAGES, SCORE = "/v1/chat/completions", "/v1/messages", "/score"


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: Upstream) -> Gateway:
    return run_gateway(POLICY.format(port=upstream.port), TIDEGATE_MAX_HEADER_BYTES="8KiB")


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> dict[str, str]:
    revoked, revoked_id = gateway.key("mallory")
    assert gateway.run("keys", "revoke", revoked_id).returncode == 0
    return {
        "user": gateway.key()[0],
        "narrow": gateway.key(role="narrow")[0],
        "none": "",
        "wrong": "tg_0000000000000000_wrong",
        "garbage": "x" * 3000,
        "revoked": revoked,
    }


def _deep(levels: int) -> bytes:
    nested = "[" * levels + "]" * levels
    return b'{"model": "good", "messages": [{"role": "user", "content": "hi"}], "metadata": %b}' % nested.encode()


def _says(answer: Answer, path: str, code: str) -> bool:
    """Whether the body is an error of this name in the path's dialect."""
    if path == SCORE:
        return answer.headers["content-type"] == "application/problem+json" and answer.json["status"] == answer.status
    if path == MESSAGES:
        return answer.json["type"] == "error" and bool(answer.json["error"]["message"])
    error = answer.json["error"]
    return bool(error["code"] == code and error["message"] and error["type"])


CASES = [
    ("none", CHAT, "POST", chat(), "", 401, "invalid_api_key"),
    ("wrong", CHAT, "POST", chat(), "", 401, "invalid_api_key"),
    ("garbage", CHAT, "POST", chat(), "", 401, "invalid_api_key"),
    ("revoked", CHAT, "POST", chat(), "", 401, "invalid_api_key"),
    ("user", CHAT, "POST", chat(), "X-Api-Key: tg_another_key\r\n", 401, "invalid_api_key"),
    ("narrow", CHAT, "POST", chat(), "", 403, "permission_denied"),
    ("narrow", "/v1/embeddings", "POST", chat(), "", 403, "permission_denied"),
    ("user", CHAT, "POST", chat("nobody"), "", 404, "model_not_found"),
    ("user", CHAT, "POST", b"{", "", 400, "invalid_request"),
    ("user", CHAT, "POST", b"", "", 400, "invalid_request"),
    ("user", CHAT, "POST", b"[]", "", 400, "invalid_request"),
    ("user", CHAT, "POST", b"\xff\xfe{}", "", 400, "invalid_request"),
    ("user", CHAT, "POST", b"\xef\xbb\xbf" + chat(), "", 400, "invalid_request"),
    ("user", CHAT, "POST", b'{"model": "good", "model": "claude", "messages": []}', "", 400, "invalid_request"),
    ("user", CHAT, "POST", b'{"model": "good", "m\\u006fdel": "claude", "messages": []}', "", 400, "invalid_request"),
    ("user", CHAT, "POST", b'{"model": "good"}', "", 400, "invalid_request"),
    ("user", CHAT, "POST", b'{"model": 7, "messages": []}', "", 400, "invalid_request"),
    ("user", CHAT, "POST", chat(temperature=1e308)[:-1] + b"0}", "", 400, "invalid_request"),
    ("user", CHAT, "POST", chat(stream="yes"), "", 400, "invalid_request"),
    ("user", CHAT, "POST", chat(max_tokens=-1), "", 400, "invalid_request"),
    ("user", CHAT, "POST", json.dumps({"model": "good", "messages": [{"role": "user"}] * 4}).encode(), "", 400,
     "invalid_request"),
    ("user", CHAT, "POST", _deep(9), "", 400, "invalid_request"),
    ("user", CHAT, "POST", chat(user="x" * 5000), "", 413, "request_too_large"),
    ("user", CHAT, "POST", chat(), "Content-Encoding: gzip\r\n", 415, "unsupported_media_type"),
    ("user", CHAT, "GET", b"", "", 405, "method_not_allowed"),
    ("user", CHAT, "DELETE", b"", "", 405, "method_not_allowed"),
    ("user", "/v1/nothing", "POST", chat(), "", 404, "unknown_route"),
    ("user", "/v1/chat/completions/", "POST", chat(), "", 404, "unknown_route"),
    ("user", "/v1/./chat/completions", "POST", chat(), "", 404, "unknown_route"),
    ("user", "/v1//chat/completions", "POST", chat(), "", 404, "unknown_route"),
    ("user", CHAT, "POST", chat(), "Expect: 200-maybe\r\n", 417, "expectation_failed"),
    ("none", MESSAGES, "POST", b"{}", "", 401, ""),
    ("user", MESSAGES, "POST", b'{"model": "claude", "messages": []}', "", 400, ""),
    ("user", MESSAGES, "GET", b"", "", 405, ""),
    ("none", SCORE, "POST", b"{}", "", 401, ""),
    ("user", SCORE, "POST", b"{", "", 400, ""),
    ("user", SCORE, "PUT", b"{}", "", 405, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "path", "method", "body", "more", "status", "code"),
    [pytest.param(*case, id=f"{number}-{case[5]}-{case[6] or case[1]}") for number, case in enumerate(CASES)],
)
def test_it_is_refused_before_the_upstream(
    gateway: Gateway,
    upstream: Upstream,
    keys: dict[str, str],
    who: str,
    path: str,
    method: str,
    body: bytes,
    more: str,
    status: int,
    code: str,
) -> None:
    before = len(upstream.received)
    answer = ask(gateway.port, request(keys[who], body, path=path, method=method, more=more))
    assert answer.status == status, answer.body
    assert _says(answer, path, code), answer.body
    assert b"Traceback" not in answer.body
    line = gateway.audited(answer.headers["x-request-id"])
    assert line["status"] == status
    assert keys[who] == "" or keys[who] not in json.dumps(line)
    assert len(upstream.received) == before


def test_the_place_is_named(gateway: Gateway, keys: dict[str, str]) -> None:
    body = chat()[:-1] + b', "tools": [{"type": "function", "function": {"name": 7}}]}'
    assert ask(gateway.port, request(keys["user"], body)).json["error"]["param"] == "tools[0].function.name"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nA: b\n c\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 400),
    ],
)
def test_what_is_not_http_is_answered_and_closed(
    gateway: Gateway, upstream: Upstream, head: bytes, status: int
) -> None:
    before = len(upstream.received)
    with Connection(gateway.port) as connection:
        connection.send(head)
        answer = connection.answer()
        assert answer.status == status
        assert answer.body
        assert connection.ended()
    assert len(upstream.received) == before


def test_a_body_without_end_is_refused_while_it_comes(
    gateway: Gateway, upstream: Upstream, keys: dict[str, str]
) -> None:
    before = len(upstream.received)
    with Connection(gateway.port) as connection:
        connection.send(
            f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {keys['user']}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(9):
            connection.send(b"200\r\n" + b" " * 512 + b"\r\n")
        assert connection.answer().status == 413
    assert len(upstream.received) == before
