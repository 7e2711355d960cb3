"""How the digits of a pattern stand: what tells its matches from all the numbers of a text.

Clean text is full of numbers, and patterns of numbers (phones, cards, national ids) have no literal by which the
prefilter could pass over them. What they have instead is a first *cluster* of digits: as many as stand no more than GAP
bytes apart, with nothing but SEPARATORS between them. From the pattern follows how many digits it has at least, how far
before it a match begins and how far behind it one ends, and whether a letter stands right before it. So only the
clusters that are large enough are looked at, each with what is around it: "2024", "3.14" and "40,000" mostly are not.

A pattern whose matches need not have a digit, or that is too varied to be read, has no such cluster.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import reduce
from typing import Final, NamedTuple

from engine._fast.prefilter import GAP, SEPARATORS
from engine.redaction.alphabet import members_of
from engine.redaction.literals import is_digit
from engine.redaction.prefixes import longest_of
from engine.redaction.syntax import UNBOUNDED, Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

# Turns of a repeat that are followed one by one; in more than these nothing new comes up.
_TURNS: Final = 24
# Bytes that are further away than any gap.
_FAR: Final = 1 << 20


class Cluster(NamedTuple):
    """The first cluster of digits in every match.

    least: how many digits it has. lead: bytes of the match before it, at most. trail: bytes of the match behind the
    cluster, at most; None where digits of the match may stand outside of it.
    led: whether the byte before it is of the match, and a letter. run: how many digits it begins with, at least.
    groups: how many numbers its digits make at least, with something between two of them.
    """

    least: int
    lead: int
    trail: int | None
    led: bool
    run: int
    groups: int


class _Bare(NamedTuple):
    """What a node matches without any digit: at most so many bytes. `apart`: only separators. `letter`: where it is not
    empty, its last byte is one of a letter. `some`: it is never empty."""

    size: int
    apart: bool
    letter: bool
    some: bool


class _Digits(NamedTuple):
    """What a node matches that has digits: see Cluster.

    lead_apart, trail_apart: only separators are there. close: all digits are one cluster.
    begins: where `led` is not, the first digit may be the first byte, and is so wherever no letter is before it.
    pure: nothing but digits follows the first one.
    open_left, open_right: whether a digit may be the first character, and the last.
    """

    least: int
    lead: int
    lead_apart: bool
    trail: int
    trail_apart: bool
    close: bool
    led: bool
    begins: bool
    run: int
    pure: bool
    groups: int
    open_left: bool
    open_right: bool


class _Shape(NamedTuple):
    bare: _Bare | None
    digits: _Digits | None


_EMPTY: Final = _Shape(_Bare(0, True, True, False), None)
_DIGIT: Final = _Digits(1, 0, True, 0, True, True, False, True, 1, True, 1, True, True)


def first_cluster(pattern: str) -> Cluster | None:
    """The first cluster of digits in every match; None where a match may have none. Raises SyntaxUnknown."""
    parsed = parse(pattern)
    shape = _shape(parsed.node, parsed.folds_case)
    found = shape.digits
    if shape.bare is not None or found is None:
        return None
    return Cluster(found.least, found.lead, found.trail if found.close else None, found.led, found.run, found.groups)


def _shape(node: Node, folds: bool) -> _Shape:
    match node:
        case Assertion():
            return _EMPTY
        case Atom():
            return _of_atom(node, folds)
        case Group(_, inner):
            return _shape(inner, folds or node.folds_case)
        case Concat(parts):
            return reduce(_then, (_shape(part, folds) for part in parts), _EMPTY)
        case Alternate(options):
            return _either([_shape(option, folds) for option in options])
        case Repeat(inner, least, most, _):
            return _repeated(_shape(inner, folds), least, most)


def _of_atom(atom: Atom, folds: bool) -> _Shape:
    if is_digit(atom.text):
        return _Shape(None, _DIGIT)
    members = members_of(atom.text, atom.literal)
    width = longest_of(atom, folds)
    if members is None:
        return _Shape(_Bare(width, False, False, True), _DIGIT._replace(pure=False))
    bare = _Bare(
        width,
        all(member.isascii() and member in _APART for member in members),
        all(not member.isascii() or member.isalpha() for member in members),
        True,
    )
    if any(member in string.digits for member in members):
        return _Shape(bare, _DIGIT._replace(pure=False))
    return _Shape(bare, None)


_APART: Final = frozenset(SEPARATORS.decode())


def _then(first: _Shape, second: _Shape) -> _Shape:
    a, b, x, y = first.bare, second.bare, first.digits, second.digits
    bare = None
    if a is not None and b is not None:
        letter = b.letter and (b.some or a.letter)
        bare = _Bare(_sum(a.size, b.size), a.apart and b.apart, letter, a.some or b.some)
    ways = []
    if x is not None and b is not None:
        ways.append(
            x._replace(
                trail=_sum(x.trail, b.size),
                trail_apart=x.trail_apart and b.apart,
                pure=x.pure and not b.size,
                open_right=x.open_right and not b.some,
            )
        )
    if a is not None and y is not None:
        ways.append(
            y._replace(
                lead=_sum(a.size, y.lead),
                lead_apart=a.apart and y.lead_apart,
                led=y.led or (y.begins and a.letter and a.some),
                begins=y.begins and a.letter,
                open_left=y.open_left and not a.some,
            )
        )
    if x is not None and y is not None:
        near = x.trail_apart and y.lead_apart and x.trail + y.lead <= GAP
        follows = x.pure and not y.lead
        ways.append(
            x._replace(
                least=_sum(x.least, y.least) if x.close and near else x.least,
                groups=_sum(x.groups, y.groups - (x.open_right and y.open_left)) if x.close and near else x.groups,
                open_right=y.open_right,
                trail=y.trail,
                trail_apart=y.trail_apart,
                close=x.close and y.close and near,
                run=_sum(x.run, y.run) if follows else x.run,
                pure=follows and y.pure,
            )
        )
    return _Shape(bare, _any_of(ways))


def _either(shapes: list[_Shape]) -> _Shape:
    bares = [shape.bare for shape in shapes if shape.bare is not None]
    bare = None
    if bares:
        bare = _Bare(
            max(each.size for each in bares),
            all(each.apart for each in bares),
            all(each.letter for each in bares),
            all(each.some for each in bares),
        )
    return _Shape(bare, _any_of(shape.digits for shape in shapes if shape.digits is not None))


def _any_of(ways: Iterable[_Digits]) -> _Digits | None:
    found = list(ways)
    if not found:
        return None
    columns = zip(*found, strict=True)
    least, lead, lead_apart, trail, trail_apart, close, led, begins, run, pure, groups, open_left, open_right = columns
    return _Digits(
        min(least),
        max(lead),
        all(lead_apart),
        max(trail),
        all(trail_apart),
        all(close),
        all(led),
        all(begins),
        min(run),
        all(pure),
        min(groups),
        any(open_left),
        any(open_right),
    )


def _repeated(once: _Shape, least: int, most: int) -> _Shape:
    most = _FAR if most == UNBOUNDED else most
    bare, digits = once
    if not most or (bare is None and digits is None):
        return _EMPTY
    if digits is None:
        assert bare is not None
        return _Shape(bare._replace(size=min(_FAR, bare.size * most), some=bare.some and least > 0), None)
    if bare is None:
        # Each turn has digits: what is behind the first few turns changes nothing but the number.
        turns = [_EMPTY]
        for _ in range(min(most, max(least, 1) + 2, _TURNS)):
            turns.append(_then(turns[-1], once))
        return _either(turns[min(least, _TURNS) :])
    if most == 1:
        return once if least else _either([_EMPTY, once])
    reach = min(_FAR, bare.size * (most - 1))
    between = _sum(digits.trail, digits.lead)
    close = digits.close and digits.trail_apart and digits.lead_apart and bare.apart
    some = digits._replace(
        lead=_sum(digits.lead, reach),
        lead_apart=digits.lead_apart and bare.apart,
        trail=_sum(digits.trail, reach),
        trail_apart=digits.trail_apart and bare.apart,
        close=close and _sum(between, reach) <= GAP,
        led=False,
        begins=False,
        pure=False,
    )
    return _Shape(bare._replace(size=min(_FAR, bare.size * most), some=bare.some and least > 0), some)


def _sum(one: int, two: int) -> int:
    return min(_FAR, one + two)


class Run(NamedTuple):
    """ASCII letters and digits in a row in every match: so many at least and, where a match is nothing else and none
    stands next to it, at most."""

    least: int
    most: int


def run_of(pattern: str) -> Run | None:
    """The longest run that every match has; None where that is not simply to be seen."""
    parsed = parse(pattern)
    if parsed.folds_case:
        # Letters have forms outside of ASCII.
        return None
    parts = _flat(parsed.node)
    longest = run = 0
    is_all = len(parts) > 1 and parts[0] == parts[-1] == Assertion(r"\b")
    for part in parts:
        atom, count = (part.node, part.least) if isinstance(part, Repeat) else (part, 1)
        if isinstance(part, Assertion):
            continue
        members = members_of(atom.text, atom.literal) if isinstance(atom, Atom) else None
        if members and all(member.isascii() and member.isalnum() for member in members):
            run += count
            longest = max(longest, run)
            if isinstance(part, Repeat) and part.most != part.least:
                # More of the same may follow, so that what comes next does not stand at this distance; it is one run.
                continue
        else:
            run = 0
            is_all = False
    if not longest:
        return None
    return Run(longest, min(longest_of(parsed.node, False), _FAR) if is_all else _FAR)


def _flat(node: Node) -> list[Node]:
    if isinstance(node, Concat):
        return [found for part in node.parts for found in _flat(part)]
    if isinstance(node, Group) and not node.folds_case:
        return _flat(node.node)
    return [node]
