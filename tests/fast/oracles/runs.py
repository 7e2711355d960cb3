"""The runs kernel in plain Python: a regular expression, and the standard library's base64."""

from __future__ import annotations

import base64
import re

_CONTROLS = bytes({*range(32), 127} - {9, 10, 13})


def find(
    members: bytes, least: int, longest: int, ending: bytes, mark: bytes, is_base64: bool, text: bytes, start: int
) -> tuple[int, int] | None:
    """The first token from `start` on."""
    if not members:
        return None
    kind = b"[%b]" % re.escape(members)
    behind = b"[%b]{0,2}" % re.escape(ending) if ending else b""
    run = re.compile(b"(?<!%b)(%b+)%b" % (kind, kind, behind))
    at = start
    while (match := run.search(text, at)) is not None:
        left, right = match.span()
        # What is left of a run that begins before the start is no token, nor is what overlaps the one before.
        enough = len(match[1]) >= least - (2 if ending else 0) and least <= right - left <= longest
        if enough and (not mark or mark in match[1]) and (not is_base64 or may_be_text(match[1])):
            return left, right
        at = right
    return None


def may_be_text(token: bytes) -> bool:
    """Whether base64 decodes to UTF-8 without control characters."""
    if len(token) % 4 == 1:
        return False
    padded = token.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(token) % 4)
    text = base64.b64decode(padded, validate=True)
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return text.translate(None, _CONTROLS) == text
