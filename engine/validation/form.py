"""A form (multipart/form-data, RFC 7578) that was read whole: its fields, and the bytes that go upstream.

What goes upstream is written anew from the fields, under a boundary of our own. So no two readings of a boundary, a
quoted name or a header of a part can differ between here and there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from engine.errors import BAD_REQUEST, Refusal

# Names and file names as they may be written between quotes without an escape.
_PLAIN = re.compile(r'[^\x00-\x1f\x7f"\\]{1,256}')
_MEDIA = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}(?:; ?[A-Za-z0-9-]{1,32}=[A-Za-z0-9._-]{1,64})?"
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")


class Field(NamedTuple):
    """One part. `filename` and `media` are None where the part has none."""

    name: str
    filename: str | None
    media: str | None
    data: bytes


class Form:
    """The parts in their order. Raises Refusal (400) for a name that could be read in two ways, or stands twice."""

    def __init__(self, fields: list[Field]) -> None:
        seen = set()
        for field in fields:
            for text in (field.name, field.filename):
                if text is not None and not _PLAIN.fullmatch(text):
                    raise Refusal(BAD_REQUEST, "A name in the form has a character that is not allowed.")
            if field.media is not None and not _MEDIA.fullmatch(field.media):
                raise Refusal(BAD_REQUEST, "A part's Content-Type is not valid.", param=field.name)
            if field.name in seen and not field.name.endswith("[]"):
                raise Refusal(BAD_REQUEST, "A field of the form stands twice.", param=field.name)
            seen.add(field.name)
        self.fields = fields

    def _texts(self) -> Iterator[tuple[str, str]]:
        for field in self.fields:
            if field.filename is None:
                try:
                    yield field.name, field.data.decode()
                except UnicodeDecodeError:
                    raise Refusal(BAD_REQUEST, "A field of the form is not UTF-8.", param=field.name) from None

    def text(self, name: str) -> str | None:
        """The text of a field that is no file."""
        return next((text for found, text in self._texts() if found == name), None)

    def as_json(self) -> bytes:
        """The fields that are no files as a JSON object, for what judges parameters: numbers and booleans as such."""
        return orjson.dumps({name.removesuffix("[]"): _value(text) for name, text in self._texts()})

    def only(self, allowed: bytes) -> Form:
        """The form without the text fields that a JSON object does not have."""
        names = orjson.loads(allowed)
        return Form([one for one in self.fields if one.filename is not None or one.name.removesuffix("[]") in names])

    def encode(self) -> tuple[bytes, bytes]:
        """The Content-Type and the body."""
        boundary = b"tidegate-" + os.urandom(16).hex().encode()
        parts: list[bytes] = []
        for field in self.fields:
            parts += (b"--", boundary, b'\r\nContent-Disposition: form-data; name="', field.name.encode(), b'"')
            if field.filename is not None:
                parts += (b'; filename="', field.filename.encode(), b'"')
            if field.media is not None:
                parts += (b"\r\nContent-Type: ", field.media.encode())
            parts += (b"\r\n\r\n", field.data, b"\r\n")
        parts += (b"--", boundary, b"--\r\n")
        return b"multipart/form-data; boundary=" + boundary, b"".join(parts)


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return orjson.loads(text) if _NUMBER.fullmatch(text) else text
