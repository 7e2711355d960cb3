"""The bound on a stranger's schema: what people write passes, what multiplies does not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.validation.schema_cost import MOST_NODES, TooCostly, check_cost

LIST = {
    "$defs": {"list": {"properties": {"next": {"anyOf": [{"$ref": "#/$defs/list"}, {"type": "null"}]}}}},
    "$ref": "#/$defs/list",
}
TREE = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcdefgh"}, "items": {"$ref": "#"}}
WIDE = {"properties": {f"p{number}": {"type": "string", "minLength": 1} for number in range(1500)}}
UNION = {"properties": {"x": {"anyOf": [{"properties": {"a": {"type": "string"}}} for _ in range(50)]}}}


@pytest.mark.parametrize("schema", [True, {}, LIST, TREE, WIDE, UNION, {"$ref": "#"}, {"allOf": [{"$ref": "#"}]}])
def test_what_people_write_passes(schema: Any) -> None:
    check_cost(schema)


def doubled(levels: int) -> dict[str, Any]:
    steps = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(levels)}
    return {"$defs": {**steps, f"d{levels}": {"type": "string"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    "schema",
    [
        doubled(12),
        {"anyOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}]},
        {"properties": {"a": {"allOf": [{"not": {"$ref": "#"}}, {"if": {"$ref": "#"}}]}}},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#anchor"},
        {"$ref": "#/$defs/missing"},
        {"properties": {"a": {"$dynamicRef": "#a"}}},
        {"items": {"$id": "https://example.com/other"}},
        {"enum": list(range(MOST_NODES + 1))},
    ],
)
def test_what_multiplies_or_leads_elsewhere_does_not(schema: Any) -> None:
    with pytest.raises(TooCostly):
        check_cost(schema)
