"""Streams: whatever the dialect, the channel and the cut, the client puts together what `redact` makes of the whole."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redaction.answers import UnsearchableAnswer
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rules import RULES
from engine.redaction.ruleset import build
from engine.redaction.stream import RedactedStream, StreamBlocked, StreamTooLong

Json = dict[str, Any]
# One example of each rule in the long runs, all of them in tests/unit/redaction/test_incremental.py.
# What hides data; the output hazards have their own tests.
GROUPS = ("pii", "secrets", "private_key")
EXAMPLES = [rule.examples[0] for rule in RULES if rule.group in GROUPS]
SECRET = "mail jane.doe@example.com, card 4111 1111 1111 1111, key AKIAIOSFODNN7EXAMPLQ now"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("test", dict.fromkeys(GROUPS, "mask"), build(), bytes(32))


def _chat(piece: str) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"content": piece}}],
    }


def _reasoning(piece: str) -> Json:
    return {"choices": [{"index": 1, "delta": {"reasoning_content": piece}}]}


def _refusal(piece: str) -> Json:
    return {"choices": [{"index": 0, "delta": {"refusal": piece}}]}


def _parts(piece: str) -> Json:
    return {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": piece}]}}]}


def _transcript(piece: str) -> Json:
    return {"choices": [{"index": 0, "delta": {"audio": {"id": "a", "transcript": piece}}}]}


def _completion(piece: str) -> Json:
    return {"object": "text_completion", "choices": [{"index": 0, "text": piece}]}


def _output_text(piece: str) -> Json:
    return {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": piece}


def _summary(piece: str) -> Json:
    return {"type": "response.reasoning_summary_text.delta", "item_id": "r", "summary_index": 0, "delta": piece}


def _text(piece: str) -> Json:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


def _thinking(piece: str) -> Json:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": piece}}


def _citation(piece: str) -> Json:
    cited = {"type": "char_location", "cited_text": piece}
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": cited}}


def _generic(piece: str) -> Json:
    return {"result": [{"text": piece}]}


def _bare(piece: str) -> list[str]:
    return [piece]


SHAPES: dict[str, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    "chat": (_chat, lambda e: e["choices"][0]["delta"]["content"]),
    "reasoning": (_reasoning, lambda e: e["choices"][0]["delta"]["reasoning_content"]),
    "refusal": (_refusal, lambda e: e["choices"][0]["delta"]["refusal"]),
    "parts": (_parts, lambda e: e["choices"][0]["delta"]["content"][0]["text"]),
    "transcript": (_transcript, lambda e: e["choices"][0]["delta"]["audio"]["transcript"]),
    "completion": (_completion, lambda e: e["choices"][0]["text"]),
    "output_text": (_output_text, lambda e: e["delta"]),
    "summary": (_summary, lambda e: e["delta"]),
    "text": (_text, lambda e: e["delta"]["text"]),
    "thinking": (_thinking, lambda e: e["delta"]["thinking"]),
    "citation": (_citation, lambda e: e["delta"]["citation"]["cited_text"]),
    "generic": (_generic, lambda e: e["result"][0]["text"]),
    "bare": (_bare, lambda e: e[0]),
}


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _run(profile: Profile, stream: bytes, step: int = 0) -> bytes:
    redacted = RedactedStream(profile, 1 << 20)
    step = step or len(stream)
    out = b"".join(redacted.feed(stream[at : at + step]) for at in range(0, len(stream), step))
    return out + redacted.finish()


def _data(stream: bytes) -> Iterator[Any]:
    for line in stream.split(b"\n"):
        if line.startswith(b"data: ") and line != b"data: [DONE]":
            yield orjson.loads(line[6:])


@pytest.mark.parametrize("shape", SHAPES)
def test_every_rule_in_every_channel_a_character_at_a_time(profile: Profile, shape: str) -> None:
    write, read = SHAPES[shape]
    # Chat has every rule, the others one in eight: what differs is where the text stands.
    for number, text in enumerate(EXAMPLES):
        if shape != "chat" and number % 8:
            continue
        stream = b"".join(_event(write(character)) for character in text) + b"data: [DONE]\n\n"
        out = _run(profile, stream)
        assert "".join(map(read, _data(out))) == profile.redact(text.encode()).text.decode()
        assert out.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_cut_in_two(profile: Profile, shape: str) -> None:
    write, read = SHAPES[shape]
    whole = profile.redact(SECRET.encode()).text.decode()
    assert whole == "mail [EMAIL], card [CARD], key [AWS_ACCESS_KEY_ID] now"
    for place in range(1, len(SECRET)):
        stream = _event(write(SECRET[:place])) + _event(write(SECRET[place:]))
        assert "".join(map(read, _data(_run(profile, stream)))) == whole


@given(st.lists(st.integers(1, len(SECRET) - 1), max_size=8, unique=True), st.integers(1, 60))
def test_any_cut_in_deltas_and_reads(cuts: list[int], step: int) -> None:
    profile = compile_profile("test", dict.fromkeys(GROUPS, "mask"), build(), bytes(32))
    places = [0, *sorted(cuts), len(SECRET)]
    stream = b"".join(_event(_chat(SECRET[a:b])) for a, b in itertools.pairwise(places))
    out = _run(profile, stream, step)
    texts = [event["choices"][0]["delta"]["content"] for event in _data(out)]
    assert "".join(texts) == profile.redact(SECRET.encode()).text.decode()
    assert len(texts) == len(places) - 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_clean_stream_leaves_byte_for_byte(profile: Profile, end: bytes, step: int) -> None:
    lines = [
        b"\xef\xbb\xbf: hello",
        b"",
        b"id: 4",
        b"retry: 10",
        b"data: " + json.dumps(_chat("The tide")).encode(),
        b"",
    ]
    lines += [b"event: x", b'data: {"a":', b"data:  1}", b"", b"data", b"", b"data: [DONE]", b"", b""]
    stream = end.join(lines)
    assert _run(profile, stream, step) == stream


def test_a_stream_that_breaks_off_keeps_what_it_had(profile: Profile) -> None:
    stream = _event(_chat("half a wo"))[:-2]
    assert _run(profile, stream) == stream
    assert b"example.com" not in _run(profile, _event(_chat("jane@exam")) + _event(_chat("ple.com"))[:-2])


def test_the_other_lines_of_a_changed_event_stay(profile: Profile) -> None:
    stream = b'id: 7\r\nevent: note\r\ndata: {"text":\r\ndata: "a@example.com"}\r\nretry: 5\r\n\r\n'
    assert _run(profile, stream) == b'id: 7\r\nevent: note\r\ndata: {"text":"[EMAIL]"}\r\nretry: 5\r\n\r\n'


def test_an_event_leaves_when_its_text_is_decided(profile: Profile) -> None:
    stream = RedactedStream(profile, 1 << 20)
    first, second = _event(_chat("The tide is high")), _event(_chat(" and the moon"))
    assert stream.feed(first) == b""
    assert stream.feed(second) == first
    assert stream.feed(b"data: [DONE]\n\n") == second + b"data: [DONE]\n\n"


def test_channels_do_not_mix_and_events_keep_their_order(profile: Profile) -> None:
    events = []
    for one, two in zip("jane@example.com", "4111111111111111", strict=True):
        events.append({"choices": [{"index": 0, "delta": {"content": one}}]})
        events.append({"choices": [{"index": 1, "delta": {"content": two}}]})
    out = list(_data(_run(profile, b"".join(map(_event, events)))))
    assert [event["choices"][0]["index"] for event in out] == [0, 1] * 16
    assert "".join(e["choices"][0]["delta"]["content"] for e in out[::2]) == "[EMAIL]"
    assert "".join(e["choices"][0]["delta"]["content"] for e in out[1::2]) == "[CARD]"


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_arguments_stay_json_and_escapes_hide_nothing(profile: Profile, cut: int) -> None:
    arguments = r'{"to": "jane\u0040example.com", "n": [1, "4111 1111 1111 1111"]}'
    pieces = [arguments[at : at + cut] for at in range(0, len(arguments), cut)]
    chat = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}]}
        for piece in pieces
    ]
    out = _data(_run(profile, b"".join(map(_event, chat))))
    joined = "".join(e["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for e in out)
    assert json.loads(joined) == {"to": "[EMAIL]", "n": [1, "[CARD]"]}
    blocks = [
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}}
        for piece in pieces
    ]
    stop = {"type": "content_block_stop", "index": 1}
    redacted = RedactedStream(profile, 1 << 20)
    out = list(_data(redacted.feed(b"".join(map(_event, [*blocks, stop])))))
    assert out[-1] == stop
    assert json.loads("".join(e["delta"]["partial_json"] for e in out[:-1])) == {"to": "[EMAIL]", "n": [1, "[CARD]"]}


def test_what_repeats_the_whole_is_redacted_too(profile: Profile) -> None:
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    events = [_output_text(piece) for piece in ("mail jane@exa", "mple.com")]
    events.append({"type": "response.output_text.done", **place, "text": "mail jane@example.com"})
    part = {"type": "output_text", "text": "mail jane@example.com"}
    events.append({"type": "response.completed", "response": {"output": [{"content": [part]}]}})
    out = _run(profile, b"".join(map(_event, events)))
    assert b"example.com" not in out
    assert out.count(b"[EMAIL]") == 3


def test_text_that_a_block_begins_with_is_continued_by_its_deltas(profile: Profile) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "jane@exa"}}
    out = list(_data(_run(profile, _event(start) + _event(_text("mple.com")))))
    assert out[0]["content_block"]["text"] + out[1]["delta"]["text"] == "[EMAIL]"


def test_token_texts_repeat_the_answer_and_go_with_it(profile: Profile) -> None:
    tokens = ["mail ", "ja", "ne@", "example", ".com", " now"]
    events = [
        {"choices": [{"index": 0, "delta": {"content": token}, "logprobs": {"content": [{"token": token}]}}]}
        for token in tokens
    ]
    out = list(_data(_run(profile, b"".join(map(_event, events)))))
    kept = [event["choices"][0]["logprobs"] is not None for event in out]
    assert kept == [True, False, False, False, False, True]
    # Token texts alone, away from their content, are no way round.
    events = [{"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": token}]}}]} for token in tokens]
    assert b"example" not in _run(profile, b"".join(map(_event, events)))


def test_block_ends_the_stream_when_it_is_decided() -> None:
    profile = compile_profile("b", {"email": "block"}, build(), bytes(32))
    stream = RedactedStream(profile, 1 << 20)
    assert stream.feed(_event(_chat("Hello, ")) + _event(_chat("jane@example.co"))) == _event(_chat("Hello, "))
    with pytest.raises(StreamBlocked) as blocked:
        stream.feed(_event(_chat("m is it")))
    assert blocked.value.rule == "email"
    assert stream.findings == {"email": 1}


@pytest.mark.parametrize("step", [1, 40, 10_000])
def test_what_leaves_before_a_block_does_not_depend_on_the_reads(step: int) -> None:
    stream = RedactedStream(compile_profile("b", {"email": "block"}, build(), bytes(32)), 1 << 20)
    data = b"".join(map(_event, map(_chat, ("Hello, ", "it is. ", "jane@exam", "ple.com is it"))))
    out = b""
    with pytest.raises(StreamBlocked) as blocked:  # noqa: PT012 - which read decides is what differs
        for at in range(0, len(data), step):
            out += stream.feed(data[at : at + step])
    assert out + blocked.value.ahead == _event(_chat("Hello, ")) + _event(_chat("it is. "))


@pytest.mark.parametrize(
    "stream",
    [
        b"data: no json\n\n",
        b": write to jane@example.com\n\n",
        b'id: jane@example.com\ndata: {"a": 1}\n\n',
        b'data: {"a": 1, "a": "jane@example.com"}\n\n',
        _event({"type": "content_block_stop", "index": 0}) + _event(_text("more")),
    ],
)
def test_what_cannot_be_searched_is_refused(profile: Profile, stream: bytes) -> None:
    ahead = _event(_text("x. ")) if b"content_block_stop" in stream else b""
    with pytest.raises(UnsearchableAnswer):
        _run(profile, ahead + stream)


def test_what_is_held_is_bounded(profile: Profile) -> None:
    with pytest.raises(StreamTooLong):
        RedactedStream(profile, 10).feed(b"data: 12345678\n\n")
    stream = RedactedStream(profile, 4000)
    call = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1" * 90}}]}}]}
    with pytest.raises(StreamTooLong):
        stream.feed(_event(call) * 100)
    # Prose leaves as it comes, so its length has no bound.
    stream = RedactedStream(profile, 4000)
    for _ in range(1000):
        stream.feed(_event(_chat("The tide is high. ")))
