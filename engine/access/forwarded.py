"""The `Forwarded` header (RFC 7239): its `for` values, in the order of the hops.

Read strictly, because a proxy's addition stands behind what a client may have put there: a quote that is not closed
would take what follows into itself. Where a value cannot be read, its hop is there all the same, as one that names no
address, so that the walk from the right ends at it.
"""

from __future__ import annotations

import re
from typing import Final

# A parameter's value: a token, or a quoted string (RFC 9110, section 5.6).
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_PAIR: Final = re.compile(rb"[ \t]*(" + _TOKEN + rb")=(" + _TOKEN + rb"|" + _QUOTED + rb")[ \t]*")
# An element: everything up to the next comma that does not stand in quotes.
_ELEMENT: Final = re.compile(rb'(?:[^",]|' + _QUOTED + rb")*")


def forwarded_for(value: bytes) -> list[bytes]:
    """The `for` value of each element, without its quotes; b"" for an element that names none or is malformed."""
    found = []
    at = 0
    while True:
        match = _ELEMENT.match(value, at)
        assert match is not None
        at = match.end()
        if at < len(value) and value[at : at + 1] != b",":
            # A quote that is not closed: nothing that follows can be told apart.
            found.append(b"")
            return found
        found.append(_node(match[0]))
        if at == len(value):
            return found
        at += 1


def _node(element: bytes) -> bytes:
    node = b""
    at = 0
    while True:
        # Anchored at each step: a search would look at a long token again from each of its bytes.
        match = _PAIR.match(element, at)
        if match is None:
            return b""
        if match[1].lower() == b"for":
            if node:
                return b""
            node = match[2]
        at = match.end()
        if at == len(element):
            text = re.sub(rb"\\(.)", rb"\1", node[1:-1]) if node.startswith(b'"') else node
            # An address has no comma; whoever joins the hops of several fields must not find one more in it.
            return text if b"," not in text else b""
        if element[at : at + 1] != b";":
            return b""
        at += 1
