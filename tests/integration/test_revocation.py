"""What a revocation, a disabled key and a flood of bad credentials do to a gateway that is running."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, ask, chat, request
from tests.integration.upstream import Upstream
from tests.integration.waiting import until

ADMIN = "the-admin-token-of-this-test"
POLICY = """
upstreams: {{local: {{base_url: "http://127.0.0.1:{port}/v1"}}}}
network: {{bans: {{slow_after: 20, ban_after: 25}}}}
limits:
  - {{name: small, by: key, requests: 2/day, assigned: true}}
  - {{name: few-tokens, by: key, tokens: 3/day, assigned: true}}
roles:
  user: {{endpoints: [chat, messages, models], models: ["*"]}}
  plain: {{endpoints: ["*"], models: ["*"], redaction: none}}
"""


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: Upstream) -> Gateway:
    return run_gateway(POLICY.format(port=upstream.port), TIDEGATE_ADMIN_TOKEN=ADMIN)


def stream(gateway: Gateway, key: str, path: str = "/v1/chat/completions") -> http.client.HTTPResponse:
    """A stream without end, of which something has arrived."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    body = {"model": "endless", "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    connection.request("POST", path, json.dumps(body), {"x-api-key": key, "Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.readline()
    return response


def status(gateway: Gateway, key: str) -> int:
    request = urllib.request.Request(f"{gateway.url}/v1/models", headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def admin(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {ADMIN}"}
    request = urllib.request.Request(gateway.admin_url + path, data, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.parametrize("role", ["user", "plain"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_running_streams_of_a_revoked_key_end(gateway: Gateway, role: str, path: str) -> None:
    revoked, revoked_id = gateway.key("alice", role)
    kept, _ = gateway.key("bob", role)
    running, other = [stream(gateway, revoked, path) for _ in range(4)], stream(gateway, kept, path)
    admin(gateway, "POST", f"/keys/{revoked_id}/revoke")
    for response in running:
        # It ends as HTTP does: the last chunk was read, nothing was cut.
        text = response.read()
        assert b"[DONE]" not in text
        last = text.rstrip().rpartition(b"data: ")[2]
        error = json.loads(last)["error"]
        assert error["type"] == "authentication_error"
        assert (b"event: error" in text) == (path == "/v1/messages")
        line = gateway.audited(response.headers["x-request-id"])
        assert (line["reason"], line["subject"]) == ("credential_revoked", "alice")
    assert status(gateway, revoked) == 401
    assert other.readline() is not None
    assert status(gateway, kept) == 200
    other.close()


def test_a_key_that_is_revoked_while_the_body_comes(gateway: Gateway, upstream: Upstream) -> None:
    key, key_id = gateway.key("gina")
    body = chat("revoked-meanwhile")
    with Connection(gateway.port) as connection:
        connection.send(request(key, body, more="Expect: 100-continue\r\n")[: -len(body)])
        # The head has passed.
        assert connection.head().status == 100
        admin(gateway, "POST", f"/keys/{key_id}/revoke")
        connection.send(body)
        assert connection.answer().status == 401
    assert not any(b"revoked-meanwhile" in received.body for received in upstream.received)


def test_a_disabled_key(gateway: Gateway) -> None:
    key, key_id = gateway.key("carol")
    running = stream(gateway, key)
    admin(gateway, "POST", f"/keys/{key_id}/disable")
    assert b"[DONE]" not in running.read()
    assert status(gateway, key) == 401
    admin(gateway, "POST", f"/keys/{key_id}/enable")
    assert status(gateway, key) == 200


def test_a_key_with_limits_of_its_own(gateway: Gateway) -> None:
    small, _ = gateway.key("hans", "user", "--limit", "small")
    free, _ = gateway.key("hans")
    assert [status(gateway, small) for _ in range(3)] == [200, 200, 429]
    assert [status(gateway, free) for _ in range(3)] == [200] * 3
    few = admin(gateway, "POST", "/keys", {"subject": "hans", "roles": ["plain"], "limits": ["few-tokens"]})
    assert ask(gateway.port, request(few["key"], chat("good"))).status == 400
    assert ask(gateway.port, request(free, chat("good"))).status == 200
    # A limit that the policy does not have cannot be kept, so that the key does nothing.
    lost, lost_id = gateway.key("hans", "user", "--limit", "small", "--limit", "nowhere")
    assert status(gateway, lost) == 403
    assert admin(gateway, "GET", f"/keys/{lost_id}")["limits"] == ["small", "nowhere"]
    told = gateway.run("explain", "--key", small.split("_")[1], "--model", "m").stdout
    assert "limit     small" in told
    assert "few-tokens" not in told
    assert "under the limit 'nowhere'" in gateway.run("explain", "--key", lost_id, "--model", "m").stdout


def test_a_key_that_is_narrowed(gateway: Gateway) -> None:
    made = admin(gateway, "POST", "/keys", {"subject": "dora", "roles": ["user"], "addresses": ["192.0.2.0/24"]})
    assert status(gateway, made["key"]) == 403
    made = admin(gateway, "POST", "/keys", {"subject": "dora", "roles": ["user"], "addresses": ["127.0.0.0/8"]})
    assert status(gateway, made["key"]) == 200
    assert until(lambda: admin(gateway, "GET", f"/keys/{made['id']}")["last_used"]) is not None


def test_failing_credentials_are_slowed_and_banned_and_valid_ones_pass(gateway: Gateway) -> None:
    key, _ = gateway.key("erin")
    # Valid until now, and never seen by a worker: neither a ban nor a cache decides about it.
    fresh, _ = gateway.key("frank")
    seen = [status(gateway, f"tg_abcdefghjkmn_{index:040}") for index in range(60)]
    assert seen[:20] == [401] * 20
    assert seen[-1] == 429
    assert status(gateway, key) == status(gateway, fresh) == 200
    bans = admin(gateway, "GET", "/bans")["bans"]
    assert [ban["network"] for ban in bans] == ["127.0.0.1"]
    assert json.loads(gateway.run("bans", "list").stdout) == bans
    assert gateway.run("bans", "lift", "127.0.0.1").returncode == 0
    assert status(gateway, "tg_abcdefghjkmn_" + "x" * 40) == 401


def test_a_head_that_waits_holds_what_follows(gateway: Gateway) -> None:
    """The answer to a failing credential is held back; what the client sends meanwhile is kept in order."""
    gateway.run("bans", "lift", "127.0.0.1")
    key, _ = gateway.key("gina")
    for index in range(22):
        status(gateway, f"tg_abcdefghjkmn_{index:040}")
    body = json.dumps({"model": "good", "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\nX-Api-Key: "
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as client:
        bad, good = ((head + each + "\r\n\r\n").encode() + body for each in ("nothing", key))
        client.sendall(bad + good[:-5])
        client.sendall(good[-5:])
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 2 or b"hello" not in answers:
            data = client.recv(65536)
            assert data, answers
            answers += data
    assert answers.startswith(b"HTTP/1.1 401")
    assert b"HTTP/1.1 200" in answers
    gateway.run("bans", "lift", "127.0.0.1")
