"""Fields that a request has and its shape does not know: found, taken out or refused, as the policy says.

Theory of operation. Each shape is turned once into a tree of `_Node`: what may stand at a place, as far as it has
fields to look at. A request is then walked along that tree. Where the shape takes any object (a JSON Schema, metadata),
nothing is unknown.

Rules. ``reject`` refuses the first unknown field, and an object whose ``type`` this build does not know, by its place.
``strip`` takes unknown fields out and writes the request anew, numbers as they were; an object of an unknown ``type``
stays whole, because without its fields it would mean something else. A request without unknown fields keeps its bytes.

Only policies that ask for it pay for it: about the cost of an ordinary JSON decoding.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal, get_args, get_origin

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.place import fields, members, spell
from engine.validation.request import RequestShape
from engine.validation.shape import UNKNOWN_TYPE, Open

Unknown = Literal["allow", "strip", "reject"]


class _Node:
    """What may stand at one place. `objects` by tag, or under "" where there is one without; `items` of a list,
    `values` of a mapping."""

    __slots__ = ("items", "objects", "tag_field", "values")

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, _Node | None]] = {}
        self.tag_field: str | None = None
        self.items: _Node | None = None
        self.values: _Node | None = None


_nodes: dict[Any, _Node] = {}


def _node(kind: Any) -> _Node | None:
    """The node of a type; None where nothing below it has fields."""
    known = _nodes.get(kind)
    if known is not None:
        return known
    node = _nodes[kind] = _Node()
    found = False
    for member in members(kind):
        origin = get_origin(member)
        if origin is list:
            node.items = _node(get_args(member)[0])
            found |= node.items is not None
        elif origin is dict:
            node.values = _node(get_args(member)[1])
            found |= node.values is not None
        elif hasattr(member, "__struct_config__") and not issubclass(member, Open):
            config = member.__struct_config__
            inside: dict[str, _Node | None] = {}
            node.objects[str(config.tag) if config.tag is not None else ""] = inside
            if config.tag is not None:
                node.tag_field = config.tag_field
                inside[config.tag_field] = None
            inside |= {name: _node(each) for name, each in fields(member).items()}
            found = True
    if not found:
        del _nodes[kind]
        return None
    return node


@cache  # one for each shape
def _root(shape: type[RequestShape]) -> _Node:
    node = _node(shape)
    assert node is not None
    return node


class _Walk:
    """One request. `changed`: something was taken out."""

    def __init__(self, mode: Unknown) -> None:
        self._strip = mode == "strip"
        self.changed = False
        self._path: list[str | int] = []

    def visit(self, node: _Node, value: Any) -> None:
        path = self._path
        if isinstance(value, list):
            if node.items is not None:
                for index, item in enumerate(value):
                    path.append(index)
                    self.visit(node.items, item)
                    path.pop()
        elif isinstance(value, dict):
            if node.values is not None:
                for key, item in value.items():
                    path.append(key)
                    self.visit(node.values, item)
                    path.pop()
            elif node.objects:
                self._object(node, value)

    def _object(self, node: _Node, value: dict[str, Any]) -> None:
        path = self._path
        tag = value.get(node.tag_field) if node.tag_field is not None else ""
        inside = node.objects.get(tag) if isinstance(tag, str) and tag != UNKNOWN_TYPE else None
        if inside is None:
            if not self._strip:
                raise Refusal(
                    BAD_REQUEST,
                    "This type is not known here, and the policy rejects what is not known.",
                    param=spell([*path, node.tag_field or "type"]),
                )
            return
        for key in list(value):
            if key not in inside:
                if not self._strip:
                    raise Refusal(
                        BAD_REQUEST, "Unknown field; the policy rejects what is not known.", param=spell([*path, key])
                    )
                del value[key]
                self.changed = True
            elif (below := inside[key]) is not None:
                path.append(key)
                self.visit(below, value[key])
                path.pop()


def settle_unknown(shape: type[RequestShape], body: bytes, mode: Unknown) -> bytes:
    """The body that may go on: the same object where nothing was taken out. `body` is valid for `shape`.

    Raises Refusal (400) under ``reject``.
    """
    # The standard library's reader keeps numbers of any length as they are.
    value = json.loads(body)
    walk = _Walk(mode)
    walk.visit(_root(shape), value)
    if not walk.changed:
        return body
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
