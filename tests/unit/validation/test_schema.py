"""A user's own JSON Schema: what it refuses, where, and which schemas are no schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BAD_REQUEST, Refusal
from engine.policy.loader import PolicyError, parse_policy
from engine.policy.snapshot import verify
from engine.validation.schema import Schema, SchemaError, load_schema

ITEM = {"type": "object", "properties": {"id": {"type": "integer", "minimum": 1}}, "required": ["id"]}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 2},
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "kind": {"enum": ["a", "b"]},
        "pair": {"prefixItems": [{"type": "string"}, {"type": "number"}], "items": False},
    },
    "required": ["items"],
    "additionalProperties": False,
    "$defs": {"item": ITEM},
}


def schema() -> Schema:
    return Schema(json.dumps(SCHEMA).encode())


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({}, "items"),
        ([], None),
        ({"items": 1}, "items"),
        ({"items": [{}]}, "items[0].id"),
        ({"items": [{"id": 1}, {"id": "secret"}]}, "items[1].id"),
        ({"items": [{"id": 0}]}, "items[0].id"),
        ({"items": [{"id": 1}] * 3}, "items"),
        ({"items": [], "name": "A"}, "name"),
        ({"items": [], "kind": "c"}, "kind"),
        ({"items": [], "pair": ["a", 1, 2]}, "pair[2]"),
        ({"items": [], "pair": ["a", "b"]}, "pair[1]"),
        ({"items": [], "other": 1}, None),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(value: Any, param: str | None) -> None:
    body = json.dumps(value).encode()
    with pytest.raises(Refusal) as caught:
        schema().check(body)
    assert (caught.value.kind, caught.value.param) == (BAD_REQUEST, param)
    assert "secret" not in caught.value.message
    assert not schema().accepts(body)


@pytest.mark.parametrize("value", [{"items": []}, {"items": [{"id": 1}], "name": "a", "kind": "b", "pair": ["a", 0.5]}])
def test_what_fits_passes(value: Any) -> None:
    schema().check(json.dumps(value).encode())
    assert schema().accepts(json.dumps(value).encode())


def test_what_is_no_json_is_accepted_by_none() -> None:
    assert not Schema(b"true").accepts(b"")
    assert Schema(b"true").accepts(b"1")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"type": "nothing"}',
        b'{"type": "string", "type": "object"}',
        b'{"$ref": "http://127.0.0.1:9/other.json"}',
        b'{"$ref": "file:///etc/passwd"}',
        b'{"$ref": "#/$defs/missing"}',
        b'{"pattern": "(a"}',
        b'{"pattern": "(?=a)b"}',
        b'{"pattern": "(a)\\\\1"}',
        b"[]",
    ],
)
def test_a_schema_that_cannot_be_used_is_none(text: bytes) -> None:
    with pytest.raises(SchemaError):
        Schema(text)


def test_a_pattern_takes_linear_time() -> None:
    # With a backtracking engine this would not end.
    assert not Schema(b'{"pattern": "^(a+)+$"}').accepts(json.dumps("a" * 5000 + "b").encode())


def test_a_policy_names_its_file_and_its_line(tmp_path: Path) -> None:
    text = """
upstreams: {a: {base_url: http://h/v1}}
routes:
  - {name: p, path: /p, upstream: a,
     request_schema: schemas/p.json}
"""
    source = str(tmp_path / "tidegate.yaml")
    with pytest.raises(PolicyError, match="cannot be read") as caught:
        verify(parse_policy(text, source, {}))
    assert (caught.value.line, caught.value.path) == (5, "routes[0].request_schema")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "p.json").write_text("{")
    with pytest.raises(PolicyError, match="is not JSON"):
        verify(parse_policy(text, source, {}))
    (tmp_path / "schemas" / "p.json").write_text("{}")
    verify(parse_policy(text, source, {}))
    assert load_schema(tmp_path / "schemas" / "p.json").accepts(b"1")
