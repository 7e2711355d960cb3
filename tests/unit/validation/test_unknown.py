"""Unknown fields: refused by their place, or taken out and nothing else changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.decode import Bounds, decode
from engine.validation.unknown import settle_unknown
from tests.unit.validation.sdk_samples import samples
from tests.unit.validation.test_sdk_requests import TYPES, passable

CHAT = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}
PLACES = [
    ({"brand_new": 1}, "brand_new"),
    ({"messages": [{"role": "user", "content": "a", "x": 1}]}, "messages[0].x"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "x": {}}]}]}, "messages[0].content[0].x"),
    ({"tools": [{"type": "function", "function": {"name": "f", "x": 1}}]}, "tools[0].function.x"),
    ({"stream_options": {"x": 1}}, "stream_options.x"),
    ({"Stream": True}, "Stream"),
]


def settle(endpoint: str, body: bytes, mode: Any) -> bytes:
    return settle_unknown(type(decode(endpoint, body, Bounds()).shape), body, mode)


@pytest.mark.parametrize(("fields", "place"), PLACES)
def test_reject_names_the_place(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(Refusal) as caught:
        settle("chat", json.dumps(CHAT | fields).encode(), "reject")
    assert (caught.value.kind, caught.value.param) == (BAD_REQUEST, place)


@pytest.mark.parametrize(("fields", "place"), PLACES)
def test_strip_takes_it_out(fields: dict[str, Any], place: str) -> None:
    stripped = settle("chat", json.dumps(CHAT | fields).encode(), "strip")
    settle("chat", stripped, "reject")
    assert place.rpartition(".")[2] not in list(_keys(json.loads(stripped)))
    assert json.loads(stripped)["model"] == "m"


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)


def test_strip_keeps_numbers_texts_and_what_is_free() -> None:
    body = (
        '{"model":"m","seed":123456789012345678901234567890,"temperature":0.30000000000000004,"zap":1,'
        '"messages":[{"role":"user","content":"\\u00e9😀"}],"metadata":{"own":"x"},'
        '"tools":[{"type":"function","function":{"name":"f","parameters":{"own":{"x":[1e2]}}}}]}'
    ).encode()
    stripped = settle("chat", body, "strip").decode()
    assert '"zap"' not in stripped
    for kept in (
        "123456789012345678901234567890",
        "0.30000000000000004",
        "é😀",
        '{"own":"x"}',
        '{"own":{"x":[100.0]}}',
    ):
        assert kept in stripped


def test_a_body_without_unknown_fields_stays_the_same_object() -> None:
    body = json.dumps(CHAT).encode()
    assert settle("chat", body, "strip") is body
    assert settle("chat", body, "reject") is body


def test_an_object_of_an_unknown_type_is_refused_or_stays_whole() -> None:
    body = json.dumps(CHAT | {"messages": [{"role": "user", "content": [{"type": "hologram", "x": 1}]}]}).encode()
    assert settle("chat", body, "strip") is body
    with pytest.raises(Refusal) as caught:
        settle("chat", body, "reject")
    assert caught.value.param == "messages[0].content[0].type"


@pytest.mark.parametrize(("endpoint", "kind", "at_least"), TYPES)
def test_nothing_of_the_sdks_is_unknown(endpoint: str, kind: Any, at_least: int) -> None:
    tried = 0
    for request in samples(kind):
        if passable(endpoint, request):
            settle(endpoint, json.dumps(request).encode(), "reject")
            tried += 1
    assert tried >= at_least


def test_a_json_schema_has_fields_of_its_own() -> None:
    schema = {"type": "object", "$defs": {"a": {"x": 1}}, "additionalProperties": False}
    request = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}
    body = json.dumps(request | {"tools": [{"name": "f", "input_schema": schema}]}).encode()
    assert settle("messages", body, "reject") is body
