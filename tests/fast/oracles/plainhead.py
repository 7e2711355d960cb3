"""Heads as llhttp reads them."""

from __future__ import annotations

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, HttpResponseParser


class Notes:
    """What a parser told of one message."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = 0
        self.failed = False
        self.keeps_alive = False
        self.parser: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1
        # Asked here: once the message is over, llhttp has forgotten how it was framed.
        self.keeps_alive = self.parser.should_keep_alive()


def read(data: bytes, *, answer: bool = False) -> tuple[Notes, Any]:
    """The notes of a parser on `data`, and the parser."""
    notes = Notes()
    parser = notes.parser = HttpResponseParser(notes) if answer else HttpRequestParser(notes)
    try:
        parser.feed_data(data)
    except (HttpParserError, HttpParserUpgrade):
        notes.failed = True
    return notes, parser
