"""The compiled policy: who may do what, and where it goes."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pytest

from engine._fast.bucket import SLOT_BYTES, Table
from engine.errors import FORBIDDEN, MODEL_NOT_FOUND, Refusal
from engine.identity.principal import Principal
from engine.policy import snapshot as module
from engine.policy.loader import PolicyError, load_policy, parse_policy
from engine.policy.snapshot import Snapshot, compile_snapshot, verify

CONTRACT = Path(__file__).with_name("contract.yaml")

POLICY = """\
upstreams:
  openai: {base_url: http://127.0.0.1:9001/v1}
  anthropic: {base_url: http://127.0.0.1:9002/v1, dialect: anthropic}
models:
  gpt-4o: {upstream: openai, price: {input: 2.5, output: 10}}
  gpt-4o-mini: {upstream: openai}
  claude-*: {upstream: anthropic}
roles:
  analyst: {endpoints: [chat], models: ["gpt-4o-mini"], redaction: default}
  writer: {endpoints: [messages], models: ["claude-*"], redaction: none}
  senior: {endpoints: [chat], models: ["gpt-4o*"], parameters: {n: {max: 1}}, redaction: none}
  operator: {endpoints: ["*"], models: ["*"], redaction: none}
routes:
  - {name: predict, path: /predict, methods: [POST, PUT], upstream: openai, response_text: [/text]}
  - {name: moderate, path: /v1/moderations, upstream: openai}
  - {name: status, path: /status, methods: [GET], upstream: openai}
"""


def compiled(text: str = POLICY) -> Snapshot:
    table = Table(mmap.mmap(-1, 64 * SLOT_BYTES), bytes(16))
    return compile_snapshot(parse_policy(text, "test.yaml", {}), table=table, hash_key=bytes(32))


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return compiled()


def principal(*roles: str) -> Principal:
    return Principal("alice", "key", None, roles, None, "api_key")


def refusal(snapshot: Snapshot, *arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        snapshot.permit(*arguments)
    return caught.value


def test_contract_compiles() -> None:
    verify(load_policy(CONTRACT, {}))


def test_endpoints_are_found_by_exact_path(snapshot: Snapshot) -> None:
    chat = snapshot.endpoints["/v1/chat/completions"]
    assert (chat.name, chat.dialect, chat.upstream_path, chat.is_hot) == ("chat", "openai", b"/chat/completions", True)
    assert snapshot.endpoints["/v1/messages"].dialect == "anthropic"
    assert snapshot.endpoints["/v1/messages"].upstream_path == b"/messages"
    assert snapshot.endpoints["/v1/models"].methods == {"GET", "HEAD"}
    assert not snapshot.endpoints["/v1/models"].is_hot
    assert "/v1/chat/completions/" not in snapshot.endpoints


def test_routes_are_endpoints_with_an_upstream_of_their_own(snapshot: Snapshot) -> None:
    predict = snapshot.endpoints["/predict"]
    assert (predict.dialect, predict.upstream_path, predict.is_hot) == ("generic", b"/predict", True)
    assert predict.methods == {"POST", "PUT"}
    assert predict.response_text == ("/text",)
    assert predict.route is not None
    assert snapshot.endpoints["/v1/moderations"].upstream_path == b"/moderations"
    assert not snapshot.endpoints["/status"].is_hot
    permit = snapshot.permit(principal("operator"), "predict", None)
    assert permit.target.upstream.name == "openai"
    assert permit.target.price is None


def test_one_role_must_allow_both_endpoint_and_model(snapshot: Snapshot) -> None:
    both = principal("analyst", "writer")
    assert snapshot.permit(both, "chat", "gpt-4o-mini").role.name == "analyst"
    assert snapshot.permit(both, "messages", "claude-x").role.name == "writer"
    assert snapshot.permit(both, "messages", "claude-x").target.upstream.name == "anthropic"
    refused = refusal(snapshot, both, "chat", "claude-x")
    assert (refused.kind, refused.param) == (FORBIDDEN, "model")


def test_the_first_role_that_allows_decides(snapshot: Snapshot) -> None:
    permit = snapshot.permit(principal("analyst", "senior"), "chat", "gpt-4o-mini")
    assert permit.role.name == "analyst"
    assert permit.role.parameters is None
    assert permit.role.profile.active
    permit = snapshot.permit(principal("senior", "analyst"), "chat", "gpt-4o-mini")
    assert permit.role.name == "senior"
    assert permit.role.parameters is not None
    assert not permit.role.profile.active
    assert snapshot.permit(principal("analyst", "senior"), "chat", "gpt-4o").role.name == "senior"


def test_nothing_is_allowed_that_no_role_allows(snapshot: Snapshot) -> None:
    assert refusal(snapshot, principal(), "chat", "gpt-4o").kind is FORBIDDEN
    assert refusal(snapshot, principal("gone"), "chat", "gpt-4o").kind is FORBIDDEN
    assert refusal(snapshot, principal("analyst"), "embeddings", "gpt-4o-mini").kind is FORBIDDEN
    assert refusal(snapshot, principal("analyst"), "predict", None).kind is FORBIDDEN
    with pytest.raises(Refusal) as caught:
        snapshot.check_endpoint(principal("analyst"), "embeddings")
    assert caught.value.kind is FORBIDDEN
    snapshot.check_endpoint(principal("analyst"), "chat")


def test_an_unknown_model_is_known_to_be_only_by_who_may_ask(snapshot: Snapshot) -> None:
    refused = refusal(snapshot, principal("operator"), "chat", "no-such-model")
    assert (refused.kind, refused.param) == (MODEL_NOT_FOUND, "model")
    assert refusal(snapshot, principal("analyst"), "chat", "no-such-model").kind is FORBIDDEN
    assert refusal(snapshot, principal("operator"), "chat", "x" * 10_000).kind is FORBIDDEN
    assert len(refused.message) < 200


def test_a_permit_is_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 8)
    snapshot = compiled()
    caller = principal("operator")
    assert snapshot.permit(caller, "chat", "gpt-4o") is snapshot.permit(caller, "chat", "gpt-4o")
    for number in range(50):
        assert snapshot.permit(caller, "messages", f"claude-{number}").target.name == "claude-*"
        snapshot.check_endpoint(principal("operator", str(number)), "chat")
    assert len(snapshot._permits) <= 8
    assert len(snapshot._callable) <= 8


def test_models_are_listed_by_what_the_roles_allow(snapshot: Snapshot) -> None:
    assert snapshot.models_of(principal("analyst")) == ["gpt-4o-mini"]
    assert snapshot.models_of(principal("operator")) == ["gpt-4o", "gpt-4o-mini"]
    assert snapshot.models_of(principal("gone")) == []
    target = snapshot.model_target("gpt-4o")
    assert target is not None
    assert target.price is not None
    assert (target.price.input, target.price.output) == (2.5, 10.0)


def test_anonymous_is_a_principal_only_where_declared(snapshot: Snapshot) -> None:
    assert snapshot.anonymous is None
    assert snapshot.api_keys
    opened = compiled(POLICY + "identity: {api_keys: false, anonymous: analyst}\n")
    assert not opened.api_keys
    assert opened.anonymous is not None
    assert opened.anonymous.source == "anonymous"
    assert opened.permit(opened.anonymous, "chat", "gpt-4o-mini").role.name == "analyst"


def test_controls_get_what_the_policy_says() -> None:
    made = compiled(
        POLICY
        + """\
limits:
  - {name: few, by: user, requests: 1/hour}
  - {name: tokens, by: user, tokens: 1/hour}
network: {trusted_proxies: [10.0.0.1], allow: [10.0.0.0/8], deny: [10.0.0.2]}
validation: {max_body: 2KiB, max_depth: 7, max_messages: 9}
"""
    )
    assert [limit.name for limit in made.limiter.limits] == ["few", "tokens"]
    assert made.network.permits(bytes((10, 0, 0, 3)))
    assert not made.network.permits(bytes((10, 0, 0, 2)))
    assert not made.network.permits(bytes((11, 0, 0, 3)))
    assert made.network.trusts(bytes((10, 0, 0, 1)))
    assert (made.max_body, made.bounds.max_depth, made.bounds.max_messages) == (2048, 7, 9)


@pytest.mark.parametrize(
    ("text", "line", "path", "reason"),
    [
        ("rules:\n  - {id: a, pattern: fine}\n  - {id: b, pattern: '('}\n", 19, "rules[1]", ""),
        ("rules:\n  - {id: b, pattern: 'x\\d', examples: [y]}\n", 18, "rules[0]", ""),
        ("rules:\n  - {id: b, pattern: 'x', counterexamples: [x]}\n", 18, "rules[0]", ""),
        ("rules:\n  - {id: email, pattern: 'x'}\n", 18, "rules[0]", "email"),
        ("redaction:\n  default: {piii: mask}\n", 18, "redaction.default.piii", "piii"),
        ("validation:\n  max_depth: 9999\n", 17, "validation", "max_depth"),
        ("limits:\n  - {name: a, by: ip, requests: 1/month, burst: 999999}\n", 18, "limits[0]", "100 years"),
    ],
)
def test_what_only_the_maker_of_a_control_can_tell(text: str, line: int, path: str, reason: str) -> None:
    policy = parse_policy(POLICY + text, "test.yaml", {})
    with pytest.raises(PolicyError) as caught:
        verify(policy)
    assert (caught.value.line, caught.value.path) == (line, path)
    assert reason in caught.value.reason
