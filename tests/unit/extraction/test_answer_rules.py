"""What a role's answers do not say: in whole answers and in streams, however these are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.extraction.answer_stream import AnswerStream
from engine.extraction.answers import AnswerRules, UnreadableAnswer

REQUEST = "req_0123456789ab000001"
TOKENS = {"content": [{"token": "a", "logprob": -0.123456, "bytes": [97], "top_logprobs": []}]}
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-AbC",
    "model": "gpt-4o-mini-2024-07-18",
    "system_fingerprint": "fp_1",
    "choices": [{"message": {"content": "the model id is fp_1"}, "logprobs": TOKENS}],
}


def applied(rules: AnswerRules, answer: Any, endpoint: str = "chat", model: str | None = "gpt-4o-mini") -> Any:
    return json.loads(rules.apply(json.dumps(answer).encode(), endpoint, REQUEST, model))


def test_each_rule_takes_out_its_own_and_nothing_else() -> None:
    rest = {name: value for name, value in ANSWER.items() if name != "system_fingerprint"}
    assert applied(AnswerRules(drop_fingerprint=True), ANSWER) == rest
    assert applied(AnswerRules(model_as_asked=True), ANSWER) == ANSWER | {"model": "gpt-4o-mini"}
    assert applied(AnswerRules(replace_ids=True), ANSWER) == ANSWER | {"id": "chatcmpl-0123456789ab000001"}
    choice = ANSWER["choices"][0]
    assert applied(AnswerRules("strip"), ANSWER) == ANSWER | {"choices": [choice | {"logprobs": None}]}
    rounded = {"content": [TOKENS["content"][0] | {"logprob": -0.1}]}
    assert applied(AnswerRules("round"), ANSWER) == ANSWER | {"choices": [choice | {"logprobs": rounded}]}


@pytest.mark.parametrize(
    ("endpoint", "answer", "changed"),
    [
        ("messages", {"type": "message", "id": "msg_1", "model": "m1"}, {"id": f"msg_{REQUEST[4:]}", "model": "m"}),
        ("responses", {"id": "resp_1", "model": "m1"}, {"id": "resp_1", "model": "m"}),
        ("messages", {"type": "error", "request_id": "req_up"}, {"request_id": REQUEST}),
        ("embeddings", {"object": "list", "model": "m1"}, {"model": "m"}),
        ("chat", {"id": 5, "model": None}, {}),
        ("chat", [1], [1]),
    ],
)
def test_ids_and_models_of_all_dialects(endpoint: str, answer: Any, changed: Any) -> None:
    rules = AnswerRules(model_as_asked=True, replace_ids=True)
    assert applied(rules, answer, endpoint, "m") == (answer | changed if isinstance(answer, dict) else changed)


def test_an_event_that_holds_an_answer_is_changed_inside() -> None:
    rules = AnswerRules(model_as_asked=True, replace_ids=True, drop_fingerprint=True)
    start = {"type": "message_start", "message": {"id": "msg_1", "model": "m1", "usage": {}}}
    inside = {"id": f"msg_{REQUEST[4:]}", "model": "m", "usage": {}}
    assert applied(rules, start, "messages", "m") == {"type": "message_start", "message": inside}
    done = {"type": "response.completed", "response": {"id": "resp_1", "model": "m1", "system_fingerprint": "x"}}
    expected = {"type": "response.completed", "response": {"id": "resp_1", "model": "m"}}
    assert applied(rules, done, "responses", "m") == expected


def test_completions_and_responses_are_rounded() -> None:
    legacy = {"choices": [{"logprobs": {"token_logprobs": [None, -1.26], "top_logprobs": [{"a": -1.26}]}}]}
    assert applied(AnswerRules("round"), legacy) == {
        "choices": [{"logprobs": {"token_logprobs": [None, -1.3], "top_logprobs": [{"a": -1.3}]}}]
    }
    part = {"output": [{"content": [{"type": "output_text", "logprobs": [{"logprob": -2.55, "bytes": [1]}]}]}]}
    found = applied(AnswerRules("round"), part)["output"][0]["content"][0]["logprobs"][0]
    assert found == {"logprob": round(-2.55, 1), "bytes": [1]}


def test_what_has_nothing_to_take_out_keeps_its_bytes() -> None:
    rules = AnswerRules("strip", drop_fingerprint=True)
    for body in (b'{ "choices": [] }', b'{"logprobs":null}', b'{"a": "\\u0061"}', b"plain", b""):
        assert rules.apply(body, "chat", REQUEST, "m") is body


def test_a_name_with_escapes_is_the_same_name() -> None:
    body = b'{"choices":[{"log\\u0070robs":{"content":[{"logprob":-1.5}]}}]}'
    assert json.loads(AnswerRules("strip").apply(body, "chat", REQUEST, "m")) == {"choices": [{"logprobs": None}]}


def test_what_cannot_be_read_and_may_have_them_is_withheld() -> None:
    with pytest.raises(UnreadableAnswer):
        AnswerRules("strip").apply(b'{"choices":[{"logprobs":{"x":NaN}}]}', "chat", REQUEST, "m")


def test_what_is_no_json_and_says_so_is_of_another_kind() -> None:
    rules = AnswerRules(replace_ids=True)
    subtitles = b'1\n00:00:01 --> 00:00:02\nthe "id" of a model\n'
    assert rules.apply(subtitles, "audio", REQUEST, "m", is_json=False) is subtitles
    with pytest.raises(UnreadableAnswer):
        rules.apply(subtitles, "audio", REQUEST, "m")
    hidden = b'{"id": "chatcmpl-a"}'
    assert rules.apply(hidden, "chat", REQUEST, "m", is_json=False) != hidden


CHUNK = {
    "id": "chatcmpl-AbC",
    "system_fingerprint": "fp_1",
    "choices": [{"delta": {"content": "é"}, "logprobs": TOKENS}],
}
STREAM = (
    b": comment\r\n\r\ndata: "
    + json.dumps(CHUNK, ensure_ascii=False).encode()
    + b'\r\n\r\nid: 7\nevent: x\ndata: {"choices": [],\ndata:  "system_fingerprint": "fp_1"}\n\n'
    + b'data: {"choices": [{"delta": {}}]}\n\ndata: [DONE]\n\ndata: {"system_fingerprint": "late"}'
)


def test_a_stream_is_stripped_however_it_is_cut() -> None:
    def through(size: int) -> bytes:
        stream = AnswerStream(AnswerRules("strip", drop_fingerprint=True), None, 1 << 16, "chat", REQUEST, "m")
        parts = [stream.feed(STREAM[at : at + size]) for at in range(0, len(STREAM), size)]
        return b"".join(parts) + stream.finish()

    whole = through(len(STREAM))
    assert b"fp_1" not in whole
    assert b"late" not in whole
    assert b"-0.12" not in whole
    assert whole.startswith(b": comment\r\n\r\ndata: {")
    assert b'\r\n\r\nid: 7\nevent: x\ndata: {"choices":[]}\n\n' in whole
    assert b'data: {"choices": [{"delta": {}}]}\n\ndata: [DONE]\n\n' in whole
    assert {through(size) for size in (1, 2, 7, 50)} == {whole}
