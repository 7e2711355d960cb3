"""`tidegate explain`: the decision, and the line of the policy that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import cli
from engine.identity.key_store import KeyStore

POLICY = """\
upstreams: {a: {base_url: "http://127.0.0.1:1/v1"}}
models:
  gpt-4o: {upstream: a}
  "*": {upstream: a}
roles:
  user:
    endpoints: [chat, models]
    models: [gpt-4o-mini, "gpt-4o*"]
    parameters: {n: {max: 1}}
  home:
    endpoints: ["*"]
    models: ["*"]
    network: {allow: [192.0.2.0/24]}
limits:
  - {name: all, by: user, requests: 10/minute}
  - {name: other, by: user, requests: 10/minute, models: ["claude*"]}
network: {deny: [203.0.113.0/24]}
redaction: {default: {}}
"""


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "p.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_POLICY", "p.yaml")
    monkeypatch.setenv("TIDEGATE_STATE_DIR", str(tmp_path / "state"))
    with KeyStore(tmp_path / "state") as store:
        return store.create("alice", ["user"]).key


def explain(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["explain", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_allowed(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = explain(capsys, "--key", key.split("_")[1], "--model", "gpt-4o", "--address", "192.0.2.1")
    assert code == 0
    for line in (
        "caller    alice, roles user",
        "address   allowed",
        "allowed   by the role user",
        "endpoint  p.yaml:7 roles.user.endpoints[0]",
        "model     p.yaml:8 roles.user.models[1]",
        "parameter p.yaml:9 roles.user.parameters.n",
        "upstream  a: p.yaml:3 models.gpt-4o",
        "limit     all: p.yaml:15 limits[0]",
    ):
        assert line in out
    assert "other" not in out
    # The whole key will do, and is not repeated.
    code, out, _ = explain(capsys, "--key", key, "--model", "gpt-4o")
    assert code == 0
    assert key not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "claude-3"], "not this model: p.yaml:8 roles.user.models"),
        (["--model", "gpt-4o", "--endpoint", "embeddings"], "not this endpoint: p.yaml:7 roles.user.endpoints"),
        (["--model", "gpt-4o", "--address", "203.0.113.9"], "refused   403 address_denied"),
        (["--model", "gpt-4o", "--role", "home", "--address", "192.0.3.1"], "refused   403 address_denied"),
        (["--model", "gpt-4o", "--role", "nobody"], "the policy has no role nobody"),
    ],
)
def test_refused(key: str, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    caller = [] if "--role" in arguments else ["--key", key]
    code, out, _ = explain(capsys, *caller, *arguments)
    assert code == 1
    assert told in out


@pytest.mark.parametrize("arguments", [["--key", "nobody234567"], [], ["--role", "user", "--address", "nowhere"]])
def test_what_cannot_be_told(key: str, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = explain(capsys, *arguments, "--model", "gpt-4o")
    assert (code, out) == (2, "")
    assert err.startswith("tidegate: ")


def test_without_a_model(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = explain(capsys, "--role", "user", "--endpoint", "models")
    assert code == 0
    assert "to list the models" in out
    assert "limit     all" in out
    code, _, err = explain(capsys, "--role", "user")
    assert (code, "--model" in err) == (2, True)
