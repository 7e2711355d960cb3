"""The leads of a pattern: how its matches begin, up to and with the first literal that they cannot do without.

While a text is streamed, nearly all of it could begin a match of some rule, and only very little of it could continue
one. The leads are short and few enough to be searched for together; what follows a lead is asked only of the rules
whose literal the text holds already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from engine.redaction.prefixes import longest_of, write
from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

# A shorter literal stands in too much text.
LEAST: Final = 3
# Spellings of one literal; where there are more, it is looked for further on.
MOST: Final = 64
# Leads of one pattern.
_MOST_LEADS: Final = 48
# A lead that may be longer, in bytes, is looked for behind each of its alternatives instead.
_LONG: Final = 48

_SMALL_CLASS = re.compile(r"\[((?:[A-Za-z0-9_-]-[A-Za-z0-9]|[A-Za-z0-9_])+)\]")
_MOST_OF_CLASS: Final = 12

# Blind to case, k and s have a form outside of ASCII, the Kelvin sign and the long s (Unicode, CaseFolding.txt).
FOLDED: Final = ("\u212a".encode(), "\u017f".encode())


@dataclass(frozen=True, slots=True)
class Leads:
    """Every match of the rule begins with a match of one of `patterns`, in which one of `literals` stands.

    The literals are ASCII in lower case and stand there in any case, but for the FOLDED forms. Without literals the
    pattern is its own lead.
    """

    patterns: tuple[str, ...]
    literals: tuple[str, ...]


def leads_of(pattern: str) -> Leads:
    """The leads of a pattern. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    parts = tuple(map(_unwrapped, _parts(parsed.node)))
    found = _leads(parts, parsed.folds_case, _MOST_LEADS, _are_long)
    if found is None:
        return Leads((pattern,), ())
    heads, literals = found
    return Leads(tuple(parsed.flags + write(head) for head in heads), tuple(sorted(literals)))


def lead_to(pattern: str, keywords: Sequence[str]) -> int | None:
    """How many bytes of a match there are at most up to the end of the first of the keywords in it, which are in lower
    case; None where a match may have it anywhere. The FOLDED forms are not thought of. Raises SyntaxUnknown."""
    parsed = parse(pattern)

    def have_one(texts: frozenset[str]) -> bool:
        return all(any(keyword in text for keyword in keywords) for text in texts)

    parts = tuple(map(_unwrapped, _parts(parsed.node)))
    found = _leads(parts, parsed.folds_case, _MOST_LEADS, have_one)
    return max(longest_of(head, parsed.folds_case) for head in found[0]) if found is not None else None


_Found = tuple[list[Node], frozenset[str]]
# Whether texts that all matches have one of are what is looked for.
_Will = Callable[[frozenset[str]], bool]


def _are_long(texts: frozenset[str]) -> bool:
    return min(map(len, texts)) >= LEAST


def _leads(parts: tuple[Node, ...], folds: bool, most: int, will_do: _Will) -> _Found | None:
    found = _straight(parts, folds, will_do)
    if found is not None and longest_of(found[0][0], folds) <= _LONG:
        return found
    return _branches(parts, folds, most, will_do) or found


def _straight(parts: tuple[Node, ...], folds: bool, will_do: _Will) -> _Found | None:
    """The parts up to the first literal that all matches have."""
    exact = frozenset(("",))
    for count, part in enumerate(parts, 1):
        texts = _exact(part, folds)
        if texts is None:
            if isinstance(part, Repeat) and part.least >= LEAST and (once := _exact(part.node, folds)) is not None:
                run = _product([once] * LEAST)
                if run is not None and all(run) and will_do(run):
                    return [Concat(parts[:count])], run
            exact = frozenset(("",))
            continue
        longer = _product([exact, texts])
        exact = texts if longer is None else longer
        if will_do(exact):
            return [Concat(parts[:count])], exact
    return None


def _branches(parts: tuple[Node, ...], folds: bool, most: int, will_do: _Will) -> _Found | None:
    """Each alternative of the first part that has some, with what stands around it."""
    for place, part in enumerate(parts):
        opening, inner = (part.opening, part.node) if isinstance(part, Group) else ("(?:", part)
        if not isinstance(inner, Alternate):
            continue
        if len(inner.options) > most:
            return None
        heads: list[Node] = []
        literals: frozenset[str] = frozenset()
        for option in inner.options:
            middle = tuple(_parts(Group(opening, option)))
            found = _leads((*parts[:place], *middle, *parts[place + 1 :]), folds, most // len(inner.options), will_do)
            if found is None:
                return None
            heads += found[0]
            literals |= found[1]
        return heads, literals
    return None


def _parts(node: Node) -> Iterator[Node]:
    """What follows each other. Flags of a group go to each of its parts; that it catches is of no interest here."""
    if isinstance(node, Concat):
        for part in node.parts:
            yield from _parts(part)
    elif isinstance(node, Group):
        opening = "(?:" if node.captures else node.opening
        inner = tuple(_parts(node.node))
        for part in inner:
            yield part if opening == "(?:" and not isinstance(part, Alternate) else Group(opening, part)
    else:
        yield node


def _unwrapped(node: Node) -> Node:
    """The node without a group that stands for nothing directly in another."""
    while isinstance(node, Group) and isinstance(node.node, Group) and node.node.opening == "(?:":
        node = Group(node.opening, node.node.node)
    return node


def _exact(node: Node, folds: bool) -> frozenset[str] | None:
    """All that a node matches, in lower case; None where that is too much or not ASCII."""
    match node:
        case Assertion():
            return frozenset(("",))
        case Atom(text, literal):
            if literal is None:
                return _members(text)
            return frozenset((literal.lower(),)) if literal.isascii() else None
        case Group(_, inner):
            return _exact(inner, folds or node.folds_case)
        case Concat(parts):
            return _product([_exact(part, folds) for part in parts])
        case Alternate(options):
            return _union([_exact(option, folds) for option in options])
        case Repeat(inner, least, most, _):
            once = _exact(inner, folds)
            if once is None or not 0 <= most <= 2 * LEAST:
                return None
            return _union([_product([once] * count) for count in range(least, most + 1)])


def _members(text: str) -> frozenset[str] | None:
    """The characters of a small class such as `[pousr]` or `[0-6]`."""
    small = _SMALL_CLASS.fullmatch(text)
    if small is None:
        return None
    members: set[str] = set()
    for piece in re.findall(r".-.|.", small[1]):
        members |= {chr(code).lower() for code in range(ord(piece[0]), ord(piece[-1]) + 1)}
    return frozenset(members) if 0 < len(members) <= _MOST_OF_CLASS else None


def _union(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    found: frozenset[str] = frozenset()
    for texts in sets:
        if texts is None:
            return None
        found |= texts
    return found if len(found) <= MOST else None


def _product(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    exact = frozenset(("",))
    for texts in sets:
        if texts is None or len(exact) * len(texts) > MOST:
            return None
        exact = frozenset(a + b for a, b in product(exact, texts))
    return exact
