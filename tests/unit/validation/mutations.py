"""Requests with one thing wrong, made from a right one and the SDK's type of it.

`violations` yields, for each place in a value: another JSON type than any that the place takes; where it takes one of
a few words, another word; without each field that is required.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, NotRequired, Required, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

_WRAPPERS = (Required, NotRequired, typing.Annotated)
_WRONG = (7, "no such value", [], {}, True)


class Violation(NamedTuple):
    """`kind` is "type", "word" or "missing"; `path` where it is; `value` the whole, changed."""

    kind: str
    path: str
    value: Any


def _members(kind: Any) -> list[Any]:
    origin = get_origin(kind)
    if origin in _WRAPPERS:
        return _members(get_args(kind)[0])
    if origin is typing.Union or isinstance(kind, type(int | str)):
        return [each for member in get_args(kind) for each in _members(member)]
    return [kind]


def _json_types(member: Any) -> set[type]:
    origin: Any = get_origin(member)
    if member in (object, Any):
        return {str, int, float, bool, list, dict}
    if origin is Literal:
        return {type(each) for each in get_args(member)}
    if is_typeddict(member) or origin is dict or getattr(origin, "__name__", "") == "Mapping":
        return {dict}
    if origin is not None:
        return {list}
    if member is float:
        return {int, float}
    return {member}


def _item(member: Any) -> Any:
    return get_args(member)[0]


def violations(kind: Any, value: Any) -> Iterator[Violation]:
    yield from _of(kind, value, "", lambda changed: changed)


def _of(kind: Any, value: Any, path: str, put: Callable[[Any], Any]) -> Iterator[Violation]:
    members = [member for member in _members(kind) if member is not type(None)]
    taken = {each for member in members for each in _json_types(member)}
    wrong = next((each for each in _WRONG if type(each) not in taken), None)
    if wrong is not None and path:
        yield Violation("type", path, put(wrong))
    if taken == {str} and all(get_origin(member) is Literal for member in members):
        yield Violation("word", path, put("no such value"))
    if isinstance(value, dict):
        yield from _of_object(members, value, path, put)
    elif isinstance(value, list) and value:
        for member in members:
            if _json_types(member) == {list}:
                yield from _of(_item(member), value[0], f"{path}[0]", lambda changed: put([changed, *value[1:]]))
                return


def _of_object(members: list[Any], value: dict[str, Any], path: str, put: Callable[[Any], Any]) -> Iterator[Violation]:
    for member in members:
        if not is_typeddict(member):
            continue
        hints = get_type_hints(member, include_extras=True)
        required = {
            key for key, hint in hints.items() if key in member.__required_keys__ or get_origin(hint) is Required
        }
        if not required <= value.keys() <= hints.keys() or not all(_tag_fits(hints[key], value[key]) for key in value):
            continue
        for key in sorted(required):
            yield Violation(
                "missing", f"{path}.{key}", put({name: each for name, each in value.items() if name != key})
            )
        for key, each in value.items():
            yield from _of(hints[key], each, f"{path}.{key}", lambda changed, key=key: put(value | {key: changed}))
        return


def _tag_fits(hint: Any, value: Any) -> bool:
    words = [get_args(member) for member in _members(hint) if get_origin(member) is Literal]
    return (
        not isinstance(value, str)
        or not words
        or len(words) < len(_members(hint))
        or any(value in each for each in words)
    )
