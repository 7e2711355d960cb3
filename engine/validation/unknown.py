"""Fields that a request has and its shape does not know: found, taken out or refused, as the policy says.

Rules. ``reject`` refuses the first unknown field, and an object whose ``type`` this build does not know, by its place.
``strip`` takes unknown fields out and writes the request anew, numbers as they were; an object of an unknown ``type``
stays whole, because without its fields it would mean something else. A request without unknown fields keeps its bytes.

Only policies that ask for it pay for it: about the cost of an ordinary JSON decoding.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.place import spell
from engine.validation.request import RequestShape
from engine.validation.tree import Node, root

Unknown = Literal["allow", "strip", "reject"]


class _Walk:
    """One request. `changed`: something was taken out."""

    def __init__(self, mode: Unknown) -> None:
        self._strip = mode == "strip"
        self.changed = False
        self._path: list[str | int] = []

    def visit(self, node: Node, value: Any) -> None:
        path = self._path
        if isinstance(value, list):
            if node.items is not None:
                for index, item in enumerate(value):
                    path.append(index)
                    self.visit(node.items, item)
                    path.pop()
        elif isinstance(value, dict):
            if node.values is not None and not node.objects:
                for key, item in value.items():
                    path.append(key)
                    self.visit(node.values, item)
                    path.pop()
            elif node.objects:
                self._object(node, value)

    def _object(self, node: Node, value: dict[str, Any]) -> None:
        path = self._path
        kind = node.type_of(value)
        inside = node.objects.get(kind) if isinstance(kind, str) else None
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
    walk.visit(root(shape), value)
    if not walk.changed:
        return body
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
