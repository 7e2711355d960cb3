"""A whole answer is redacted as each of its texts would be by itself, although all are searched in one go."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction.answers import redact_answer
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.ruleset import build

JSON = b"application/json"
OWN = (
    Rule("start", "own", "^ab", 2, "[START]", ("ab",)),
    # Runs over line ends, so that it could run from one text into the next.
    Rule("over", "own", r"x[\s\S]{0,9}y", 11, "[OVER]", ("x-y",)),
    Rule("behind", "own", r"q\d", 2, "[Q]", ("q1",), not_after="\n-"),
    Rule("blocked", "own", "zz", 2, "[Z]", ("zz",)),
)
ACTIONS = {"email": "mask", "card": "mask", "iban": "hash", "us_ssn": "flag", "own": "mask"}
PARTS = (
    "ab", "x", "y", "-", "\n", "\0", "q1", "é", " ", "\\", '"', "me@example.com", "4111 1111 1111 1111",
    "DE89370400440532013000", "123-45-6789", "\n\0\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("p", ACTIONS | {"blocked": "off"}, build(OWN), bytes(32))


TEXTS = st.lists(st.sampled_from(PARTS), max_size=5).map("".join)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers(0, 9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(("id", "a", "a_tokens")), inner)
    ),
    max_leaves=8,
)


def _redacted(profile: Profile, value: Any, findings: dict[str, int], key: str | None = None) -> Any:
    """The oracle: every text by itself."""
    if isinstance(value, str):
        if key == "id" and len(value) <= 64:
            return value
        result = profile.redact(value.encode())
        for rule, count in result.findings.items():
            findings[rule] = findings.get(rule, 0) + count
        return result.text.decode()
    if isinstance(value, list):
        return [_redacted(profile, item, findings, key) for item in value]
    if isinstance(value, dict):
        return {
            _redacted(profile, name, findings): _redacted(profile, item, findings, name) for name, item in value.items()
        }
    return value


@given(value=VALUES)
def test_every_text_is_redacted_as_by_itself(profile: Profile, value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    findings: dict[str, int] = {}
    expected = _redacted(profile, value, findings)
    result = redact_answer(profile, body, JSON)
    assert orjson.loads(result.body) == expected
    assert result.findings == findings
    if not findings:
        assert result.body is body


def test_a_block_counts_wherever_it_stands(profile: Profile) -> None:
    blocking = compile_profile("b", ACTIONS | {"blocked": "block"}, build(OWN), bytes(32))
    result = redact_answer(blocking, json.dumps({"a": "me@example.com", "b": ["zz"]}).encode(), JSON)
    assert (result.body, result.blocked) == (b"", "blocked")
    assert result.findings == {"email": 1, "blocked": 1}
    assert redact_answer(profile, b'{"b":"zz"}', JSON).blocked is None


def test_texts_that_are_alike_are_redacted_alike(profile: Profile) -> None:
    body = json.dumps({"a": "to me@example.com", "b": ["to me@example.com", "plain"], "me@example.com": 1}).encode()
    result = redact_answer(profile, body, JSON)
    assert orjson.loads(result.body) == {"a": "to [EMAIL]", "b": ["to [EMAIL]", "plain"], "[EMAIL]": 1}
    assert result.findings == {"email": 3}
