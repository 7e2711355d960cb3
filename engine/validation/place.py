"""The place of an error, spelled for a person: ``messages[3].content[0].text``.

msgspec names the fields on the way to an error but writes ``[...]`` for every index, as it keeps none while it decodes.
The index is found afterwards: the document is read again untyped, the fields are followed through both the value and
its type, and at ``[...]`` the first item that does not convert is found by halving. Only requests that are refused pay
for it, and every list on the way is converted at most once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from engine.validation.shape import UNKNOWN_TYPE

MAX_STEPS = 16  # of a place; a deeper one keeps its first and last halves
MAX_NAME = 64  # characters of a key that the client chose

_AT = re.compile(r" - at (`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[[^\]]*\]")
_PLAIN = re.compile(r"[\w$-]+")
# What a struct says of one of its fields itself.
_OWN = re.compile(r"(\w+): (.+)")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")


def spell(path: Iterable[str | int]) -> str:
    """The path in dotted form, ``""`` for the document itself. Bounded in length whatever the client sent."""
    steps: list[str] = []
    for step in path:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        elif len(step) > MAX_NAME:
            steps.append(f".{step[:MAX_NAME]}…" if _PLAIN.fullmatch(step) else f'["{step[:MAX_NAME]}…"]')
        else:
            steps.append(f".{step}" if _PLAIN.fullmatch(step) else f'["{step}"]')
    if len(steps) > MAX_STEPS:
        steps[MAX_STEPS // 2 : -MAX_STEPS // 2] = ["…"]
    return "".join(steps).removeprefix(".")


def explain(
    error: msgspec.ValidationError, value: Any, shape: Any, start: tuple[str | int, ...] = ()
) -> tuple[str, str]:
    """The place of `error`, met while `value`, itself at `start`, was read as a `shape`, and what was expected."""
    text = str(error)
    at = _AT.search(text)
    path: list[str | int] = [*start]
    expected: Any = shape
    if at is not None:
        text = text[: at.start()]
        for step in _STEP.finditer(at[2]):
            field = step[1]
            if field is not None:
                expected = _field_type(expected, value, field)
                value = value[field] if isinstance(value, dict) else None
                path.append(field)
                continue
            expected = _item_type(expected, value)
            key, value = _first_wrong(value, expected)
            path.append(key)
    own = _OWN.fullmatch(text)
    if own is not None:
        path.append(own[1])
        text = own[2]
    missing = _MISSING.fullmatch(text)
    if missing is not None:
        path.append(missing[1])
        text = f"Missing required field '{missing[1]}'"
    elif text.startswith("Invalid "):
        choices = _choices(expected)
        text = f"Expected one of {', '.join(choices)}" if choices else "Invalid value"
    return spell(path), text.replace("`", "'") + "."


def members(kind: Any) -> list[Any]:
    """The members of a union, without None; a type that is no union is its own only member."""
    if get_origin(kind) is Annotated:
        return members(get_args(kind)[0])
    if isinstance(kind, type(int | str)) or get_origin(kind) is Union:
        return [member for each in get_args(kind) if each is not type(None) for member in members(each)]
    return [kind]


def structs(kind: Any) -> list[Any]:
    return [member for member in members(kind) if isinstance(member, type) and issubclass(member, msgspec.Struct)]


def _field_type(kind: Any, value: Any, field: str) -> Any:
    """The type of a field of `value`, which is read as one of the structs of `kind`."""
    candidates = structs(kind)
    tagged = [struct for struct in candidates if struct.__struct_config__.tag is not None]
    for struct in candidates:
        config = struct.__struct_config__
        if config.tag_field == field:
            # The field that tells the structs apart has no type of its own: its values are their tags.
            return Literal[tuple(each.__struct_config__.tag for each in tagged)]
        chosen = config.tag is None or (isinstance(value, dict) and value.get(config.tag_field) == config.tag)
        if chosen and field in fields(struct):
            return fields(struct)[field]
    return Any


@cache  # as many as there are structs; their annotations are slow to resolve
def fields(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {info.encode_name: info.type for info in msgspec.structs.fields(struct)}


def _item_type(kind: Any, value: Any) -> Any:
    wanted = dict if isinstance(value, dict) else list
    for member in members(kind):
        if get_origin(member) is wanted:
            return get_args(member)[-1]
    return Any


def _first_wrong(value: Any, kind: Any) -> tuple[str | int, Any]:
    """Key or index, and value, of the first item that is no `kind`; one of them is not."""
    items: list[Any] = list(value.values()) if isinstance(value, dict) else value
    low, high = 0, len(items)  # all before `low` are right, one before `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        try:
            msgspec.convert(items[low:middle], list[kind])
        except msgspec.ValidationError:
            high = middle
        else:
            low = middle
    return list(value)[low] if isinstance(value, dict) else low, items[low]


def _choices(kind: Any) -> list[str]:
    """The values that a field may take, quoted."""
    return [
        f"'{choice}'"
        for member in members(kind)
        if get_origin(member) is Literal
        for choice in get_args(member)
        if choice != UNKNOWN_TYPE
    ]
