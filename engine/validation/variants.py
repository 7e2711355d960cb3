"""Lists whose items are told apart by a ``type`` that an item need not carry.

A decoder of tagged unions wants the tag in every item. So such a list is decoded as raw JSON first, and then each item
by the struct of its type. An item without a type is what such items are as a rule, or, where it has an ``id`` and
nothing else, a reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

_ABSENT: Final = msgspec.Raw()


class _Head(msgspec.Struct, frozen=True, gc=False):
    """What tells an item's type. Of the role only the presence counts."""

    type: str | None = None
    role: msgspec.Raw = _ABSENT


_head = msgspec.json.Decoder(_Head).decode


class Variants:
    """`structs` by type; `untyped` is the type of an item that carries none, `reference` of one that is an id."""

    __slots__ = ("_reference", "_untyped", "decoders", "structs", "typeless")

    def __init__(self, structs: Mapping[str, type[msgspec.Struct]], untyped: str, reference: str | None = None) -> None:
        self.structs: Final = structs
        self._untyped = untyped
        self._reference = reference
        # The structs whose items need no type.
        self.typeless: Final = frozenset(structs[kind] for kind in (untyped, reference) if kind is not None)
        decoders = {struct: msgspec.json.Decoder(struct).decode for struct in structs.values()}
        self.decoders: Final[dict[str, Callable[[msgspec.Raw], Any]]] = {
            kind: decoders[struct] for kind, struct in structs.items()
        }

    def type_of_raw(self, item: msgspec.Raw) -> str:
        """The type of an item. Raises msgspec.ValidationError for what is no object, or has a type that is no text."""
        head = _head(item)
        if head.type is not None:
            return head.type
        if self._reference is None or head.role is not _ABSENT:
            return self._untyped
        return str(self.type_of(msgspec.json.decode(item)))

    def type_of(self, item: Mapping[str, Any]) -> Any:
        """The same of an item that is read, as it stands; "" where it lacks a type that it needs."""
        kind = item.get("type")
        if kind is not None:
            return kind
        if self._reference is None or "role" in item:
            return self._untyped
        if item.keys() - {"type"} == {"id"}:
            return self._reference
        known = self.structs[self._untyped].__struct_encode_fields__
        return self._untyped if item.keys() <= set(known) else ""
