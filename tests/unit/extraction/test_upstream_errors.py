"""What an upstream's error gives away is taken out of its texts; what helps its reader stays."""

from __future__ import annotations

import json
from functools import partial

import pytest

from engine.extraction.answer_stream import AnswerStream
from engine.extraction.answers import AnswerRules
from engine.extraction.upstream_errors import MAX_ERROR, REPLACED, replace_event, scrub, scrub_error, scrub_event

HOST = "api.upstream.example"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Incorrect API key provided: sk-proj-ab12****wxyz.", "Incorrect API key provided: [key]."),
        ("header Bearer abc.def-123 is wrong", "header [key] is wrong"),
        ("Rate limit reached in org-AbCdEfGh12345 on tokens", "Rate limit reached in [id] on tokens"),
        ("connect to 10.0.3.17:8000 failed", "connect to [host] failed"),
        ("[fd00::1]:443 refused", "[host] refused"),
        ("http://vllm-0:8000/v1/chat/completions said no", "[url] said no"),
        ("see https://wiki.corp.internal/gpu?x=1.", "see [url]"),
        ("gpu-7.cluster.local:9001 is down", "[host] is down"),
        ("localhost:11434 is down", "[host] is down"),
        (f"https://{HOST}/v1 is down", "https://[host]/v1 is down"),
        ("in /usr/lib/python3.11/site-packages/vllm/engine.py, line 7", "in [path], line 7"),
        ("<center>nginx/1.25.3</center>", "<center>[software]</center>"),
        ('Traceback (most recent call last):\n  File "a.py"\nKeyError', "The upstream failed."),
        ("It failed. Traceback (most recent call last): x", "It failed."),
    ],
)  # fmt: skip
def test_what_names_the_upstream_goes(text: str, scrubbed: str) -> None:
    assert scrub(text, HOST) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "You can find your API key at https://platform.openai.com/account/api-keys.",
        "This model's maximum context length is 8192 tokens. However, you requested 9001.",
        "The model `meta-llama/Llama-3.1-8B-Instruct` does not exist",
        "messages.0.content: Input should be a valid string; and/or 1.5 of 2.0",
        "Retry at 12:30, ratio 3:2, local time, a private matter.",
        "Unsupported value: 'temperature' /v1/chat/completions",
        "",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert scrub(text, HOST) == text
    body = json.dumps({"error": {"message": text, "code": 7}}).encode()
    assert scrub_error(body, HOST) is body


def test_only_texts_change_and_text_is_scrubbed_too() -> None:
    body = json.dumps(
        {"error": {"message": "10.0.0.1 down", "code": None}, "detail": [{"msg": "at 10.0.0.2"}]}
    ).encode()
    assert json.loads(scrub_error(body, HOST) or b"") == {
        "error": {"message": "[host] down", "code": None},
        "detail": [{"msg": "at [host]"}],
    }
    assert scrub_error(b"502 at 10.0.0.1", HOST) == b"502 at [host]"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * (MAX_ERROR + 1)])
def test_what_is_no_text_or_no_error_any_more_is_not_passed_on(body: bytes) -> None:
    assert scrub_error(body, HOST) is None


DETAIL = "gpu-7.cluster.local:9001 is down"
EVENTS = {
    "chat": {"error": {"message": DETAIL, "type": "server_error", "code": None}},
    "text": {"error": DETAIL},
    "messages": {"type": "error", "error": {"type": "overloaded_error", "message": DETAIL}},
    "responses": {"type": "error", "code": "server_error", "message": DETAIL, "sequence_number": 3},
    "failed": {"type": "response.failed", "response": {"id": "r", "error": {"code": "x", "message": DETAIL}}},
}


@pytest.mark.parametrize("dialect", EVENTS)
def test_an_error_in_a_stream_is_scrubbed(dialect: str) -> None:
    event = json.dumps(EVENTS[dialect])
    assert json.loads(scrub_event(event.encode(), False, HOST)) == json.loads(event.replace(DETAIL, "[host] is down"))


@pytest.mark.parametrize("dialect", EVENTS)
def test_an_error_in_a_stream_is_replaced(dialect: str) -> None:
    replaced = replace_event(json.dumps(EVENTS[dialect]).encode(), False).decode()
    assert DETAIL not in replaced
    assert REPLACED in replaced
    for kept in ("overloaded_error", "response.failed", '"sequence_number":3'):
        assert (kept in replaced) == (kept in json.dumps(EVENTS[dialect]).replace(": 3", ":3"))


@pytest.mark.parametrize(
    "data",
    [
        {"choices": [{"delta": {"content": f'the "error" is that {DETAIL}'}}]},
        {"type": "response.completed", "response": {"error": None, "text": DETAIL}},
        {"error": {"message": "The model is overloaded."}},
        [{"error": DETAIL}],
    ],
)
def test_what_is_no_error_or_gives_nothing_away_stays_the_very_same(data: object) -> None:
    event = json.dumps(data).encode()
    assert scrub_event(event, False, HOST) is event
    assert replace_event(event, False) is event or "overloaded" in event.decode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"", b'{"\\u0065rror": {"message": "%b"}}'),
        (b"", b'{"type": "erro\\u0072", "message": "%b"}'),
        (b"", b'{"error": {"message": "%b"}'),
        (b"", b'{"error": {"message": "%b", "at": NaN}}'),
        (b"error", b'{"message": "%b"}'),
        (b"error", b'{"data": {"text": "%b"}}'),
        (b"error", b'"%b"'),
        (b"error", b"%b"),
        (b"error", b"\xff%b"),
    ],
)
@pytest.mark.parametrize("how", ["scrub", "replace"])
def test_an_error_is_one_however_it_is_written(name: bytes, data: bytes, how: str) -> None:
    head = b"event: " + name + b"\n" if name else b""
    stream = head + b"data: " + data.replace(b"%b", DETAIL.encode()) + b"\n\n"
    change = replace_event if how == "replace" else partial(scrub_event, host=HOST)
    passed = AnswerStream(None, change, 1 << 16, "chat", "req_1", "m").feed(stream)
    assert passed.startswith(head + b"data: ")
    assert passed.endswith(b"\n\n")
    assert b"gpu-7" not in passed
    if how == "scrub" and b"\xff" not in stream:
        assert b"[host] is down" in passed


