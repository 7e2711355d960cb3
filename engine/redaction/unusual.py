"""The unusual bytes of a pattern: of which one stands in each of its matches, and in few other texts.

A rule for characters that nobody sees, or for a terminal's sequences, has no literal that would announce it. But where
a text has no control character and nothing outside of ASCII, it has no match: so these rules are asked for only in
texts that have one of their bytes (see the `unusual` kernel).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Repeat, literal_of, parse

_USUAL: Final = frozenset((9, 10, 13, *range(32, 127)))
_CHARACTER: Final = r"\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\.|[^\\]"
# A member of a class, or a range of them. A hyphen first or last is one of the members.
_MEMBER: Final = re.compile(rf"({_CHARACTER})(?:-({_CHARACTER}))?", re.DOTALL)


def unusual_of(pattern: str) -> int:
    """These bytes as the `unusual` kernel gives them, a bit for each; 0 where a match can do without.

    Of characters outside of ASCII it is the first byte of their UTF-8. Raises SyntaxUnknown.
    """
    parsed = parse(pattern)
    # Blind to case, a character may have forms that begin with another byte.
    if parsed.folds_case or _folds(parsed.node):
        return 0
    found = _needed(parsed.node)
    return sum(1 << byte for byte in found) if found is not None else 0


def _folds(node: Node) -> bool:
    match node:
        case Atom() | Assertion():
            return False
        case Concat(parts) | Alternate(parts):
            return any(map(_folds, parts))
        case Group(opening, inner):
            return "i" in opening.partition(":")[0].partition("-")[0].partition("P<")[0] or _folds(inner)
        case Repeat(inner):
            return _folds(inner)


def _needed(node: Node) -> frozenset[int] | None:
    match node:
        case Atom(text, literal):
            return _first_bytes(text if literal is None else literal, is_class=literal is None)
        case Assertion():
            return None
        case Concat(parts):
            return next((found for part in parts if (found := _needed(part)) is not None), None)
        case Alternate(options):
            each = [_needed(option) for option in options]
            return frozenset().union(*[one for one in each if one is not None]) if None not in each else None
        case Group(_, inner):
            return _needed(inner)
        case Repeat(inner, least):
            return _needed(inner) if least else None


def _first_bytes(text: str, *, is_class: bool) -> frozenset[int] | None:
    """The first bytes of what an atom matches; None where one of them is usual, or it is not known."""
    ranges = list(_ranges(text)) if is_class else [(text, text)]
    found: set[int] = set()
    for first, last in ranges:
        if first is None or last is None:
            return None
        found |= set(range(first.encode()[0], last.encode()[0] + 1))
    return frozenset(found) if found and not found & _USUAL else None


def _ranges(text: str) -> Iterator[tuple[str | None, str | None]]:
    """The ranges of characters of a class, None for what is not known."""
    if not text.startswith("[") or text.startswith("[^") or "[:" in text:
        yield None, None
        return
    for first, last in _MEMBER.findall(text[1:-1]):
        yield _character(first), _character(last or first)


def _character(text: str) -> str | None:
    found = literal_of(text) if text.startswith("\\") else text
    return None if found is None or 0xD800 <= ord(found) < 0xE000 else found
