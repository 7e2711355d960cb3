"""The request shapes as JSON Schemas (2020-12), for the description that the gateway serves of itself.

Made from the very types that requests are decoded by, so that neither can say what the other does not: bounds, words
and required fields are the same. Where an unknown type passes as news, the schema says so: any object whose type is
none of the known ones. What is refused as a slip, and what a shape checks beyond its types, the schema lets through.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from engine.validation.decode import SHAPES
from engine.validation.variants import Variants

PREFIX: Final = "#/components/schemas/"
# Names of types that stand in several modules are given with the module's by msgspec.
_PACKAGE: Final = "engine.validation."


@cache
def components() -> dict[str, Any]:
    """Schemas by name, of every struct that a request can hold; references begin with `PREFIX`."""
    variants = [variants for shape in SHAPES.values() for variants in shape.variants.values()]
    structs = {struct: None for each in variants for struct in each.structs.values()}
    types = [*SHAPES.values(), *structs]
    schemas, found = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    names = {kind: schema["$ref"].removeprefix(PREFIX) for kind, schema in zip(types, schemas, strict=True)}
    for shape in SHAPES.values():
        for field, each in shape.variants.items():
            for option in found[names[shape]]["properties"][field]["anyOf"]:
                if option.get("type") == "array":
                    option["items"] = _items(each, names)
    # See `ResponsesRequest.check`.
    asked = ("input", "prompt", "conversation", "previous_response_id")
    found[names[SHAPES["responses"]]]["anyOf"] = [{"required": [name]} for name in asked]
    return {_short(name): _settled(schema) for name, schema in found.items() if name != "Opaque"}


def request_name(endpoint: str) -> str:
    """The name of an endpoint's request among the components."""
    return SHAPES[endpoint].__name__


def _short(name: str) -> str:
    return name.removeprefix(_PACKAGE)


def _items(variants: Variants, names: dict[Any, str]) -> dict[str, Any]:
    """An item of a list of variants: by type, or of none, or of one that is not known."""
    options: list[dict[str, Any]] = []
    for struct in dict.fromkeys(variants.structs.values()):
        kinds = [kind for kind, each in variants.structs.items() if each is struct]
        option: dict[str, Any] = {"$ref": PREFIX + names[struct]}
        if struct not in variants.typeless:
            option |= {"properties": {"type": {"enum": kinds}}, "required": ["type"]}
        options.append(option)
    return {"anyOf": [*options, _unknown(list(variants.structs))]}


def _unknown(known: list[str]) -> dict[str, Any]:
    kind = {"type": "string", "not": {"enum": known}}
    return {"type": "object", "properties": {"type": kind}, "required": ["type"]}


def _settled(node: Any) -> Any:
    """A schema with short names, and with what `Opaque` stands for in its place."""
    if isinstance(node, list):
        return [_settled(item) for item in node]
    if not isinstance(node, dict):
        return node
    mapping = node.get("discriminator", {}).get("mapping", {})
    opaque = {"$ref": f"{PREFIX}Opaque"}
    settled = {}
    for name, value in node.items():
        if name == "$ref":
            settled[name] = value.replace(PREFIX + _PACKAGE, PREFIX)
        elif name == "anyOf" and opaque in value:
            known = [kind for kind, target in mapping.items() if target != opaque["$ref"]]
            settled[name] = [_unknown(known) if item == opaque else _settled(item) for item in value]
        elif name != "discriminator":
            # A discriminator must name every option, and some have none.
            settled[name] = _settled(value)
    return settled