@pytest.mark.parametrize("data", [b'the "error" at 10.0.0.1', b"", b"[DONE]", b'[1, "error"'])
def test_text_that_tells_of_errors_is_none(data: bytes) -> None:
    stream = b"data: " + data + b"\n\n"
    assert AnswerStream(None, replace_event, 1 << 16, "chat", "req_1", "m").feed(stream) == stream


@pytest.mark.parametrize("rules", [None, AnswerRules("strip")])
@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_errors_are_scrubbed_however_the_stream_is_cut(size: int, rules: AnswerRules | None) -> None:
    plain = b'data: {"choices": [{"delta": {"content": "a \\"error\\""}}]}\n\n: note\n\n'
    error = b"event: error\r\ndata: " + json.dumps(EVENTS["messages"]).encode() + b"\r\n\r\n"
    stream = plain + error + plain * 2 + b"data: " + json.dumps(EVENTS["chat"]).encode()
    passing = AnswerStream(rules, partial(scrub_event, host=HOST), 1 << 16, "chat", "req_1", "m")
    out = b"".join(passing.feed(stream[at : at + size]) for at in range(0, len(stream), size)) + passing.finish()
    assert b"gpu-7" not in out
    assert out.count(b"[host] is down") == 2
    assert out.startswith(plain + b"event: error\r\ndata: {")
    assert plain * 2 in out


@pytest.mark.parametrize(
    ("name", "data"),
    [
        # Beside the member `error`, or where that says nothing.
        (b"", b'{"type": "error", "error": {"message": "no"}, "message": "%b"}'),
        (b"error", b'{"error": null, "message": "%b"}'),
        (b"error", b'{"error": {"message": "no"}, "detail": ["%b"]}'),
        (b"", b'{"object": "error", "message": "%b", "code": 400}'),
        (b"", b'{"choices": [{"finish_reason": "error", "error": {"message": "%b"}}]}'),
        (b"", b'  {"error": "%b"'),
        # Where a kind is expected.
        (b"", b'{"error": {"type": "%b", "code": {"at": "%b"}}}'),
        # Which only Python's own reader takes.
        (b"", b'{"error": {"message": "%b \\ud83d"}}'),
        # Too many levels for one writer, and for all.
        (b"", b'{"error": ' + b'{"a": ' * 300 + b'"%b"' + b"}" * 301),
        (b"", b'{"error": ' + b'{"a": ' * 800 + b'"%b"' + b"}" * 801),
        (b"", b'{"error": ' + b'{"a": ' * 9000 + b'"%b"' + b"}" * 9001),
    ],
)
@pytest.mark.parametrize("how", ["scrub", "replace"])
def test_an_error_is_one_wherever_it_says_something(name: bytes, data: bytes, how: str) -> None:
    change = replace_event if how == "replace" else partial(scrub_event, host=HOST)
    passed = change(data.replace(b"%b", DETAIL.encode()), name == b"error")
    assert b"gpu-7" not in passed


@pytest.mark.parametrize(("content", "p"), [(r"\ud83d", "0"), ("", "NaN")])
def test_text_of_an_answer_is_no_error_for_what_only_some_readers_take(content: str, p: str) -> None:
    text = (
        rf'{{"choices": [{{"delta": {{"content": "caf\u00e9, an error at {DETAIL} {content}"}}, "p": {p}}}]}}'.encode()
    )
    assert scrub_event(text, False, HOST) is text
    assert replace_event(text, False) is text


@pytest.mark.parametrize("levels", [300, 800, 9000])
def test_an_error_of_many_levels(levels: int) -> None:
    scrubbed = scrub_error(b'{"a": ' * levels + b'"10.0.0.1"' + b"}" * levels, HOST)
    assert scrubbed is None or b"10.0.0.1" not in scrubbed


@pytest.mark.parametrize(
    "data", [b'{"error": {"message": "%b"}}', b'{"type": "error", "x": ["%b"]}', b'{"error": "%b"']
)
def test_an_error_in_a_stream_that_is_too_long_is_replaced(data: bytes) -> None:
    event = data.replace(b"%b", b"at 10.0.0.1 " * (MAX_ERROR // 12 + 1))
    scrubbed = scrub_event(event, False, HOST)
    assert len(scrubbed) < 200
    assert REPLACED.encode() in scrubbed
    # Not what stands beside a short one.
    beside = b'{"response": {"error": {"message": "10.0.0.1"}, "text": "' + b"a" * MAX_ERROR + b'"}}'
    assert scrub_event(beside, False, HOST) == beside.replace(b"10.0.0.1", b"[host]").replace(b": ", b":").replace(
        b", ", b","
    )
