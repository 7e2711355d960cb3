"""The template kernel in plain Python: the event's parts by a regular expression, its strings by `json`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

TEXT, PADDING, NUMBER = range(3)

_STRING = rb'((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)'
_NUMBER = rb"(0|[1-9][0-9]{0,17})"


def text(raw: bytes, places: Sequence[tuple[int, int, int]], event: bytes) -> tuple[bytes, bytes] | None:
    """The text and the padding of an event that is like `raw` but in `places`; None where it is not."""
    pattern = b""
    at = 0
    for left, right, kind in places:
        pattern += re.escape(raw[at:left]) + (_NUMBER if kind == NUMBER else _STRING)
        at = right
    match = re.fullmatch(pattern + re.escape(raw[at:]), event)
    if match is None:
        return None
    found = {TEXT: b"", PADDING: b""}
    for number, (_, _, kind) in enumerate(places, 1):
        if kind != NUMBER:
            try:
                value = json.loads(b'"' + match[number] + b'"')
                found[kind] = value.encode()
            except (UnicodeDecodeError, UnicodeEncodeError):
                return None
            # Surrogates, which are allowed in pairs only: the kernel takes none.
            if re.search(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]", match[number]):
                return None
    return found[TEXT], found[PADDING]
