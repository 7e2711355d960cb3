"""The runs kernel in plain Python: a regular expression."""

from __future__ import annotations

import re


def find(members: bytes, least: int, text: bytes, start: int) -> tuple[int, int] | None:
    """The first run of `least` or more of the bytes in `members`."""
    if not members:
        return None
    match = re.compile(b"[%b]{%d,}" % (re.escape(members), least)).search(text, start)
    return None if match is None else match.span()
