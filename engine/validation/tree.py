"""What may stand where in a request: the types of a shape as a tree that parsed JSON can be walked along.

Each type is turned once into a `Node`, which knows what has fields to look at. Where the shape takes any object (a JSON
Schema, metadata), there is no node.
"""

from __future__ import annotations

from functools import cache
from typing import Any, get_args, get_origin

from msgspec import Struct

from engine.validation.place import fields, members
from engine.validation.shape import UNKNOWN_TYPE, Open
from engine.validation.variants import Variants


class Node:
    """What may stand at one place. `objects` by type, or under "" where there is one without, and the `structs` they
    are of; `items` of a list, `values` of a mapping. `is_open`: objects of other types may stand here too."""

    __slots__ = ("_variants", "is_open", "items", "objects", "structs", "tag_field", "values")

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Node | None]] = {}
        self.structs: dict[str, type[Struct]] = {}
        self.tag_field: str | None = None
        self.items: Node | None = None
        self.values: Node | None = None
        self.is_open = False
        self._variants: Variants | None = None

    def type_of(self, value: dict[str, Any]) -> Any:
        """The type of an object at this place, as it stands."""
        if self._variants is not None:
            return self._variants.type_of(value)
        return value.get(self.tag_field) if self.tag_field is not None else ""

    def add(self, kind: str, struct: type[Struct]) -> None:
        """Lets a struct stand here under a type."""
        self.structs[kind] = struct
        inside: dict[str, Node | None] = {}
        self.objects[kind] = inside
        if self.tag_field is not None:
            inside[self.tag_field] = None
        variants: dict[str, Variants] = getattr(struct, "variants", {})
        for name, each in fields(struct).items():
            below = inside[name] = Node() if name in variants else node_of(each)
            if name in variants and below is not None:
                below.items = items_of(variants[name])

    def vary(self, variants: Variants) -> None:
        """Lets the items of a list of variants stand here."""
        self._variants = variants
        self.tag_field = "type"
        self.is_open = True
        for kind, struct in variants.structs.items():
            self.add(kind, struct)


_nodes: dict[Any, Node] = {}


def node_of(kind: Any) -> Node | None:
    """The node of a type; None where nothing below it has fields."""
    known = _nodes.get(kind)
    if known is not None:
        return known
    node = _nodes[kind] = Node()
    found = False
    for member in members(kind):
        origin = get_origin(member)
        if origin is list:
            node.items = node_of(get_args(member)[0])
            found |= node.items is not None
        elif origin is dict:
            node.values = node_of(get_args(member)[1])
            found |= node.values is not None
        elif hasattr(member, "__struct_config__") and not issubclass(member, Open):
            config = member.__struct_config__
            if config.tag == UNKNOWN_TYPE:
                node.is_open = True
                continue
            node.tag_field = config.tag_field if config.tag is not None else None
            node.add(str(config.tag) if config.tag is not None else "", member)
            found = True
    if not found:
        del _nodes[kind]
        return None
    return node


@cache  # as many as there are lists of variants in the shapes
def items_of(variants: Variants) -> Node:
    """The node of an item of a list of variants."""
    node = Node()
    node.vary(variants)
    return node


@cache  # one for each shape and each struct of variants
def root(struct: type[Struct]) -> Node:
    """The node of an object that is of this struct."""
    node = node_of(struct)
    assert node is not None
    return node
