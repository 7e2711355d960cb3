"""Patterns that look at the edges of a text, for a search in many texts that stand one after the other.

All texts of an answer are searched in one go, each with a line end on both sides (see `jsonguard.texts`). `\\b` sees no
difference between that and the edge of a text; `^`, `$`, `\\A` and `\\z` do, and would find nothing in any of them but
the first and the last.
"""

from __future__ import annotations

from typing import Final

from engine.redaction.prefixes import write
from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

_AT_LINES: Final = {"^": "(?m:^)", "\\A": "(?m:^)", "$": "(?m:$)", "\\z": "(?m:$)"}


def at_lines(pattern: str) -> str:
    """The pattern with the edges of lines in the place of those of the text: whatever it matches in a text, it matches
    where this one stands between others, too. The very same pattern where it has no edges. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    if not _has_edges(parsed.node):
        return pattern
    return parsed.flags + write(_at_lines(parsed.node))


def _has_edges(node: Node) -> bool:
    match node:
        case Atom():
            return False
        case Assertion(text):
            return text in _AT_LINES
        case Concat(parts) | Alternate(parts):
            return any(map(_has_edges, parts))
        case Group(_, inner) | Repeat(inner):
            return _has_edges(inner)


def _at_lines(node: Node) -> Node:
    match node:
        case Atom():
            return node
        case Assertion(text):
            return Assertion(_AT_LINES.get(text, text))
        case Concat(parts):
            return Concat(tuple(map(_at_lines, parts)))
        case Alternate(options):
            return Alternate(tuple(map(_at_lines, options)))
        case Group(opening, inner):
            return Group(opening, _at_lines(inner))
        case Repeat(inner, least, most, lazy):
            return Repeat(_at_lines(inner), least, most, lazy)
