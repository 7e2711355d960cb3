"""Objects of a type that this build does not know: let through as news of the provider, unless it is a slip.

Providers add parts, blocks, items and tools all the time, and what is new must not be refused for that. But most
unknown types are no news. Two things tell a slip:

- The type is one that belongs elsewhere: ``input_text`` is a part of the Responses API, not of chat.
- With another type the object would be right as it stands, and has more than a type. News has fields of its own.

Neither holds for a type that ends in a date, which is a new version of what is known, nor for one that the policy names
in ``validation.new_types``.

Failure mode: `Refusal` (400) whose ``param`` is the place of the type.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields as struct_fields

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.place import spell
from engine.validation.shape import UNKNOWN_TYPE
from engine.validation.tree import Node, root

_DATED: Final = re.compile(r"[_-](?:\d{8}|\d{4}[_-]\d{2}[_-]\d{2})$")
# Types of parts, each in one dialect only; servers take more than their dialect has, but not these.
_PARTS: Final = frozenset(
    (
        "text",
        "image_url",
        "input_text",
        "input_image",
        "input_file",
        "output_text",
        "image",
        "tool_use",
        "tool_result",
        "search_result",
    )
)


# How often in one request it is tried whether an object would be right under another type: each try costs a decoding,
# and news with just the fields of something known is rare.
MOST_TRIED: Final = 1000


class Slips:
    """What tells slips from news in one request; types in `news` are no slips."""

    __slots__ = ("_likely", "_news", "_tried")

    def __init__(self, news: frozenset[str]) -> None:
        self._news = news
        self._tried = 0
        # Unknown objects come by the thousand and are all alike.
        self._likely: dict[tuple[int, frozenset[str]], list[tuple[str, type[Struct]]]] = {}

    def refuse(self, node: Node, kind: str, value: dict[str, Any], path: tuple[str | int, ...]) -> None:
        """Raise Refusal if the object `value` at `path`, of the type `kind` that `node` does not know, is a slip."""
        if kind in self._news:
            return
        if kind in _PARTS:
            raise Refusal(BAD_REQUEST, "This type does not stand here.", param=spell((*path, "type")))
        if len(value) < 2 or _DATED.search(kind):
            return
        names = frozenset(value) - {"type"}
        likely = self._likely.get((id(node), names))
        if likely is None:
            likely = self._likely[id(node), names] = [
                (known, struct) for known, struct in node.structs.items() if _may_be(struct, names)
            ]
        self._tried += len(likely)
        if self._tried > MOST_TRIED:
            message = "Too many objects of unknown types that have the fields of known ones."
            raise Refusal(BAD_REQUEST, message, param=spell((*path, "type")))
        for known, struct in likely:
            if _is(struct, value, known):
                message = f"Unknown type; with these fields it is '{known}'."
                raise Refusal(BAD_REQUEST, message, param=spell((*path, "type")))


def hide_unknown(struct: type[Struct], value: Any, slips: Slips, path: tuple[str | int, ...] = ()) -> None:
    """Empty every object of an unknown type below `value`, which is at `path` and to be a `struct`, where one may
    stand, and mark it as such. Raises Refusal for a slip."""
    _Walk(slips).visit(root(struct), value, path)


class _Walk:
    def __init__(self, slips: Slips) -> None:
        self._slips = slips

    def visit(self, node: Node, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, list):
            if node.items is not None:
                for index, item in enumerate(value):
                    self.visit(node.items, item, (*path, index))
        elif isinstance(value, dict):
            if node.values is not None and not node.objects:
                for key, item in value.items():
                    self.visit(node.values, item, (*path, key))
            elif node.objects:
                self._object(node, value, path)

    def _object(self, node: Node, value: dict[str, Any], path: tuple[str | int, ...]) -> None:
        kind = node.type_of(value)
        inside = node.objects.get(kind) if isinstance(kind, str) else None
        if inside is not None:
            for key, below in inside.items():
                if below is not None and key in value:
                    self.visit(below, value[key], (*path, key))
        elif node.is_open and isinstance(kind, str):
            self._slips.refuse(node, kind, value, path)
            value.clear()
            value["type"] = UNKNOWN_TYPE


def _may_be(struct: type[Struct], names: frozenset[str]) -> bool:
    every, required = _names(struct)
    return required <= names <= every


@cache  # as many as there are structs
def _names(struct: type[Struct]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of all fields and of the required ones, but for the type's."""
    known = struct_fields(struct)
    return (
        frozenset(field.encode_name for field in known),
        frozenset(field.encode_name for field in known if field.required) - {"type"},
    )


def _is(struct: type[Struct], value: dict[str, Any], kind: str) -> bool:
    try:
        convert(value | {"type": kind}, struct)
    except ValidationError:
        return False
    return True
