"""Server-sent events in plain Python: the whole stream at once, line by line."""

from __future__ import annotations

import re

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r)", re.DOTALL)


def split(stream: bytes) -> tuple[list[tuple[bytes, bytes | None, bytes | None]], bytes]:
    """Events as (raw, data, event), and what is left. A CR at the very end may be half of a line's end: it is left."""
    events = []
    begin = 0
    data: list[bytes] | None = None
    event: bytes | None = None
    for match in _LINE.finditer(stream):
        if match[2] == b"\r" and match.end() == len(stream):
            break
        line = match[1]
        if not events and line.startswith(b"\xef\xbb\xbf") and match.start() == 0:
            line = line[3:]
        if not match[1]:
            events.append((stream[begin : match.end()], b"\n".join(data) if data is not None else None, event))
            begin, data, event = match.end(), None, None
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data = [*(data or []), value]
        elif name == b"event":
            event = value
    return events, stream[begin:]
