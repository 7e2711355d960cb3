"""What is fuzzed: functions of bytes that must end in an answer or in their own error, and keep what they promise."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import msgspec
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from engine._fast import jsonguard
from engine._fast.sse import EventTooLong, Splitter
from engine.errors import Refusal
from engine.extraction.answer_stream import AnswerStream
from engine.extraction.answers import AnswerRules, UnreadableAnswer
from engine.identity.shared_key import SharedKey, join
from engine.identity.shared_key import decode as decode_key
from engine.identity.shared_key import encode as encode_key
from engine.policy.loader import PolicyError, parse_policy
from engine.proxy.heads import MAX_FIELDS, check_head
from engine.proxy.proxy_protocol import LONGEST, HeaderError, HeaderReader
from engine.redaction.profile import compile_profile
from engine.redaction.regex import make_scanner
from engine.redaction.ruleset import build, places
from engine.validation.answer_shape import AnswerShapes, ToolSchema, Uncheckable
from engine.validation.answer_shape_stream import Misfitting, ShapeStream
from engine.validation.decode import ENDPOINTS, Bounds, decode
from engine.validation.form import Field, Form
from engine.validation.schema import Schema
from engine.validation.unknown import settle_unknown
from tests.fast.oracles import jsonguard as oracle

RULES = AnswerRules("strip", drop_fingerprint=True, model_as_asked=True, replace_ids=True)
_TOOL = ToolSchema(Schema(b'{"properties": {"n": {"type": "integer"}}}'), blocks=True)
_ASK = b'{"response_format": {"type": "json_object"}, "text": {"format": {"type": "json_object"}}}'
SHAPES = [
    shape
    for endpoint in ("chat", "responses", "messages")
    if (shape := AnswerShapes({"f": _TOOL}, "block").of(endpoint, _ASK)) is not None
]
BOUNDS = Bounds(max_depth=32, max_messages=50, max_body=1 << 16)


def json_guard(data: bytes) -> None:
    """The kernel and its plain twin agree, and what passes is one value to another parser too."""
    try:
        texts = jsonguard.texts(data, 64)
    except jsonguard.GuardError:
        texts = None
    try:
        expected = oracle.texts(data, 64)
    except (oracle.Refused, RecursionError):
        expected = None
    assert texts == expected
    if texts is not None:
        msgspec.json.decode(data)


def requests(data: bytes) -> None:
    """Every shape refuses or accepts; what is stripped is accepted again and has nothing to strip left."""
    for endpoint in sorted(ENDPOINTS):
        with contextlib.suppress(Refusal):
            shape = type(decode(endpoint, data, BOUNDS).shape)
            stripped = settle_unknown(shape, data, "strip")
            assert settle_unknown(shape, stripped, "strip") is stripped
            decode(endpoint, stripped, Bounds(max_body=1 << 18))


class _Head:
    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.count = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.setdefault(name.lower(), value)
        self.count += 1


def request_head(data: bytes) -> None:
    """A head that both parser and rules accept has a host, one framing and no line break in any field."""
    head = _Head()
    parser = HttpRequestParser(head)
    try:
        parser.feed_data(b"POST / HTTP/1.1\r\n" + data + b"\r\n\r\n")
        check_head(head.headers, head.count, is_http10=False)
    except (HttpParserError, HttpParserUpgrade, Refusal):
        return
    assert b"host" in head.headers
    assert head.count <= MAX_FIELDS
    assert not {b"transfer-encoding", b"content-length"} <= head.headers.keys()
    for name, value in head.headers.items():
        assert not set(b"\r\n\0") & set(name + value)


def _events(pieces: list[bytes]) -> tuple[list[tuple[bytes, bytes | None, bytes | None]], bytes] | None:
    splitter = Splitter(2048)
    try:
        events = [event for piece in pieces for event in splitter.feed(piece)]
    except EventTooLong:
        return None
    return [(event.raw, event.data, event.event) for event in events], splitter.finish()


def sse_framing(data: bytes) -> None:
    """However a stream is cut, its events are the same, and together they are the stream."""
    whole = _events([data])
    assert whole == _events([data[at : at + 1] for at in range(len(data))])
    if whole is not None:
        assert b"".join(raw for raw, _, _ in whole[0]) + whole[1] == data


def _through(make: Callable[[], AnswerStream | ShapeStream], pieces: list[bytes]) -> tuple[bytes, str]:
    """What a stream lets through, and how it ended."""
    stream, out = make(), b""
    try:
        for piece in pieces:
            out += stream.feed(piece)
        return out + stream.finish(), ""
    except Misfitting as misfitting:
        return out + misfitting.ahead, misfitting.misfit.control
    except (UnreadableAnswer, Uncheckable, EventTooLong) as error:
        # What of a read came before it is not given out.
        return b"", type(error).__name__


def answer_streams(data: bytes) -> None:
    """However a stream of answers is cut, the same is taken out of it and the same does not fit."""
    cut = [data[at : at + 7] for at in range(0, len(data), 7)]
    makers: list[Callable[[], AnswerStream | ShapeStream]] = [
        lambda: AnswerStream(RULES, None, 2048, "chat", "req_1", "m"),
        *(lambda shape=shape: ShapeStream(shape, 2048) for shape in SHAPES),
    ]
    # One for each input, so that executions are many.
    make = makers[len(data) % len(makers)]
    assert _through(make, [data]) == _through(make, cut)


def policy_file(data: bytes) -> None:
    """A policy loads or is refused with its place."""
    with contextlib.suppress(UnicodeDecodeError, PolicyError):
        parse_policy(data.decode(), "fuzz.yaml", {})


def _proxy_header(pieces: list[bytes]) -> tuple[int, bytes | None] | None:
    """Where the header ends and what it names; None for one that is refused; -1 for one that has not ended."""
    reader, at = HeaderReader(), 0
    for piece in pieces:
        try:
            at += reader.feed(piece)
        except HeaderError:
            return None
        if reader.done:
            return at, reader.source
    return -1, None


def proxy_header(data: bytes) -> None:
    """However a header is cut, it ends at the same byte and names the same address, or is refused."""
    whole = _proxy_header([data]) if data else None
    assert whole == (_proxy_header([data[at : at + 1] for at in range(len(data))]) if data else None)
    if whole is not None and whole[0] >= 0:
        assert 0 < whole[0] <= min(len(data), LONGEST)
        assert whole[1] is None or len(whole[1]) in (4, 16)


def shared_key(data: bytes) -> None:
    """What is read as a key of another host is one that can be written, and joined either way."""
    try:
        key = decode_key(data)
    except ValueError:
        return
    assert decode_key(encode_key(key)) == key
    same = msgspec.structs.replace(key, id=SEED_KEY.id)
    assert join(same, SEED_KEY) == join(SEED_KEY, same)


def forms(data: bytes) -> None:
    """What is written anew has the same parts, each with a head of its own fields and nothing else in it."""
    fields = []
    for part in data.split(b"\n--\n"):
        *head, content = [*part.split(b"\n", 3), b"", b"", b""][:4]
        name, filename, media = (word.decode("utf-8", "surrogateescape") for word in head)
        fields.append(Field(name, filename or None, media or None, content))
    try:
        form = Form(fields)
    except Refusal:
        return
    values = json.loads(form.as_json())
    assert form.only(form.as_json()).fields == fields
    assert values.keys() == {field.name.partition("[")[0] for field in fields}
    media_type, body = form.encode()
    boundary = b"--" + media_type.partition(b"boundary=")[2]
    before, *parts, after = body.split(boundary)
    assert (before, after, len(parts)) == (b"", b"--\r\n", len(fields))
    for field, part in zip(fields, parts, strict=True):
        head, _, content = part.partition(b"\r\n\r\n")
        assert content == field.data + b"\r\n"
        assert len(head.splitlines()) == 2 + (field.media is not None)
        assert head.count(b'"') == 2 + 2 * (field.filename is not None)


RULES_OF_PACK = build().rules
_ALL = compile_profile("all", {rule.id: "flag" for rule in RULES_OF_PACK}, build(), bytes(32))
_PLAIN = make_scanner([rule.pattern for rule in RULES_OF_PACK])


def redaction(data: bytes) -> None:
    """Searched only where their literals stand and in steps, the rules find what each finds in all of the text."""
    text = data.decode("utf-8", "replace").encode()
    found = {place for place in _ALL.found(text) if _ALL.rules[place[2]].detector is None}
    assert found == {
        (left, right, index)
        for index, rule in enumerate(RULES_OF_PACK)
        if rule.detector is None
        for left, right in places(rule, _PLAIN, index, text)
    }


SEED_KEY = SharedKey(
    "abc", "alice", ("user",), 1.0, bytes(32), models=("m*",), addresses=("192.0.2.0/24",), expires=2.5
)

TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "json_guard": (json_guard, [b'{"a":[1,-0.5e3,"\\ud83d\\ude00",null,true]}', b'{"a":1,"\\u0061":2}', b"[[[]]]"]),
    "requests": (
        requests,
        [
            json.dumps(
                {
                    "model": "m",
                    "max_tokens": 9,
                    "prompt": "a",
                    "input": "a",
                    "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
                    "tools": [{"type": "function", "function": {"name": "f"}, "name": "f"}],
                    "odd": {"x": [1]},
                }
            ).encode(),
            b'{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"id":"a"},{"type":'
            b'"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"news","a":[1]}]}',
            b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","input_schema":'
            b'{"type":"object"}},{"type":"bash_20250124","name":"bash"},{"type":"txt","name":"f"}]}',
        ],
    ),
    "request_head": (
        request_head,
        [
            b"Host: a\r\nContent-Length: 0",
            b"Host: a:80\r\nTransfer-Encoding: chunked\r\nX: y",
            b"Host: a\r\nExpect: 100-continue",
        ],
    ),
    "answer_streams": (
        answer_streams,
        [
            b'data: {"id":"chatcmpl-1","system_fingerprint":"f","choices":[{"index":0,"delta":{"tool_calls":[{"index":'
            b'0,"function":{"name":"f","arguments":"{}"}}]},"logprobs":{"content":[]},"finish_reason":"stop"}]}\n\n',
            b'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f"}}\n\ndata: '
            b'{"type":"content_block_delta","index":0,"delta":{"partial_json":"{\\"n\\":"}}\n\ndata: '
            b'{"type":"content_block_stop","index":0}\n\n',
            b'data: {"type":"response.function_call_arguments.done","name":"f","arguments":"{}"}\n\ndata: [DONE]\n\n',
        ],
    ),
    "sse_framing": (sse_framing, [b"event: a\r\ndata: b\r\n\r\ndata: c\n\ndata: d\r\r: e\n\n"]),
    "proxy_header": (
        proxy_header,
        [
            b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\nrest",
            b"PROXY TCP6 2001:db8::7 ::1 12345 443\r\nrest",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc0\x00\x02\x07\xc6\x33\x64\x01\x30\x39\x01\xbb\x04\x00\x00rest",
            b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00rest",
        ],
    ),
    "shared_key": (shared_key, [encode_key(SEED_KEY)]),
    "forms": (
        forms,
        [
            b"n[]\n\n\n1\n--\nn[]\n\n\n2.5\n--\nfile\na.wav\naudio/wav\n\x00\xff\n--\nafter[seconds]\n\ntext/plain\ntrue",
            "prompt\n\ntext/plain; charset=utf-8\nh\u00e9llo\n--\nimage[]\n\u00e9.png\n\nx".encode(),
        ],
    ),
    "redaction": (
        redaction,
        [
            b"password: Tr0ub4dor&3, api_key='a8Kd9fJ2a8Kd9fJ2a8Kd' and https://user:pass1@example.com/?token=0a1b2c3d4e5f60",
            "\u017fecret = Zk9!mQ2x; jane.doe@ex\u00e4mple.com jane@example.com 4111 1111 1111 1111".encode(),
            b"IBAN DE89370400440532013000, born 1980-02-03, ghp_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R",
            b"<password type='x'>hunter22!</password> --passwd=Tr0ub4dor 2001:db8::1 +44 20 7946 0958 ssn 536-22-1234",
        ],
    ),
    "policy_file": (
        policy_file,
        [b'upstreams: {a: {base_url: "http://h/v1"}}\nroles: {r: {models: ["*"], parameters: {n: {max: 1}}}}\n'],
    ),
}
