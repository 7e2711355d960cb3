"""What a policy names and this build does not run is told, each control once, with its line."""

from __future__ import annotations

from pathlib import Path

from engine import settings
from engine.policy.loader import load_policy, parse_policy
from engine.policy.unenforced import unenforced

CONTRACT = Path(__file__).with_name("contract.yaml")


def test_the_contract_is_enforced_whole() -> None:
    assert unenforced(load_policy(CONTRACT, {})) == []


def test_a_policy_of_built_controls_misses_nothing() -> None:
    text = """
upstreams: {a: {base_url: http://h/v1}}
identity:
  anonymous: r
  jwt: [{issuer: "https://idp.example.com", audience: [a]}]
  introspection: [{url: "https://idp.example.com/introspect", client_id: c}]
roles: {r: {endpoints: ["*"], models: ["*"], parameters: {n: deny, logprobs: strip}}}
limits: [{name: a, by: team, requests: 1/hour, models: ["m*"]}]
network: {trusted_proxies: [10.0.0.0/8], allow: [10.0.0.0/8], deny: [10.0.0.1]}
rules: [{id: a, pattern: x}]
validation: {unknown_fields: strip}
routes: [{name: p, path: /p, upstream: a, response_text: [/text], request_schema: p.json, response_schema: q.json}]
"""
    assert unenforced(parse_policy(text, "test.yaml", {})) == []


def test_client_certificates_that_no_client_is_asked_for() -> None:
    text = """
upstreams: {a: {base_url: http://h/v1}}
roles: {r: {}}
identity: {client_certificates: [{dns: a.example.com, roles: [r]}]}
"""
    policy = parse_policy(text, "test.yaml", {})
    (found,) = unenforced(policy, settings.load({}))
    assert found.control == "identity.client_certificates"
    tls = {"TIDEGATE_TLS_CERT": "c", "TIDEGATE_TLS_KEY": "k", "TIDEGATE_TLS_CLIENT_CA": "ca"}
    assert unenforced(policy, settings.load(tls)) == []
