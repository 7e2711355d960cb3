"""A pattern in steps, each of which RE2 takes by its fast way: an automaton that reads forwards.

RE2 finds where a match ends, and then reads backwards to find where it begins. A counted repeat such as `[a-z]{0,1000}`
has, read backwards, a thousand places at once after each character, so one search for an address of a thousand
characters takes tens of milliseconds. Where a match may begin is told by its *head* alone; from a place that is known,
RE2 need not read backwards.

What a group catches RE2 finds by ways that are ten times slower. Where the group is one of the parts that follow each
other, the value begins where the parts *before* it end, if it can: RE2 takes the first alternative that leads to a
match, and what they match by themselves is the first of all. If what follows matches from there on, that is the match;
if not, RE2 has to be asked for the group after all.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.redaction.prefixes import longest_of, write
from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Pattern, Repeat, parse

# What a repeat may match at most, in bytes, to be taken into a head as it is.
_SHORT: Final = 32
# Of a longer one, how many times it is asked for at most.
_TIMES: Final = 8
_LEAST_LETTERS: Final = 2


class Steps(NamedTuple):
    """Patterns in RE2 syntax.

    head: matches wherever a match begins; None: the pattern itself is to be looked for. reach: how many bytes it may
        match at most.
    before, value, behind: what is before the group, what it catches, and what is behind; without `behind` the value
    ends where the match does. `value` is empty where the group is the whole, and None where RE2 has to be asked.
    """

    head: str | None
    before: str | None
    value: str | None
    behind: str | None
    reach: int


def steps_of(pattern: str) -> Steps | None:
    """The steps of a bounded pattern; None where it is as fast without. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    head, reach = _head_of(parsed)
    before, value, behind = _split(parsed)
    return Steps(head, before, value, behind, reach) if head is not None or value is not None else None


def _head_of(parsed: Pattern) -> tuple[str | None, int]:
    node, is_whole = _head(parsed.node, parsed.folds_case)
    # Without letters of its own it would be found everywhere.
    if is_whole or _letters(node) < _LEAST_LETTERS:
        return None, 0
    return parsed.flags + write(node), longest_of(node, parsed.folds_case)


def _letters(node: Node) -> int:
    """How many characters of every match can only be one."""
    match node:
        case Atom(_, literal):
            return literal is not None
        case Assertion():
            return 0
        case Concat(parts):
            return sum(map(_letters, parts))
        case Alternate(options):
            return min(map(_letters, options))
        case Group(_, inner):
            return _letters(inner)
        case Repeat(inner, least):
            return least * _letters(inner)


def _head(node: Node, folds: bool) -> tuple[Node, bool]:
    """How the matches of a node begin, and whether that is all of it."""
    match node:
        case Atom() | Assertion():
            return node, True
        case Concat(parts):
            begun: list[Node] = []
            for part in parts:
                head, is_whole = _head(part, folds)
                begun.append(Group("(?:", head) if isinstance(head, Alternate) else head)
                if not is_whole:
                    return Concat(tuple(begun)), False
            return node, True
        case Alternate(options):
            heads = [_head(option, folds) for option in options]
            return Alternate(tuple(head for head, _ in heads)), all(is_whole for _, is_whole in heads)
        case Group(opening, inner):
            head, is_whole = _head(inner, folds or node.folds_case)
            return Group("(?:" if node.captures else opening, head), is_whole
        case Repeat(inner, least, most, lazy):
            if most * longest_of(inner, folds) <= _SHORT:
                return node, True
            times = min(least, _TIMES)
            return Repeat(inner, times, times, lazy) if times else Concat(()), False


def _split(parsed: Pattern) -> tuple[str | None, str | None, str | None]:
    """Before, value and behind; see Steps."""
    parts = parsed.node.parts if isinstance(parsed.node, Concat) else (parsed.node,)
    places = [place for place, part in enumerate(parts) if isinstance(part, Group) and part.captures]
    if len(places) != 1 or sum(map(_captures, parts)) != 1:
        return None, None, None
    place = places[0]
    group = parts[place]
    assert isinstance(group, Group)
    ends_it = all(isinstance(part, Assertion) for part in parts[place + 1 :])
    if ends_it and all(isinstance(part, Assertion) for part in parts[:place]):
        return None, "", None
    value = Group("(?:", group.node)
    before = parsed.flags + write(Concat(parts[:place]))
    if ends_it:
        return before, parsed.flags + write(Concat((value, *parts[place + 1 :]))), None
    return before, parsed.flags + write(value), parsed.flags + write(Concat(parts[place + 1 :]))


def _captures(node: Node) -> int:
    match node:
        case Atom() | Assertion():
            return 0
        case Concat(parts) | Alternate(parts):
            return sum(map(_captures, parts))
        case Group(_, inner):
            return node.captures + _captures(inner)
        case Repeat(inner):
            return _captures(inner)
