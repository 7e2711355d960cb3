"""Access tokens of a real authorization server: discovery, both grants, introspection, rotation, and its failures."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.oauth_server import GATEWAY, OAuthServer
from tests.integration.upstream import Upstream

POLICY = """
upstreams: {{local: {{base_url: "http://127.0.0.1:{upstream}/v1"}}}}
identity:
  jwt: [{{issuer: "{issuer}", audience: [tidegate]}}]
  introspection:
    - {{url: "{issuer}/introspect", client_id: {client}, client_secret: "{secret}", roles_claim: scope}}
roles:
  user: {{endpoints: [chat], models: ["*"]}}
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[OAuthServer]:
    with OAuthServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: Upstream, issuer: OAuthServer) -> Gateway:
    return run_gateway(
        POLICY.format(upstream=upstream.port, issuer=issuer.issuer, client=GATEWAY[0], secret=GATEWAY[1])
    )


def call(gateway: Gateway, token: str, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, Any, Any]:
    """Status, headers, body."""
    body = None
    if path.startswith("/v1"):
        body = json.dumps({"model": "good", "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(gateway.url + path, body, {"Content-Type": "application/json", **headers})  # noqa: S310
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


def grant(issuer: OAuthServer, **fields: str) -> str:
    """An access token of the server's, by the given grant."""
    request = urllib.request.Request(f"{issuer.issuer}/token", urllib.parse.urlencode(fields).encode())  # noqa: S310
    request.add_header("Authorization", "Basic " + base64.b64encode(b"app:app-secret").decode())
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def test_client_credentials(gateway: Gateway, issuer: OAuthServer) -> None:
    token = grant(issuer, grant_type="client_credentials", scope="user admin")
    status, headers, _ = call(gateway, token)
    assert status == 200
    line = gateway.audited(headers["x-request-id"])
    assert (line["subject"], line["credential"], line["role"]) == ("app", "jwt", "user")
    # Only roles of the policy count, and without one nothing is allowed.
    assert call(gateway, grant(issuer, grant_type="client_credentials", scope="admin"))[0] == 403


def test_authorization_code(gateway: Gateway, issuer: OAuthServer) -> None:
    asked = {"response_type": "code", "client_id": "app", "scope": "user", "redirect_uri": "http://127.0.0.1/callback"}
    with pytest.raises(urllib.error.HTTPError) as redirect:
        urllib.request.build_opener(_NoRedirect).open(f"{issuer.issuer}/authorize?{urllib.parse.urlencode(asked)}")
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.value.headers["Location"]).query)["code"][0]
    token = grant(issuer, grant_type="authorization_code", code=code, redirect_uri=asked["redirect_uri"])
    status, headers, _ = call(gateway, token)
    assert status == 200
    assert gateway.audited(headers["x-request-id"])["subject"] == "bob"


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key"])
def test_every_header_on_both_doors(gateway: Gateway, issuer: OAuthServer, name: str) -> None:
    token = issuer.sign()
    given = {name: f"Bearer {token}" if name == "authorization" else token}
    assert call(gateway, "", **given)[0] == 200
    assert call(gateway, issuer.sign(sub="carol"), **{"x-api-key": token})[0] == 401
    assert call(gateway, token, **{"x-api-key": token})[0] == 200
    # A role without the endpoint: the aiohttp door has identified the caller all the same.
    request = urllib.request.Request(f"{gateway.url}/v1/models", headers=given)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)  # noqa: S310
    assert refused.value.code == 403


def test_forged_and_broken_tokens(gateway: Gateway, issuer: OAuthServer) -> None:
    head, claims, signature = issuer.sign().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for forged in (
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{head}.{claims}.{signature}=",
        f"{head}.{claims}",
        f"{head}.{claims}.{'A' * len(signature)}",
        issuer.sign(exp=1),
        issuer.sign(aud="other"),
        issuer.sign(iss="https://evil.example"),
        "tg_abcdefghjkmn_" + "x" * 40,
    ):
        status, headers, body = call(gateway, forged)
        assert status == 401
        assert headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert body["error"]["code"] == "invalid_api_key"
        assert forged not in json.dumps(body)
    assert call(gateway, "")[1]["WWW-Authenticate"] == "Bearer"


def test_resource_metadata(gateway: Gateway, issuer: OAuthServer) -> None:
    status, headers, body = call(gateway, "", "/.well-known/oauth-protected-resource")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert body["resource"] == gateway.url
    assert body["authorization_servers"] == [issuer.issuer]
    assert gateway.audited(headers["x-request-id"])["status"] == 200


def test_opaque_tokens(gateway: Gateway, issuer: OAuthServer) -> None:
    tokens = [issuer.issue_opaque(f"opaque-{'x' * 64}-{index}", f"user-{index}") for index in range(20)]
    before = issuer.asked.get("/introspect", 0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: call(gateway, token), tokens * 4))
    assert {status for status, _, _ in answers} == {200}
    for index, (_, headers, _) in enumerate(answers):
        assert gateway.audited(headers["x-request-id"])["subject"] == f"user-{index % 20}"
    # One call for a token and worker, whoever else brings it meanwhile.
    assert issuer.asked["/introspect"] - before <= 40
    before = issuer.asked["/introspect"]
    assert {call(gateway, "opaque-unknown")[0] for _ in range(10)} == {401}
    assert issuer.asked["/introspect"] - before <= 2


def test_a_rotation_under_load_refuses_nobody(gateway: Gateway, issuer: OAuthServer) -> None:
    statuses: list[int] = []

    def load(worker: int) -> None:
        for index in range(20):
            if worker == 0 and index % 7 == 5:
                issuer.rotate(f"rotated-{index}")
            statuses.append(call(gateway, issuer.sign(sub=f"user-{worker}-{index}"))[0])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, range(4)))
    assert statuses == [200] * 80


def test_an_issuer_that_is_down(gateway: Gateway, issuer: OAuthServer) -> None:
    known, opaque = issuer.sign(), issuer.issue_opaque("known-opaque", "dora")
    assert {call(gateway, token)[0] for token in (known, opaque) for _ in range(8)} == {200}
    issuer.down = True
    try:
        # Keys at hand go on, and so do answers that were kept; what would have to be asked for is refused as such.
        assert call(gateway, issuer.sign(sub="new"))[0] == 200
        status, headers, _ = call(gateway, "new-opaque")
        assert (status, headers["Retry-After"]) == (503, "1")
        issuer.rotate("unpublished")
        assert call(gateway, issuer.sign())[0] == 503
    finally:
        issuer.down = False
    issuer.garbage = b"<html>"
    try:
        assert call(gateway, "another-opaque")[0] == 503
    finally:
        issuer.garbage = None


def test_it_is_closed_until_keys_are_there(run_gateway: Run, upstream: Upstream) -> None:
    with OAuthServer() as late:
        late.down = True
        gateway = run_gateway(
            POLICY.format(upstream=upstream.port, issuer=late.issuer, client=GATEWAY[0], secret=GATEWAY[1]),
            TIDEGATE_WORKERS="1",
        )
        assert call(gateway, late.sign())[0] == 503
        assert call(gateway, "x")[0] == 503
        late.down = False
        # The floor between two fetches is waited for or told; then it is open.
        from tests.integration.waiting import until

        assert until(lambda: call(gateway, late.sign())[0] == 200)
