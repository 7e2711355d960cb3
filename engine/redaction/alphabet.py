"""Which bytes the matches of a pattern are made of, how many they have at least, and which they cannot do without.

A match stands in one piece, so it lies in the longest run of its pattern's bytes around any literal of it. In prose
such a run is mostly a word, however long the pattern might match: an address has no space.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from engine.redaction.syntax import UNBOUNDED, Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

# Spelled differently in RE2 and `re`, or in RE2 only.
_OWN_SYNTAX: Final = ("[:", r"\p", r"\P", r"\x{", r"\C")
# RE2's are ASCII.
_NARROW: Final = frozenset((r"\d", r"\w", r"\s"))
_ASCII: Final = [chr(code) for code in range(128)]
# What `re` warns of, because it may stand for operations on sets one day.
_SETS: Final = re.compile(r"(?<!\\)[\[&~|]")
# Stands for all characters outside of ASCII.
BEYOND: Final = "é"
_BYTES_BEYOND: Final = frozenset(range(128, 256))
_ALL: Final = frozenset(range(256))
# What has all of these is in one run of it, so that nothing is gained.
_PROSE: Final = frozenset(string.ascii_letters.encode() + b" .,;")
_MARKS: Final = frozenset(string.punctuation.encode())
_COMMON_MARKS: Final = frozenset(b".,-'")
_FOLDED: Final = frozenset(b"kKsS")


def alphabet_of(pattern: str) -> bytes | None:
    """The bytes that matches may have, ascending; None where that may be nearly any. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    found: frozenset[int] = frozenset()
    for atom, folds in _atoms(parsed.node, parsed.folds_case):
        found |= _bytes_of(atom.text, atom.literal, folds)
        if found >= _PROSE:
            return None
    return bytes(sorted(found))


def shortest(pattern: str) -> int:
    """The fewest bytes that a match can have. Raises SyntaxUnknown."""
    return _shortest(parse(pattern).node)


def _shortest(node: Node) -> int:
    match node:
        case Atom(_, literal):
            # Blind to case, a letter outside of ASCII may have a shorter form.
            return 1 if literal is None or not literal.isascii() else len(literal)
        case Assertion():
            return 0
        case Concat(parts):
            return sum(map(_shortest, parts))
        case Alternate(options):
            return min(map(_shortest, options))
        case Group(_, inner):
            return _shortest(inner)
        case Repeat(inner, least):
            return least * _shortest(inner)


def required(pattern: str, literals: Sequence[bytes] = ()) -> int:
    """A mark that stands in every match but not in all of the literals, the one that prose has least; 0: there is none.

    Raises SyntaxUnknown."""
    marks = _required(parse(pattern).node)
    if literals:
        marks -= frozenset.intersection(*map(frozenset, literals))
    return min(marks, key=lambda mark: (mark in _COMMON_MARKS, mark), default=0)


def _required(node: Node) -> frozenset[int]:
    match node:
        case Atom(text, literal):
            members = members_of(text, literal)
            return frozenset(map(ord, members)) & _MARKS if members is not None and len(members) == 1 else frozenset()
        case Assertion():
            return frozenset()
        case Concat(parts):
            return frozenset().union(*map(_required, parts))
        case Alternate(options):
            return frozenset.intersection(*map(_required, options))
        case Group(_, inner):
            return _required(inner)
        case Repeat(inner, least):
            return _required(inner) if least else frozenset()


def _atoms(node: Node, folds: bool) -> Iterator[tuple[Atom, bool]]:
    """What matches one character, and whether it is blind to case."""
    match node:
        case Atom():
            yield node, folds
        case Concat(parts) | Alternate(parts):
            for part in parts:
                yield from _atoms(part, folds)
        case Group(opening, inner):
            yield from _atoms(inner, folds or "i" in opening[:4])
        case Repeat(inner, _, most):
            if most == UNBOUNDED or most:
                yield from _atoms(inner, folds)


@lru_cache(maxsize=1024)  # the pack has a few hundred different ones, each many times over
def _bytes_of(text: str, literal: str | None, folds: bool) -> frozenset[int]:
    members = members_of(text, literal)
    if members is None:
        return _ALL
    found = {ord(member) for member in members if member.isascii()}
    if folds:
        found |= {ord(member) for each in members if each.isascii() for member in (each.lower(), each.upper())}
    beyond = not members.isascii()
    # Blind to case, k and s have a form outside of ASCII (Unicode, CaseFolding.txt).
    if folds and (beyond or not found.isdisjoint(_FOLDED)):
        return frozenset(found) | _FOLDED | _BYTES_BEYOND
    return frozenset(found) | _BYTES_BEYOND if beyond else frozenset(found)


@lru_cache(maxsize=512)
def members_of(text: str, literal: str | None) -> str | None:
    """The ASCII characters that an atom matches, and BEYOND where it may match others; None: it cannot be said."""
    if literal is not None:
        return literal
    if any(own in text for own in _OWN_SYNTAX):
        return None
    try:
        atom = re.compile(text[:1] + _SETS.sub(r"\\\g<0>", text[1:]), re.ASCII | re.DOTALL)
    except re.error:
        return None
    members = "".join(character for character in _ASCII if atom.fullmatch(character))
    plain = text.isascii() and text.startswith("[") and not text.startswith("[^") and not re.search(r"\\[DWSxuU]", text)
    return members if plain or text in _NARROW else members + BEYOND
