"""A form has one reading: of its names, its charsets and its parts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.errors import Refusal
from engine.validation.form import Field, Form


def _form(*fields: tuple[str, str]) -> Form:
    return Form([Field(name, None, None, value.encode()) for name, value in fields])


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ([("n", "1")], {"n": 1}),
        ([("n", "01"), ("m", "1e3"), ("k", "+1"), ("i", "0x1")], {"n": "01", "m": "1e3", "k": "+1", "i": "0x1"}),
        ([("stream", "true"), ("other", "True")], {"stream": True, "other": "True"}),
        ([("granularities[]", "word"), ("granularities[]", "segment")], {"granularities": ["word", "segment"]}),
        ([("after[anchor]", "x"), ("after[seconds]", "60")], {"after": {"anchor": "x", "seconds": 60}}),
        ([("a[b][c][]", "1"), ("a[b][d]", "2")], {"a": {"b": {"c": [1], "d": 2}}}),
    ],
)  # fmt: skip
def test_names_say_where_a_value_stands(fields: list[tuple[str, str]], value: Any) -> None:
    assert orjson.loads(_form(*fields).as_json()) == value


@pytest.mark.parametrize(
    "names",
    [
        ("n", "n"),
        ("n", "n[]"),
        ("n[]", "n"),
        ("n", "n[x]"),
        ("n[x]", "n"),
        ("n[]", "n[0]"),
        ("n[0]", "n[]"),
        ("n[x]", "n[x]"),
        ("n[x]", "n[x][]"),
        ("n[",),
        ("n]",),
        ("[n]",),
        ("n[]x",),
        ("n[][]",),
        ("n[[]]",),
        ("n[x]y",),
        ("[]",),
        ("n" + "[x]" * 8,),
        ("_charset_",),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        _form(*((name, "1") for name in names))
    assert refused.value.param == names[-1]


@pytest.mark.parametrize(
    ("media", "passes"),
    [
        ("text/plain", True),
        ("text/plain; charset=UTF-8", True),
        ("text/plain;charset=us-ascii", True),
        ("application/json", True),
        ("text/plain; charset=utf-7", False),
        ("text/plain; charset=utf-16", False),
        ("text/plain; Charset=utf-16", False),
        ("text/plain; charset=utf-8; charset=utf-7", False),
        ("plain", False),
    ],
)
def test_a_text_is_utf_8(media: str, passes: bool) -> None:
    fields = [Field("prompt", None, media, b"+ADk-")]
    if passes:
        assert Form(fields).text("prompt") == "+ADk-"
    else:
        with pytest.raises(Refusal):
            Form(fields)


def test_a_file_is_judged_by_its_name() -> None:
    form = Form([Field("image[]", "a.png", "image/png", b"\xff"), Field("image[]", "b.png", None, b"")])
    assert orjson.loads(form.as_json()) == {"image": ["a.png", "b.png"]}
    assert form.text("image[]") is None
    with pytest.raises(Refusal):
        Form([Field("n", "n", None, b"9"), Field("n", None, None, b"1")])


@pytest.mark.parametrize(
    ("allowed", "left"),
    [
        (b'{"n": 1, "include": ["a", "b"], "after": {"x": 1}, "file": "f"}',
         ["n", "include[]", "include[]", "after[x]", "file"]),
        (b'{"n": 1, "include": ["b"], "after": {}}', ["n", "include[]"]),
        (b'{"file": "f"}', ["file"]),
        (b"{}", []),
    ],
)  # fmt: skip
def test_what_is_taken_out(allowed: bytes, left: list[str]) -> None:
    form = Form([
        *_form(("n", "1"), ("include[]", "a"), ("include[]", "b"), ("after[x]", "1")).fields,
        Field("file", "f", None, b""),
    ])  # fmt: skip
    assert [field.name for field in form.only(allowed).fields] == left
