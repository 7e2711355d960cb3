"""A form (multipart/form-data, RFC 7578) that was read whole: its fields, and the bytes that go upstream.

What goes upstream is written anew from the fields, under a boundary of our own. So no two readings of a boundary, a
quoted name or a header of a part can differ between here and there.

Names say where a value stands, as the SDKs write it: ``n`` is a field, each ``include[]`` an item of a list,
``expires_after[seconds]`` a member of an object. A field that is written in two of these ways, or twice in one, is
refused: which of them counts differs from server to server.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

import orjson

from engine.errors import BAD_REQUEST, Refusal

# Names and file names as they may be written between quotes without an escape. Bytes that are no UTF-8 come as halves
# of surrogate pairs.
_PLAIN = re.compile(r'[^\x00-\x1f\x7f"\\\ud800-\udfff]{1,256}')
_MEDIA = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}(?:; ?[A-Za-z0-9-]{1,32}=[A-Za-z0-9._-]{1,64})?"
)
_NAME = re.compile(r"[^\[\]]+(?:\[[^\[\]]+\])*(?:\[\])?")
_CHARSETS = ("utf-8", "utf8", "us-ascii")
# More levels than any request has, so that none is deep enough to trouble who walks it.
_DEEPEST = 8
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")


class Field(NamedTuple):
    """One part. `filename` and `media` are None where the part has none."""

    name: str
    filename: str | None
    media: str | None
    data: bytes


class Form:
    """The parts in their order. Raises Refusal (400) for what could be read in two ways."""

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        for field in fields:
            for text in (field.name, field.filename):
                if text is not None and not _PLAIN.fullmatch(text):
                    raise Refusal(BAD_REQUEST, "A name in the form has a character that is not allowed.")
            _check_media(field)
        self._values = self._read()

    def _read(self) -> dict[str, Any]:
        """The fields as an object; a file's value is its name."""
        values: dict[str, Any] = {}
        for field in self.fields:
            *outer, last = _path(field.name)
            inside = values
            for step in outer if last else outer[:-1]:
                inside = inside.setdefault(step, {})
                if not isinstance(inside, dict):
                    raise _stands_twice(field)
            if not last:
                items = inside.setdefault(outer[-1], [])
                if not isinstance(items, list):
                    raise _stands_twice(field)
                items.append(_value(field))
            elif last in inside:
                raise _stands_twice(field)
            else:
                inside[last] = _value(field)
        return values

    def text(self, name: str) -> str | None:
        """The text of a field that is no file, no list and no object."""
        return next((one.data.decode() for one in self.fields if one.name == name and one.filename is None), None)

    def as_json(self) -> bytes:
        """The form as a JSON object, for what judges parameters and texts: numbers and booleans as such, the name of a
        file in its place."""
        return orjson.dumps(self._values)

    def only(self, allowed: bytes) -> Form:
        """The form without the fields and items that a JSON object does not have."""
        values = orjson.loads(allowed)
        return Form([field for field in self.fields if _has(values, field)])

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


def _check_media(field: Field) -> None:
    """Raises Refusal (400) for a Content-Type that is none, or by which a text would be read as other than UTF-8."""
    if field.name == "_charset_":  # RFC 7578, section 4.6
        raise Refusal(BAD_REQUEST, "The charset of a form is UTF-8.", param=field.name)
    if field.media is None:
        return
    if not _MEDIA.fullmatch(field.media):
        raise Refusal(BAD_REQUEST, "A part's Content-Type is not valid.", param=field.name)
    if field.filename is None:
        name, _, charset = field.media.lower().partition(";")[2].strip().partition("=")
        if name == "charset" and charset not in _CHARSETS:
            raise Refusal(BAD_REQUEST, "The charset of a form is UTF-8.", param=field.name)


def _path(name: str) -> list[str]:
    """Where the value of a field stands; the last step is empty for an item of a list."""
    steps = name.replace("]", "").split("[")
    if not _NAME.fullmatch(name) or len(steps) > _DEEPEST:
        raise Refusal(BAD_REQUEST, "The brackets in a field's name do not say where it stands.", param=name)
    return steps


def _stands_twice(field: Field) -> Refusal:
    return Refusal(BAD_REQUEST, "A field of the form stands twice.", param=field.name)


def _has(values: Any, field: Field) -> bool:
    for step in _path(field.name):
        if not step:
            return _value(field) in values
        if not isinstance(values, dict) or step not in values:
            return False
        values = values[step]
    return True


def _value(field: Field) -> Any:
    if field.filename is not None:
        return field.filename
    try:
        text = field.data.decode()
    except UnicodeDecodeError:
        raise Refusal(BAD_REQUEST, "A field of the form is not UTF-8.", param=field.name) from None
    if text in ("true", "false"):
        return text == "true"
    return orjson.loads(text) if _NUMBER.fullmatch(text) else text
