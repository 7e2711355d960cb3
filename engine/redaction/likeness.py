"""From one event of a stream to the template of those that follow: which of its bytes will differ in them.

Those of the piece of text; of OpenAI's running number, and of the padding by which it hides the length of a piece. All
other bytes have to be the same. Each place is looked up in the bytes and then proved: with other values written there,
the event is read again, and must be the same event with these values where they belong.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import orjson

from engine._fast.sse import parse
from engine._fast.template import NUMBER, PADDING, TEXT, Template, find_text
from engine.redaction.channels import Piece, pieces

_NUMBER: Final = re.compile(rb'"sequence_number": ?(\d+)')
_PADDING: Final = re.compile(rb'"obfuscation": ?"([0-9A-Za-z]*)"')
# What stands in the places while they are proved. No event has them.
_SAMPLE: Final = "\u2042 a text that no event has"
_SAMPLE_NUMBER: Final = 9_753_197_531
_SAMPLE_PADDING: Final = "apaddingthatnoeventhas"


def likeness(raw: bytes, piece: Piece) -> Template | None:
    """The template of an event, given by its bytes and its only piece; None where the piece's place is not certain."""
    found = find_text(raw, piece.text.encode())
    if found is None:
        return None
    places = [(*found, TEXT, _SAMPLE.encode())]
    for pattern, kind, value in (
        (_NUMBER, NUMBER, b"%d" % _SAMPLE_NUMBER),
        (_PADDING, PADDING, _SAMPLE_PADDING.encode()),
    ):
        matches = list(pattern.finditer(raw))
        if len(matches) == 1:
            places.append((*matches[0].span(1), kind, value))
    places.sort()
    if any(left < right for (_, right, *_), (left, *_) in pairwise(places)):
        return None
    return _proved(raw, places, piece)


def _proved(raw: bytes, places: list[tuple[int, int, int, bytes]], piece: Piece) -> Template | None:
    sample = b""
    at = 0
    for left, right, _, value in places:
        sample += raw[at:left] + value
        at = right
    data = parse(sample + raw[at:]).data
    assert data is not None
    event = orjson.loads(data)
    kinds = {kind for _, _, kind, _ in places}
    again = list(pieces(event))
    if len(again) != 1 or again[0].channel != piece.channel or again[0].text != _SAMPLE:
        return None
    if NUMBER in kinds and event.get("sequence_number") != _SAMPLE_NUMBER:
        return None
    if PADDING in kinds and event.get("obfuscation") != _SAMPLE_PADDING:
        return None
    return Template(raw, [(left, right, kind) for left, right, kind, _ in places])
