"""`tidegate scan` and `tidegate rules`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.redaction.rules import RULES

CONTRACT = Path(__file__).parent / "policy" / "contract.yaml"


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TIDEGATE_POLICY", str(CONTRACT))


def _lines(capsys: pytest.CaptureFixture[str], file: Path, text: str, code: int = 0) -> list[dict[str, Any]]:
    file.write_text(text)
    assert cli.main(["scan", "--jsonl", str(file)]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_for_each_line_with_code_points(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    texts = ["é𝄞 mail jane@example.com, 4111 1111 1111 1111", "clean é", ""]
    lines = "\n\n".join(json.dumps({"id": [index], "text": text}) for index, text in enumerate(texts))
    found = _lines(capsys, tmp_path / "in.jsonl", lines)
    assert found[0] == {
        "id": [0],
        "findings": [
            {"rule": "email", "group": "pii", "start": 8, "end": 24},
            {"rule": "card", "group": "pii", "start": 26, "end": 45},
        ],
        "redacted": "é𝄞 mail [EMAIL], [CARD]",
    }
    assert texts[0][8:24] == "jane@example.com"
    assert found[1:] == [{"id": [n], "findings": [], "redacted": texts[n]} for n in (1, 2)]


def test_bad_lines_are_named_and_the_others_answered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": 1}\n{"text": "a"}\n[]\n{"text": "\\ud800"}\n')
    assert cli.main(["scan", "--jsonl", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ['{"id":null,"findings":[],"redacted":"a"}']
    assert [line.split(":")[1] for line in captured.err.splitlines()] == [" line 1", " line 3", " line 4"]


def test_flag_leaves_the_text_and_block_hides(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("upstreams: {a: {base_url: 'http://h'}}\nredaction: {default: {email: flag, card: block}}\n")
    monkeypatch.setenv("TIDEGATE_POLICY", str(policy))
    text = "jane@example.com 4111111111111111"
    (found,) = _lines(capsys, tmp_path / "in.jsonl", json.dumps({"id": 1, "text": text}))
    assert [finding["rule"] for finding in found["findings"]] == ["email", "card"]
    assert found["redacted"] == "jane@example.com [CARD]"


def test_report_for_a_person_names_places_and_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb jane@example.com\n")))
    assert cli.main(["scan"]) == 0
    assert capsys.readouterr().out == "-:2:3: email (pii): mask, 16 characters\n"


def test_redacted_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("b jane@example.com\n")
    assert cli.main(["scan", "--redact", str(file)]) == 0
    assert capsys.readouterr().out == "b [EMAIL]\n"


@pytest.mark.parametrize(("data", "message"), [(b"\xff", "not UTF-8 at byte 0"), (None, "No such file")])
def test_what_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes | None, message: str
) -> None:
    file = tmp_path / "text"
    if data is not None:
        file.write_bytes(data)
    assert cli.main(["scan", str(file)]) == 1
    assert message in capsys.readouterr().err


def test_a_policy_that_is_named_and_missing_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_POLICY", str(tmp_path / "none.yaml"))
    assert cli.main(["scan", str(CONTRACT)]) == 2
    assert capsys.readouterr().out == ""


def test_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)
    assert cli.main(["rules", "show", "iban"]) == 0
    assert json.loads(capsys.readouterr().out)["check"] == "iban"
    assert cli.main(["rules", "test", "iban"]) == 0
    assert "[IBAN]" in capsys.readouterr().out
    assert cli.main(["rules", "test", "iban", "nothing"]) == 1
    assert cli.main(["rules", "show", "none"]) == 1
    assert cli.main(["rules", "list", "--group", "none"]) == 1
