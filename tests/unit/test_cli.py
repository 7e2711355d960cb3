"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from engine import cli, settings
from engine.identity.key_store import KeyStore
from engine.identity.shown import expiry
from engine.identity.store import KeyCache

CONTRACT = Path(__file__).parent / "policy" / "contract.yaml"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("TIDEGATE_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "state"
    monkeypatch.setenv("TIDEGATE_STATE_DIR", str(folder))
    monkeypatch.setenv("TIDEGATE_POLICY", str(CONTRACT))
    return folder


def test_contract_is_right_and_all_of_it_is_enforced(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(CONTRACT)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{CONTRACT}: the policy is right"]


def test_the_contract_is_enforced_whole_over_a_store_that_hosts_share(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_REDIS_URL", "redis://127.0.0.1:1")
    assert cli.main(["check", str(CONTRACT)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{CONTRACT}: the policy is right"]


def test_a_limit_that_hosts_cannot_share_keeps_the_gateway_from_starting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "upstreams: {a: {base_url: http://h}}\n"
        "limits:\n"
        "  - {name: rate, by: user, requests: 5/minute}\n"
        "  - {name: tokens, by: user, tokens: 1000/month, burst: 3000}\n"
    )
    monkeypatch.setenv("TIDEGATE_POLICY", str(file))
    monkeypatch.setenv("TIDEGATE_REDIS_URL", "redis://127.0.0.1:1")
    assert cli.main(["check", str(file)]) == 2
    told = capsys.readouterr().err
    assert f"{file}:4: " in told
    assert "limit tokens: " in told
    assert "cannot be shared" in told
    assert cli.main(["serve"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upstreams:\n  a: {base_url: http://h}\nroles:\n  r: {endpoints: [chta]}\n", ":4: roles.r.endpoints[0]: "),
        ("upstreams: {a: {base_url: http://h}}\nrules:\n  - {id: a, pattern: '('}\n", ":3: rules[0]"),
        ("a: [", ":2: is not YAML"),
    ],
)
def test_bad_policy_is_code_2_with_line_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert cli.main(["check", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"tidegate: {file}{message}")


def test_missing_policy_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(tmp_path / "none.yaml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["serve"], ["config"], ["keys", "list"], ["check", str(CONTRACT)]])
def test_bad_setting_is_code_2(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEGATE_GRACE", "30")
    assert cli.main(arguments) == 2
    assert "TIDEGATE_GRACE: '30' is not a duration" in capsys.readouterr().err


def test_key_is_printed_alone_and_works_until_revoked(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "create", "--subject", "alice", "--role", "analyst", "--team", "blue"]) == 0
    captured = capsys.readouterr()
    key = captured.out.strip()
    assert captured.out == f"{key}\n"
    assert key.startswith("tg_")
    assert key not in captured.err
    key_id = key.split("_")[1]
    cache = KeyCache(state)
    principal = cache.lookup(key, 0.0)
    assert principal is not None
    assert (principal.subject, principal.team, principal.roles) == ("alice", "blue", ("analyst",))

    assert cli.main(["keys", "list"]) == 0
    out = capsys.readouterr().out
    assert [word in out for word in (key_id, "alice", "blue", "analyst", "active")] == [True] * 5
    assert key not in out

    assert cli.main(["keys", "revoke", key_id]) == 0
    assert cache.lookup(key, 0.0) is None
    cache.close()
    capsys.readouterr()
    assert cli.main(["keys", "list", "--json"]) == 0
    listed = orjson.loads(capsys.readouterr().out)
    assert [(entry["id"], entry["status"], entry["roles"]) for entry in listed] == [(key_id, "revoked", ["analyst"])]


def test_revoking_an_unknown_key_fails_and_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "revoke", "tg_abcdefgh2345_secret"]) == 1
    assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--subject", "", "--role", "analyst"], "a subject has"),
        (["--subject", "a\nb", "--role", "analyst"], "a subject has no control"),
        (["--subject", "alice", "--role", "analyst", "--expires", "soon"], "neither a duration"),
        (["--subject", "alice", "--role", "analyst", "--expires", "2001-01-01"], "not in the future"),
        (["--subject", "alice", "--role", "analyst", "--expires", "0s"], "not in the future"),
    ],
)
def test_bad_key_is_code_2_and_makes_none(
    arguments: list[str], reason: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["keys", "create", *arguments]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""
    with KeyStore(state) as store:
        assert store.list() == []


@pytest.mark.parametrize(("text", "seconds"), [("30d", 1_000_000_000.0 + 30 * 86400), ("2030-01-31", 1896048000.0)])
def test_expiry(text: str, seconds: float) -> None:
    assert expiry(text, 1_000_000_000.0) == seconds
    assert expiry("2030-01-31T01:00:00+01:00", 0.0) == 1896048000.0


def test_unknown_role_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keys", "create", "--subject", "alice", "--role", "analyst", "--role", "nobody"]) == 0
    err = capsys.readouterr().err
    assert "no role 'nobody'" in err
    assert "'analyst'" not in err


def test_damaged_store_is_code_1(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state.mkdir()
    (state / "keys.sqlite").write_bytes(b"no database " * 200)
    assert cli.main(["keys", "list"]) == 1
    assert "keys.sqlite" in capsys.readouterr().err


def test_config_shows_every_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TIDEGATE_GRACE", "90s")
    monkeypatch.setenv("TIDEGATE_QUANTUM", "1")
    assert cli.main(["config"]) == 0
    captured = capsys.readouterr()
    for setting in settings.TABLE:
        assert setting.name in captured.out
    assert captured.out.split("TIDEGATE_GRACE")[1].split()[:4] == ["90s", "30s", "duration", "environment"]
    assert "TIDEGATE_QUANTUM" in captured.err
    assert cli.main(["config", "--json"]) == 0
    rows = orjson.loads(capsys.readouterr().out)
    assert {row["name"]: row["source"] for row in rows}["TIDEGATE_GRACE"] == "environment"
    assert cli.main(["config", "--markdown"]) == 0
    assert capsys.readouterr().out == settings.markdown()


def test_version_names_the_expression_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert any(engine in capsys.readouterr().out for engine in ("libre2", "pyre2"))


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["serve", "--help"], ["keys", "--help"], ["keys", "create", "--help"], ["nonsense"], ["keys"]],
)
def test_help_and_wrong_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == (0 if "--help" in arguments else 2)
    captured = capsys.readouterr()
    assert "usage: tidegate" in captured.out + captured.err


def test_a_listening_address_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mock-llm", "--listen", "9001"]) == 2
    assert "--listen" in capsys.readouterr().err


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "config", "--markdown"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, settings.markdown())


def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "engine", "config"], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
