"""The members of a JSON object by the standard library's parser."""

from __future__ import annotations

import json
from typing import Any


def pairs(text: bytes) -> list[tuple[str, Any]]:
    """Keys and parsed values of the object that `text` is; nothing for another value."""
    try:
        value = json.loads(text, object_pairs_hook=lambda found: found)
    except ValueError:
        return []
    # A list of pairs is an object; one of anything else an array.
    is_object = text.lstrip(b" \t\r\n").startswith(b"{")
    return value if is_object else []
