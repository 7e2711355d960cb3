"""What stands in every match of a pattern: a literal, or a number of digits close to each other.

That is what the prefilter looks for. It runs over all text, and a rule's own pattern only where the prefilter found
what the pattern cannot do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from typing import Final, NamedTuple

from engine._fast.prefilter import GAP
from engine.redaction.prefixes import longest_of
from engine.redaction.rule import Rule
from engine.redaction.syntax import (
    UNBOUNDED,
    Alternate,
    Assertion,
    Atom,
    Concat,
    Group,
    Node,
    Repeat,
    SyntaxUnknown,
    parse,
)

# In a shorter literal too much text would be looked at.
LEAST_KEYWORD: Final = 3

_DIGITS = re.compile(r"\\d|\[(?:[0-9](?:-[0-9])?)+\]|\[\[:digit:\]\]|[0-9]")


def is_digit(atom: str) -> bool:
    """Whether an atom matches digits and nothing else."""
    return _DIGITS.fullmatch(atom) is not None


def needs_of(rule: Rule) -> tuple[list[bytes], int]:
    """What the prefilter has to find for a rule to be tried: one of these literals, and so many digits.

    A pattern that cannot be read needs nothing, so it is always tried.
    """
    try:
        digits = least_digits(rule.pattern, GAP)
        own = keyword(rule.pattern)
    except SyntaxUnknown:
        digits, own = 0, None
    literals = rule.keywords or ((own,) if own is not None else ())
    return [literal.encode() for literal in literals], max(digits, rule.digits)


def keyword(pattern: str) -> str | None:
    """A literal in lower case that stands in every match, however it is capitalized there: the longest there is.

    None where there is none of three characters. k and s never are in it: where case is folded they have a form
    outside of ASCII.
    """
    runs = _runs(parse(pattern).node)
    return max((run for run in runs if len(run) >= LEAST_KEYWORD), key=len, default=None)


def _runs(node: Node) -> Iterator[str]:
    run = ""
    for part in _flat(node):
        if isinstance(part, Assertion):
            continue
        if (
            isinstance(part, Atom)
            and part.literal is not None
            and part.literal.isascii()
            and part.literal not in "kKsS"
        ):
            run += part.literal.lower()
            continue
        yield run
        run = ""
        if isinstance(part, Repeat) and part.least:
            yield from _runs(part.node)
    yield run


def _flat(node: Node) -> Iterator[Node]:
    """The parts that follow each other in every match."""
    if isinstance(node, Concat):
        for part in node.parts:
            yield from _flat(part)
    elif isinstance(node, Group):
        yield from _flat(node.node)
    else:
        yield node


class _Digits(NamedTuple):
    """`least` digits in every match that are close together; at most `lead` other bytes before the first of them, and
    `trail` behind the last. Where `least` is 0, at most `trail` other bytes come before the first digit or behind the
    last, if there are any, or in all."""

    least: int
    lead: int
    trail: int


_NOTHING: Final = _Digits(0, 0, 0)
# More than any gap: nothing is close to it.
_FAR: Final = 1 << 20


def least_digits(pattern: str, gap: int) -> int:
    """How many digits every match has of which no two neighbors have more than `gap` other bytes between them."""
    parsed = parse(pattern)
    return _digits(parsed.node, parsed.folds_case, gap).least


def _digits(node: Node, folds: bool, gap: int) -> _Digits:
    match node:
        case Atom(text) if is_digit(text):
            return _Digits(1, 0, 0)
        case Group(_, inner):
            return _digits(inner, folds or node.folds_case, gap)
        case Concat(parts):
            return reduce(lambda first, part: _then(first, _digits(part, folds, gap), gap), parts, _NOTHING)
        case Alternate(options):
            found = [_digits(option, folds, gap) for option in options]
            if all(option.least for option in found):
                return _Digits(
                    min(option.least for option in found),
                    max(option.lead for option in found),
                    max(option.trail for option in found),
                )
            return _Digits(0, 0, max(max(option.lead, option.trail) for option in found))
        case Repeat(inner, least, most, _):
            once = _digits(inner, folds, gap)
            if once.least and least:
                if most == 1:
                    return once
                if once.trail + once.lead <= gap:
                    return once._replace(least=once.least * least)
                return _Digits(once.least, once.lead, _FAR)
            if once.least:
                # Between two turns, too, there may be other bytes.
                return _Digits(0, 0, max(once.lead, once.trail) if most == 1 else _FAR)
            return _Digits(0, 0, min(_FAR, most * once.trail) if most != UNBOUNDED else _FAR)
        case _:
            return _Digits(0, 0, longest_of(node, folds))


def _then(first: _Digits, second: _Digits, gap: int) -> _Digits:
    if not first.least and not second.least:
        return _Digits(0, 0, min(_FAR, first.trail + second.trail))
    if not first.least:
        return _Digits(second.least, first.trail + second.lead, second.trail)
    if not second.least:
        return _Digits(first.least, first.lead, first.trail + second.trail)
    if first.trail + second.lead <= gap:
        return _Digits(first.least + second.least, first.lead, second.trail)
    # They are apart: the match has the larger of both, and what is near to it on the other side.
    if first.least >= second.least:
        return _Digits(first.least, first.lead, _FAR)
    return _Digits(second.least, _FAR, second.trail)
