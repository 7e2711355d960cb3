"""What a policy may say of tokens, and what is refused at the start."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.identity.tokens import TokenConfig
from engine.policy.loader import PolicyError, parse_policy
from engine.policy.snapshot import verify
from engine.policy.tokens import compile_tokens
from tests.unit.identity import forge

ISSUER = 'issuer: "https://idp.example.com"'


def compiled(identity: str) -> TokenConfig:
    text = f"upstreams: {{a: {{base_url: http://h/v1}}}}\nroles: {{user: {{}}}}\nidentity:\n{identity}\n"
    return compile_tokens(parse_policy(text, "p.yaml", {}))


def test_an_issuer_with_its_defaults() -> None:
    (issuer,) = compiled(f"  jwt: [{{{ISSUER}}}]").issuers
    assert issuer.source.jwks is None
    assert issuer.source.algorithms == {"RS256"}
    assert (issuer.source.refresh_s, issuer.source.keep_s, issuer.rules.clock_skew_s) == (300, 3600, 5)
    assert issuer.rules.known_roles == {"user"}


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (f"  jwt: [{{{ISSUER}, algorithms: [none]}}]", "is not one of"),
        (f"  jwt: [{{{ISSUER}, algorithms: [RS256, rs256]}}]", "is not one of"),
        (f"  jwt: [{{{ISSUER}, algorithms: []}}]", "algorithms"),
        (f"  jwt: [{{{ISSUER}, algorithms: [RS256, HS256], jwks: keys.json}}]", "cannot stand beside"),
        (f"  jwt: [{{{ISSUER}, algorithms: [HS256]}}]", "in a file"),
        (f"  jwt: [{{{ISSUER}, algorithms: [HS256], jwks: 'https://idp.example.com/k'}}]", "in a file"),
        (f"  jwt: [{{{ISSUER}, jwks: 'http://idp.example.com/keys'}}]", "https://"),
        (f"  jwt: [{{{ISSUER}, jwks: 'file:///etc/keys'}}]", "URL"),
        ("  jwt: [{issuer: not-a-url}]", "URL"),
        (f"  jwt: [{{{ISSUER}}}, {{{ISSUER}}}]", "is already identity.jwt[0]"),
        (f"  jwt: [{{{ISSUER}, role_map: {{a: nobody}}}}]", "no role 'nobody'"),
        (f"  jwt: [{{{ISSUER}, default_roles: [nobody]}}]", "no role 'nobody'"),
        (f"  jwt: [{{{ISSUER}, keep: soon}}]", "duration"),
        (f"  jwt: [{{{ISSUER}, jwks: nowhere.json}}]", "cannot be read"),
        ("  introspection: [{url: 'http://idp.example.com/i', client_id: a}]", "https://"),
        ("  introspection: [{url: 'https://idp.example.com/i', client_id: a, cache: long}]", "duration"),
        ("  resource: gateway.example.com", "URL"),
    ],
)
def test_what_is_refused(identity: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyError) as error:
        compiled(identity)
    assert reason in str(error.value)
    assert error.value.line == 4


def test_keys_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    identity = f"  jwt: [{{{ISSUER}, jwks: keys.json, algorithms: [RS256]}}]"
    for text in ("{", '{"keys": []}', json.dumps({"keys": [forge.ec_jwk("256")]})):
        Path("keys.json").write_text(text)
        with pytest.raises(PolicyError, match="key set"):
            compiled(identity)
    Path("keys.json").write_text(json.dumps({"keys": ["broken", forge.rsa_jwk(forge.RSA)]}))
    assert compiled(identity).issuers[0].source.file == Path("keys.json")


def test_the_contract_compiles() -> None:
    contract = Path(__file__).with_name("contract.yaml")
    policy = parse_policy(contract.read_text(), "contract.yaml", {"INTROSPECTION_SECRET": "s3cret"})
    tokens = compile_tokens(policy)
    assert [issuer.source.issuer for issuer in tokens.issuers] == ["https://idp.example.com/"]
    assert tokens.introspection[0].client_id == "tidegate"
    assert "s3cret" not in repr(tokens)
    verify(policy)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{roles: [user]}", "it has none"),
        ("{dns: a, uri: b, roles: [user]}", "it has dns and uri"),
        ("{dns: A.example.com, roles: [user]}", "lower case"),
        ("{dns: a}", "at least one role"),
        ("{dns: a, roles: [nobody]}", "no role 'nobody'"),
        ('{dns: a, roles: [user], subject: " a"}', "no space at its ends"),
        ("{cn: a, roles: [user]}", "cn"),
    ],
)
def test_client_certificates_that_are_refused(entry: str, reason: str) -> None:
    text = "upstreams: {a: {base_url: http://h/v1}}\nroles: {user: {}}\n"
    with pytest.raises(PolicyError, match=re.escape(reason)):
        parse_policy(f"{text}identity:\n  client_certificates:\n    - {entry}\n", "p.yaml", {})
