"""The jsonmembers kernel against the standard library, on JSON, and on anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine._fast import jsonmembers
from engine._fast.jsonmembers import Names, integers, last_member, member, pick

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)
OBJECTS = st.dictionaries(st.text(max_size=8) | st.sampled_from(["usage", "model", "n"]), VALUES, max_size=6)


def test_the_compiled_kernel_is_tested() -> None:
    assert jsonmembers.__file__.endswith(".so")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_members_are_those_of_the_parser(value: dict[str, object], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    wanted = {name.encode("utf-8", "surrogatepass"): name for name in value}
    assert [(name, json.loads(found)) for name, found in pick(text, Names(wanted))] == list(value.items())
    some = Names(dict.fromkeys(list(wanted)[1:], 0))
    assert pick(text, some) == [(0, found) for _, found in pick(text, Names(wanted))][1:]
    for name in value:
        if '"' in name or "\\" in name:
            continue
        found = member(text, name.encode("utf-8", "surrogatepass"))
        assert found is not None
        assert json.loads(found) == value[name]
        assert last_member(text, name.encode("utf-8", "surrogatepass")) == found


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text(alphabet='{}[]",:\\ u0d8abn1\x00é', max_size=60).map(str.encode))
@example(b'{"')
@example(b'{"\\')
@example(b'{"a\\": 1}')
@example(b'{"\\u12": 1}')
@example(b'{"\\ud800": 1}')
@example(b'{"a":"\\')
def test_any_bytes_are_survived(text: bytes) -> None:
    assert all(found in text for _, found in pick(text, Names({b"a": 1, b"u": 2})))
    assert last_member(text, b"a") is None or last_member(text, b"a") in text
    assert all(-1 <= number < 10**15 for number in integers(text, Names({b"a": 1, b"u": 2})))
    found = member(text, b"a")
    assert found is None or found in text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"usage":{"a":1}}', b'{"a":1}'),
        (b'{"x":{"usage":1},"usage" : 2 }', b"2 "),
        (b'{"x":"\\"usage\\":3","usage":4}', b"4"),
        (b'{"\\u0075sage":5}', b"5"),
        (b'{"usage":1,"usage":6}', b"6"),
        (b'[{"usage":1}]', None),
        (b'"usage"', None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_only_the_top_counts(text: bytes, value: bytes | None) -> None:
    assert member(text, b"usage") == value
    assert last_member(text, b"usage") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"usage":{"a":1},"x":[{"usage":2}]}', b'{"a":1}'),
        (b'{"usage":1,"x":{"usage":2}}', b"1"),
        (b'{"x":[{"y":1,"usage":2}]}', None),
        (b'{"x":{"usage":2},"y":3}', None),
        (b'{"x":"\\"usage","usage":4}', b"4"),
        (b'{"usage":5,"x":"\\"usage"}', b"5"),
        (b'{"usage":6,"type":"usage"}', b"6"),
        (b'{"usage" : {"a" : "}"} , "z":"{" }  ', b'{"a" : "}"} '),
        (b'{"usage":7,"x":{' + b",".join(b'"a%d":0' % number for number in range(200)) + b"}}", b"7"),
        (b'{"usage":1}}', b"1"),
    ],
)
def test_the_last_member_is_the_member(text: bytes, value: bytes | None) -> None:
    assert last_member(text, b"usage") == value
    assert member(text, b"usage") == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b'{"a":1,"b" : 22 , "c":3}', [1, 22]),
        (b'{"a":0,"b":999999999999999}', [0, 999_999_999_999_999]),
        (b'{"a":1000000000000000,"b":-1}', [-1, -1]),
        (b'{"a":1.5,"b":1e3}', [-1, -1]),
        (b'{"a":null,"b":"7"}', [-1, -1]),
        (b'{"a":7,"a":8}', [8, -1]),
        (b'{"\\u0061":7,"b":{"a":9}}', [7, -1]),
        (b'{"a":[1],"b":true}', [-1, -1]),
        (b"[1]", [-1, -1]),
        (b"", [-1, -1]),
    ],
)
def test_integers(text: bytes, values: list[int]) -> None:
    assert integers(text, Names({b"a": 1, b"b": 2})) == values


def test_so_many_names_are_asked_for_at_once() -> None:
    with pytest.raises(ValueError, match="17 names"):
        integers(b"{}", Names({b"%d" % number: 0 for number in range(17)}))
