"""Events that are like the one before: read by their template, and redacted as if each were read whole."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from engine.redaction import stream as module
from engine.redaction.answers import UnsearchableAnswer
from engine.redaction.channels import pieces
from engine.redaction.likeness import likeness
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.ruleset import build
from engine.redaction.stream import RedactedStream

Json = dict[str, Any]
TEXT = (
    'She said "mail jane.doe@example.com\\n" — or call +1 415 555 0132; the card is 4111 1111 1111 1111, é😀 and more. '
    "In 2024 nothing else of 40,000 rows was so: key AKIAIOSFODNN7EXAMPLQ, and that was all. "
)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("test", dict.fromkeys(("pii", "secrets"), "mask"), build(), bytes(32))


def _chat(piece: str, number: int) -> Json:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": piece}, "logprobs": None}], "usage": None}


def _padded(piece: str, number: int) -> Json:
    return {**_chat(piece, number), "obfuscation": "aB3"[: number % 4] * (number % 3)}


def _two(piece: str, number: int) -> Json:
    return {"choices": [{"index": int(number % 7 > 4), "delta": {"content": piece}}]}


def _response(piece: str, number: int) -> Json:
    return {
        "type": "response.output_text.delta",
        "item_id": "i",
        "output_index": 0,
        "delta": piece,
        "sequence_number": number + 8,
        "obfuscation": "xY0" * (number % 3),
    }


def _block(piece: str, number: int) -> Json:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


def _arguments(piece: str, number: int) -> Json:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}]}


def _event(value: Json, ascii_only: bool = False) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=ascii_only).encode() + b"\n\n"


def _redacted(profile: Profile, events: list[bytes]) -> tuple[list[bytes], dict[str, int]]:
    stream = RedactedStream(profile, 1 << 20)
    return [*map(stream.feed, events), stream.finish()], stream.findings


@pytest.mark.parametrize("shape", [_chat, _padded, _two, _response, _block, _arguments])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_what_leaves_is_what_leaves_without_templates(
    profile: Profile, shape: Callable[[str, int], Json], ascii_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)  # noqa: S311 - to be repeated
    text = TEXT * 2
    cuts = sorted(rng.sample(range(1, len(text)), 60))
    parts = [text[left:right] for left, right in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    events = [_event(shape(part, number), ascii_only) for number, part in enumerate([*parts, "", " end"])]
    templates = 0

    def counted(*arguments: Any) -> Any:
        nonlocal templates
        template = likeness(*arguments)
        templates += template is not None
        return template

    monkeypatch.setattr(module, "likeness", counted)
    like = _redacted(profile, events)
    assert templates
    monkeypatch.setattr(module, "likeness", lambda *_: None)
    assert like == _redacted(profile, events)
    assert like[1]


def test_other_text_beside_the_piece_is_never_passed_over(profile: Profile) -> None:
    events = [_event({**_chat("word ", 0), "obfuscation": "abc"})] * 4
    for hidden in (
        {**_chat("word ", 0), "obfuscation": "AKIAIOSFODNN7EXAMPLQ"},
        {**_chat("word ", 0), "obfuscation": "a jane.doe@example.com"},
        {**_chat("word ", 0), "note": "jane.doe@example.com"},
        {**_chat("word ", 0), "obfuscation": "abc", "more": "jane.doe@example.com"},
    ):
        out, findings = _redacted(profile, [*events, _event(hidden), *events])
        assert sum(findings.values()) == 1
        assert b"jane.doe" not in b"".join(out)
        assert b"AKIA" not in b"".join(out)


def test_a_text_that_goes_on_after_its_end_is_refused(profile: Profile) -> None:
    stream = RedactedStream(profile, 1 << 20)
    for number in range(4):
        stream.feed(_event(_block("word ", number)))
    stream.feed(_event({"type": "content_block_stop", "index": 0}))
    with pytest.raises(UnsearchableAnswer):
        stream.feed(_event(_block("word ", 5)))


@pytest.mark.parametrize(
    "event",
    [
        # The text stands twice.
        {"choices": [{"index": 0, "delta": {"content": "c"}}], "id": "c"},
        # What looks like the number is another one.
        {"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"sequence_number": 5}},
        {"choices": [{"index": 0, "delta": {"content": "x"}}], "usage": {"obfuscation": "a"}},
    ],
)
def test_a_place_that_is_not_certain_makes_no_template(event: Json) -> None:
    (piece,) = pieces(event)
    assert likeness(_event(event), piece) is None


def test_a_number_within_a_text_is_text() -> None:
    event = {"choices": [{"index": 0, "delta": {"content": "x"}}], "more": '{"sequence_number": 5}'}
    (piece,) = pieces(event)
    template = likeness(_event(event), piece)
    assert template is not None
    assert template.text(_event(event)) == b"x"
    assert template.text(_event({**event, "more": '{"sequence_number": 6}'})) is None
