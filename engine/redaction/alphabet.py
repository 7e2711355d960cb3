"""Which bytes the matches of a pattern are made of, how many they have at least, and which they cannot do without.

A match stands in one piece, so it lies in the longest run of its pattern's bytes around any literal of it. In prose
such a run is mostly a word, however long the pattern might match: an address has no space.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

# Spelled differently in RE2 and `re`, or in RE2 only.
_OWN_SYNTAX: Final = ("[:", r"\p", r"\P", r"\x{", r"\C")
# RE2's are ASCII.
_NARROW: Final = frozenset((r"\d", r"\w", r"\s"))
_ASCII: Final = [chr(code) for code in range(128)]
# What `re` warns of, because it may stand for operations on sets one day.
_SETS: Final = re.compile(r"(?<!\\)[\[&~|]")
# Stands for all characters outside of ASCII.
BEYOND: Final = "é"


def _mask(members: bytes) -> int:
    return sum(1 << byte for byte in set(members))


_ALL: Final = _mask(bytes(range(256)))
_BEYOND_ASCII: Final = _mask(bytes(range(128, 256)))
# What has all of these is in one run of it, so that nothing is gained.
_PROSE: Final = _mask(string.ascii_letters.encode() + b" .,;")
_FOLDED: Final = _mask(b"kKsS")
_MARKS: Final = frozenset(string.punctuation.encode())
_COMMON_MARKS: Final = frozenset(b".,-'")


def alphabet_of(pattern: str) -> bytes | None:
    """The bytes that matches may have, ascending; None where that may be nearly any. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    mask = _alphabet(parsed.node, parsed.folds_case)
    return _bytes_of(mask) if mask & _PROSE != _PROSE else None


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


def _alphabet(node: Node, folds: bool) -> int:
    """The bytes, each as the bit of its number."""
    match node:
        case Atom(text, literal):
            return _mask_of(text, literal, folds)
        case Assertion():
            return 0
        case Concat(parts) | Alternate(parts):
            mask = 0
            for part in parts:
                mask |= _alphabet(part, folds)
            return mask
        case Group(_, inner):
            return _alphabet(inner, folds or node.folds_case)
        case Repeat(inner, _, most):
            return _alphabet(inner, folds) if most else 0


@lru_cache(maxsize=1024)  # the pack has a few hundred different ones, each many times over
def _mask_of(text: str, literal: str | None, folds: bool) -> int:
    members = members_of(text, literal)
    if members is None:
        return _ALL
    found = {member for member in members if member.isascii()}
    if folds:
        found |= {other for member in found for other in (member.lower(), member.upper())}
    mask = _mask("".join(found).encode())
    # Blind to case, k and s have a form outside of ASCII (Unicode, CaseFolding.txt).
    if folds and (not members.isascii() or mask & _FOLDED):
        return mask | _FOLDED | _BEYOND_ASCII
    return mask if members.isascii() else mask | _BEYOND_ASCII


@lru_cache(maxsize=512)
def _bytes_of(mask: int) -> bytes:
    return bytes(byte for byte in range(256) if mask >> byte & 1)


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
    if r"\s" in text or r"\S" in text:
        # For RE2 the vertical tab is no space.
        members += "\v"
    plain = text.isascii() and text.startswith("[") and not text.startswith("[^") and not re.search(r"\\[DWSxuU]", text)
    return members if plain or text in _NARROW else members + BEYOND
