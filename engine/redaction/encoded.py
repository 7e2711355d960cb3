"""Encoded forms, one level deep: percent-encoding, HTML entities, base64 and hex that hide what other rules find.

Theory. A *token* is the longest run of the characters that an encoding uses. One of `least` to `LONGEST` bytes is
decoded, once, and if it becomes text, the other rules of the profile search it. What they find hides the whole token:
which characters of a token stand for which of the text is not the same in all encodings.

While a text goes on, the token at its end is open, and nothing before it is. So the hold-back is one token, and each is
decoded once: time is linear in the text, whatever stands in it.

Not handled: tokens of more than LONGEST bytes (images and archives are, and no model writes secrets that long), base64
that is broken by line ends, an encoding within another.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from engine._fast.runs import Tokens

LONGEST: Final = 2048

Decode = Callable[[bytes], bytes | None]
Finds = Callable[[bytes], bool]

_ENTITY: Final = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})
_HEX_ESCAPE: Final = b"\\x"


class EncodedText:
    """Finds tokens of `alphabet` whose decoded text `finds` accepts; without it, all that decode to text.

    `ending`: characters that a token may have at its end only, two of them at most. `mark`: the character that every
    token has that is worth decoding, or none.
    """

    def __init__(
        self,
        decode: Decode,
        alphabet: bytes,
        least: int,
        ending: bytes = b"",
        mark: bytes = b"",
        finds: Finds | None = None,
    ) -> None:
        self._decode = decode
        self._alphabet = alphabet
        self._least = least
        self._ending = ending
        self._mark = mark
        self._finds = finds
        self._members = frozenset(alphabet)
        self._tokens = Tokens(alphabet, least, LONGEST, ending, mark, decode is base_64)

    def within(self, finds: Finds) -> EncodedText:
        """The same for a profile: `finds` tells whether its other rules find something."""
        return EncodedText(self._decode, self._alphabet, self._least, self._ending, self._mark, finds)

    @property
    def lookback(self) -> int:
        return 1

    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None:
        while (token := self._tokens.find(text, at, before)) is not None:
            left, right = token
            if self._hides(text[left:right]):
                return left, right
            at = right
        return None

    def tail(self, text: bytes, start: int) -> int:
        size = len(text)
        end = len(text.rstrip(self._ending)) if self._ending else size
        left = len(text[:end].rstrip(self._alphabet)) if end < size else len(text.rstrip(self._alphabet))
        begins_before = left < start or (left == start > 0 and text[start - 1] in self._members)
        return size if left == end or begins_before or size - left > LONGEST else left

    def _hides(self, token: bytes) -> bool:
        text = self._decode(token)
        if text is None or text == token or text.translate(None, _CONTROLS) != text:
            return False
        try:
            text.decode()
        except UnicodeDecodeError:
            return False
        return self._finds is None or self._finds(text)


def percent(token: bytes) -> bytes | None:
    """RFC 3986, section 2.1."""
    return unquote_to_bytes(token)


def entities(token: bytes) -> bytes | None:
    """HTML's character references."""
    return _ENTITY.sub(lambda match: html.unescape(match[0].decode()).encode("utf-8", "replace"), token)


def base_64(token: bytes) -> bytes | None:
    """RFC 4648, sections 4 and 5, with or without its padding."""
    body = token.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(body + b"=" * (-len(body) % 4), validate=True)
    except binascii.Error:
        return None


def hexadecimal(token: bytes) -> bytes | None:
    """Two digits a byte, as one number or each behind `\\x`."""
    digits = token.replace(_HEX_ESCAPE, b"").removeprefix(b"0x")
    try:
        return binascii.unhexlify(digits)
    except binascii.Error:
        return None
