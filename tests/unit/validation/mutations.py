"""Requests with one thing wrong, made from a right one and the SDK's type of it.

`violations` yields, for each place in a value: another JSON type than any that the place takes; the value one level too
deep or too high; where it takes one of a few words, another word; without each field that is required; and for the
fields of `BOUNDED`, what their provider's documentation excludes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, NotRequired, Required, get_args, get_origin

from typing_extensions import is_typeddict

from tests.unit.validation.sdk_samples import hints_of

_WRAPPERS = (Required, NotRequired, typing.Annotated)
_WRONG = (7, "no such value", [], {}, True)

# By the name of a field, or by its whole path, values that are out of its bounds, in all dialects that have it.
BOUNDED: dict[str, tuple[Any, ...]] = {
    "temperature": (-0.1, 2.1),
    "top_p": (-0.1, 1.1),
    "presence_penalty": (-2.1, 2.1),
    "frequency_penalty": (-2.1, 2.1),
    "n": (0, 129),
    "top_logprobs": (-1, 21),
    "logit_bias": ({"1": 101}, {"1": -101}),
    "stop": (["a"] * 5,),
    "best_of": (21, -1),
    "dimensions": (0,),
    "top_k": (-1,),
    "budget_tokens": (0, 1023),
    "max_completion_tokens": (0,),
    "max_output_tokens": (0,),
    "max_num_results": (0, 51),
    "score_threshold": (-0.1, 1.1),
    "output_compression": (101, -1),
    "partial_images": (4,),
    "max_uses": (0,),
    "messages": ([],),
    "vector_store_ids": ([],),
    "user_id": ("x" * 257,),
    ".model": ("",),
    ".safety_identifier": ("x" * 129,),
    "metadata": ({str(each): "x" for each in range(17)}, {"x" * 65: "x"}, {"x": "x" * 513}),
}


class Violation(NamedTuple):
    """`path` is where it is, in an object of the type `within`; `make` gives the whole, changed."""

    kind: str
    path: str
    within: str
    make: Callable[[], Any]


Put = Callable[[Any], Any]


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


def violations(kind: Any, value: Any) -> Iterator[Violation]:
    yield from _of(kind, value, "", "", lambda changed: changed)


def _of(kind: Any, value: Any, path: str, within: str, put: Put) -> Iterator[Violation]:
    members = [member for member in _members(kind) if member is not type(None)]
    taken = {each for member in members for each in _json_types(member)}
    if path:
        for wrong in _WRONG:
            if type(wrong) not in taken:
                yield Violation("type", path, within, lambda wrong=wrong: put(wrong))
                break
        if list not in taken:
            yield Violation("too deep", path, within, lambda: put([value]))
        if isinstance(value, list) and value and type(value[0]) not in taken:
            yield Violation("too high", path, within, lambda: put(value[0]))
        name = path.rpartition(".")[2]
        if taken != {str, int, float, bool, list, dict}:
            for number, wrong in enumerate(BOUNDED.get(path, BOUNDED.get(name, ()))):
                if type(wrong) in taken and not (type(wrong) is dict and any(map(is_typeddict, members))):
                    yield Violation(f"bound {number}", path, within, lambda wrong=wrong: put(wrong))
    if taken == {str} and members and all(get_origin(member) is Literal for member in members):
        yield Violation("word", path, within, lambda: put("no such value"))
    if isinstance(value, dict):
        yield from _of_object(members, value, path, put)
    elif isinstance(value, list) and value:
        items = [get_args(member)[0] for member in members if _json_types(member) == {list}]
        if items:
            item = typing.Union[tuple(items)]  # noqa: UP007
            yield from _of(item, value[0], f"{path}[0]", within, lambda changed: put([changed, *value[1:]]))


def _of_object(members: list[Any], value: dict[str, Any], path: str, put: Put) -> Iterator[Violation]:
    for member in members:
        if not is_typeddict(member):
            continue
        hints = hints_of(member)
        required = {
            key for key, hint in hints.items() if key in member.__required_keys__ or get_origin(hint) is Required
        }
        if not required <= value.keys() <= hints.keys() or not all(_tag_fits(hints[key], value[key]) for key in value):
            continue
        within = str(value.get("type", ""))
        for key in sorted(required):
            without = {name: each for name, each in value.items() if name != key}
            yield Violation("missing", f"{path}.{key}", within, lambda without=without: put(without))
        for key, each in value.items():
            yield from _of(
                hints[key], each, f"{path}.{key}", within, lambda changed, key=key: put(value | {key: changed})
            )
        return


def _tag_fits(hint: Any, value: Any) -> bool:
    words = [get_args(member) for member in _members(hint) if get_origin(member) is Literal]
    return (
        not isinstance(value, str)
        or not words
        or len(words) < len(_members(hint))
        or any(value in each for each in words)
    )
