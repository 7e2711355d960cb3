"""What the benchmarks of redaction measure is what they say they measure. No figure is asserted here."""

from __future__ import annotations

import json

import pytest

from benchmarks.quality.main import default_profile
from benchmarks.redaction.load import measure
from benchmarks.redaction.texts import WORST, english, prose, worst
from benchmarks.stream.main import redacted
from benchmarks.stream.rivals import hold_back, leaks, whole
from benchmarks.stream.texts import answers, tokens
from engine.redaction.profile import Profile


@pytest.fixture(scope="module")
def profile() -> Profile:
    return default_profile()


def test_dirt_is_what_it_says(profile: Profile) -> None:
    for seed in range(20):
        assert profile.redact(english(4000, 0.0, seed)).findings == {}
        assert not any(character.isdigit() for character in english(4000, 0.0, seed).decode())
    assert profile.redact(prose(4000, 0)).findings == {}
    for findings_per_kb in (1.0, 4.0):
        for text in (english, prose):
            found = sum(profile.redact(text(4000, findings_per_kb)).findings.values())
            assert findings_per_kb * 4 - 2 <= found <= findings_per_kb * 4 + 1
    assert prose(4000, 1.0) == prose(4000, 1.0)


@pytest.mark.parametrize("name", WORST)
def test_a_worst_case_is_as_long_as_asked(name: str) -> None:
    assert len(worst(name, 1000)) == 1000


def test_the_load_is_measured_in_a_process_of_its_own() -> None:
    load = measure()
    assert load["rules"] > 160
    assert load["search"] > 0
    assert load["memory"] > 0


@pytest.mark.parametrize("name", answers(100))
def test_pieces_are_the_text(name: str) -> None:
    text = answers(2000)[name]
    assert "".join(tokens(text)) == text


def test_the_gateway_holds_less_than_the_whole_and_leaks_nothing(profile: Profile) -> None:
    pieces = list(tokens(answers(1500)["prose with findings"]))
    assert max(hold_back(profile, pieces).characters) < max(whole(pieces).characters)
    left, values = leaks(profile, pieces)
    assert left > 0, "a value that is cut in pieces leaves a redactor of single pieces"
    assert values > 0
    events = [
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]}).encode() + b"\n\n"
        for piece in pieces
    ]
    out = redacted(profile, events)
    text = "".join(
        json.loads(line[6:])["choices"][0]["delta"]["content"] for line in out.decode().split("\n\n") if line
    )
    assert text.encode() == profile.redact("".join(pieces).encode()).text
