"""A bound on what a stranger's JSON Schema can cost: how often one place of a value is looked at.

Theory of operation. Keywords such as ``anyOf`` apply several schemas to one place, and each of them may go down to the
same place below: what is doubled on each level of a recursive schema is exponential in the depth of the value. So the
schema is unrolled to `DEPTH` levels of a value, along the one way down that costs most: schemas that apply in place add
up, of those for different members the dearest counts. Where that stays under `MOST`, checking a value of n places takes
at most n times as much work.

Failure mode: `TooCostly`, also for references that are no pointer into the schema itself.
"""

from __future__ import annotations

from typing import Any, Final

DEPTH: Final = 32
MOST: Final = 2000
# Objects in a schema. A provider takes 5,000 properties; people write some hundred.
MOST_NODES: Final = 8000

_IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")
_IN_PLACE: Final = ("not", "if", "then", "else")
_IN_PLACE_MAPS: Final = ("dependentSchemas",)
_BELOW: Final = (
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_BELOW_LISTS: Final = ("prefixItems",)
_BELOW_MAPS: Final = ("properties", "patternProperties")
_FOREIGN: Final = ("$dynamicRef", "$recursiveRef", "$id")


class TooCostly(Exception):
    """A schema whose cost has no bound that is low enough."""


def check_cost(schema: Any) -> None:
    """Raises TooCostly. `schema` is parsed JSON and a valid schema."""
    if _count(schema) > MOST_NODES:
        raise TooCostly(f"it has more than {MOST_NODES} parts")
    try:
        cost = _Costs(schema).of(schema, DEPTH)
    except RecursionError:
        raise TooCostly("it is nested too deeply") from None
    if cost > MOST:
        raise TooCostly("its alternatives multiply")


def _count(schema: Any) -> int:
    count, pending = 0, [schema]
    while pending:
        node = pending.pop()
        count += 1
        if isinstance(node, dict):
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return count


class _Costs:
    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._known: dict[tuple[int, int], int] = {}

    def of(self, schema: Any, depth: int) -> int:
        """How often the dearest place is looked at, at this level and `depth` levels below it."""
        if not isinstance(schema, dict) or depth == 0:
            return 1
        key = (id(schema), depth)
        known = self._known.get(key)
        if known is not None:
            return known
        # What comes back to itself on one level ends there: the validator takes it so too.
        self._known[key] = 1
        cost = 1 + sum(self.of(part, depth) for part in self._in_place(schema))
        below = max((self.of(part, depth - 1) for part in _below(schema)), default=0)
        self._known[key] = cost = min(cost + below, MOST + 1)
        return cost

    def _in_place(self, schema: dict[str, Any]) -> list[Any]:
        if any(name in schema for name in _FOREIGN):
            raise TooCostly("it refers to schemas by more than pointers")
        parts = [schema[name] for name in _IN_PLACE if name in schema]
        for name in _IN_PLACE_LISTS:
            parts += _values(schema.get(name))
        for name in _IN_PLACE_MAPS:
            parts += _values(schema.get(name))
        if "$ref" in schema:
            parts.append(self._target(schema["$ref"]))
        return parts

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise TooCostly("it refers to schemas by more than pointers")
        target = self._whole
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and name in target:
                target = target[name]
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                raise TooCostly("it refers to what it does not have")
        return target


def _below(schema: dict[str, Any]) -> list[Any]:
    parts = [schema[name] for name in _BELOW if name in schema]
    for name in (*_BELOW_LISTS, *_BELOW_MAPS):
        parts += _values(schema.get(name))
    return parts


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
