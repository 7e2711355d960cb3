"""Values of the SDKs' own parameter types, made from the types themselves.

`samples` yields, for a type of the openai or anthropic package, values that together use every field of every variant:
a dictionary with every key, one with only the required keys, and for each key one for each further variant of its
value. So a field or variant that an SDK adds is tried as soon as the SDK is upgraded.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from functools import cache
from typing import Any, NotRequired, Required, cast, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

MAX_DEPTH = 9  # recursive types: a tool result holds blocks; a filter holds filters
_WRAPPERS = (Required, NotRequired, typing.Annotated)


def samples(kind: Any, depth: int = 0) -> Iterator[Any]:
    """Values of `kind`, the fullest first. Nothing where the type cannot be JSON (a file) or goes too deep."""
    if depth > MAX_DEPTH:
        return
    origin = cast(Any, get_origin(kind))
    arguments = get_args(kind)
    if origin in _WRAPPERS:
        yield from samples(arguments[0], depth)
    elif origin is typing.Union or isinstance(kind, type(int | str)):
        # Beside other types, "object" stands for a recursion that the SDK cannot spell.
        known = [member for member in arguments if member is not object]
        for member in sorted(known or arguments, key=lambda each: each is type(None)):
            yield from samples(member, depth)
    elif origin is typing.Literal:
        yield from arguments
    elif is_typeddict(kind):
        yield from _dictionaries(kind, depth)
    elif origin is dict:
        for value in samples(arguments[1], depth + 1):
            yield {"key": value}
    elif origin is not None and isinstance(origin, type) and issubclass(origin, typing.Iterable):
        for value in samples(arguments[0], depth + 1):
            yield [value]
    elif kind in _SCALARS:
        yield _SCALARS[kind]
    elif getattr(origin, "__name__", "") == "SequenceNotStr":
        for value in samples(arguments[0], depth + 1):
            yield [value]


_SCALARS: dict[Any, Any] = {
    str: "text",
    int: 1,
    float: 0.5,
    bool: True,
    type(None): None,
    object: {"any": ["thing"]},
    typing.Any: {"any": ["thing"]},
}


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The fields of a typed dictionary."""
    return get_type_hints(kind, include_extras=True)


# What the providers bound beyond what a type can say.
_BOUNDED: dict[str, Any] = {"budget_tokens": 1024, "country": "FR"}


def _dictionaries(kind: Any, depth: int) -> Iterator[dict[str, Any]]:
    hints = hints_of(kind)
    values = {key: list(samples(hint, depth + 1)) for key, hint in hints.items()}
    values |= {key: [_BOUNDED[key]] for key in values.keys() & _BOUNDED.keys()}
    # Under postponed annotations the class itself does not see its Required marks.
    origins: dict[str, Any] = {key: get_origin(hint) for key, hint in hints.items()}
    required = {key for key in hints if key in kind.__required_keys__ or origins[key] is Required}
    if any(not values[key] for key in required):
        return
    full = {key: variants[0] for key, variants in values.items() if variants}
    yield full
    yield {key: full[key] for key in full if key in required}
    for key, variants in values.items():
        for variant in variants[1:]:
            yield full | {key: variant}
