"""Which texts can name a subject, role or team."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_TEXT: Final = 256


def check_text(what: str, text: str) -> str:
    """The text, where it can name a subject, role or team. Raises ValueError.

    Two names that look alike to a person must not be two names to the gateway, and none may break a line of a log: no
    control, format or private characters, no space at the ends, in normal form C.
    """
    if not text or len(text) > MAX_TEXT:
        raise ValueError(f"a {what} has 1 to {MAX_TEXT} characters")
    if text != text.strip() or any(
        unicodedata.category(character)[0] in "CZ" and character != " " for character in text
    ):
        raise ValueError(f"a {what} has no control or invisible characters, and no space at its ends")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError(f"a {what} is in Unicode normal form C")
    return text
