"""Plain-Python twin of the jsonguard kernel: the standard library's reader, made strict by its hooks."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

# Names of token counts are no text.
_COUNT = re.compile("[a-z_]*_tokens(?:_details)?")


class Refused(ValueError):
    """The text has no single strict reading."""


class _Object(list[tuple[str, Any]]):
    """An object as its pairs, so that the order of its strings survives."""


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused("duplicate key")
    return _Object(pairs)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Refused("number out of range")
    return value


def _constant(text: str) -> NoReturn:
    raise Refused(text)


def _strings(value: Any, depth: int, max_depth: int) -> list[str]:
    if isinstance(value, list) and depth == max_depth:
        raise Refused("nested too deeply")
    if isinstance(value, _Object):
        return [
            text
            for key, item in value
            for text in [*([] if _COUNT.fullmatch(key) else [key]), *_strings(item, depth + 1, max_depth)]
        ]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item, depth + 1, max_depth)]
    return [value] if isinstance(value, str) else []


def texts(body: bytes, max_depth: int = 1024) -> bytes:
    """As the kernel's. Raises Refused; reads no deeper than the interpreter's stack."""
    try:
        value = json.loads(
            body.decode(),  # strict, and a byte order mark stays a character that no JSON begins with
            object_pairs_hook=_pairs,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_constant,
        )
        # What the standard library lets through: encoding refuses the unpaired surrogates.
        return b"".join(text.encode() + b"\n\0\n" for text in _strings(value, 0, max_depth))
    except ValueError as error:
        raise Refused(str(error)) from error


def check(body: bytes, max_depth: int) -> None:
    """As the kernel's."""
    texts(body, max_depth)
