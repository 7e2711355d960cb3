"""From a pattern to what the streaming search needs of it: its bound, and the pattern of its own prefixes.

Theory. A text that ends in the middle of something may be hidden only later, so the end that could still become a match
is held back. For a pattern X let pre(X) match every text that some text can continue to a match of X:

    pre(a)       a?                         a character
    pre(XY)      (?:X pre(Y)|pre(X))        one after the other
    pre(X|Y)     (?:pre(X)|pre(Y))
    pre(X{n,m})  (?:X{0,m-1} pre(X))
    pre(^)       nothing                    an assertion takes no text, and may hold once more text is there

The leftmost match of `pre(X)\\z` is then exactly where the hold-back begins; of several patterns, that of their
alternatives. It may be a little too long (the least number of a repeat is not looked at), never too short. RE2 looks
for an expression that ends in `\\z` backwards from the end, so what is searched is no longer than what is held.

Every pattern has to have a bound, because the hold-back has. In a rule that declares `max_len`, a repeat without an
upper bound takes at most that many characters.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from engine.redaction.syntax import UNBOUNDED, Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

# The largest count that RE2 takes in a repeat.
MAX_REPEAT: Final = 1000
# Up to how many a repeat is counted in the automaton of one rule's prefixes.
_COUNTED: Final = 64
# Bytes of a character in UTF-8, where it is not known to be ASCII.
_WIDEST: Final = 4
# What a repeat without an upper bound ends in; it stands in classes, too.
_MAY_BE_UNBOUNDED: Final = re.compile(r"[*+]|,\}")
# RE2's \d, \w and \s are ASCII.
_NARROW: Final = frozenset((r"\d", r"\w", r"\s", r"\t", r"\n", r"\r"))


class Unbounded(ValueError):
    """A pattern that may match a text of any length."""


def bounded(pattern: str, max_len: int | None) -> str:
    """The pattern with a bound on every repeat: `max_len` characters where it has none of its own.

    Raises Unbounded where that is not given, SyntaxUnknown for a pattern that cannot be read.
    """
    parsed = parse(pattern)
    if not _MAY_BE_UNBOUNDED.search(pattern):
        return pattern
    return parsed.flags + write(_bounded(parsed.node, max_len))


def _bounded(node: Node, max_len: int | None) -> Node:
    match node:
        case Atom() | Assertion():
            return node
        case Concat(parts):
            return Concat(tuple(_bounded(part, max_len) for part in parts))
        case Alternate(options):
            return Alternate(tuple(_bounded(option, max_len) for option in options))
        case Group(opening, inner):
            return Group(opening, _bounded(inner, max_len))
        case Repeat(inner, least, most, _):
            if most == UNBOUNDED:
                if max_len is None:
                    raise Unbounded("it may match a text of any length: give it a max_len, or bound it by {0,n}")
                most = min(MAX_REPEAT, max(least, max_len))
            return replace(node, node=_bounded(inner, max_len), most=most)


def write(node: Node) -> str:
    """The pattern of a structure, as it was."""
    match node:
        case Atom(text) | Assertion(text):
            return text
        case Concat(parts):
            return "".join(map(write, parts))
        case Alternate(options):
            return "|".join(map(write, options))
        case Group(opening, inner):
            return f"{opening}{write(inner)})"
        case Repeat(inner, least, most, lazy):
            return f"{_once(inner)}{_count(least, most)}{'?' if lazy else ''}"


def _once(node: Node) -> str:
    # Only a repeat can stand under a repeat without a group: (a{2}){3} is not a{2}{3}.
    return f"(?:{write(node)})" if isinstance(node, Repeat) else write(node)


def _count(least: int, most: int) -> str:
    if (least, most) == (0, 1):
        return "?"
    if most == UNBOUNDED:
        return {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def prefix_pattern(pattern: str, counted: int = MAX_REPEAT) -> str:
    """pre(pattern), in a group of its own. `pattern` is bounded.

    A repeat that may take more than `counted` is not counted: its automaton would have a state for every number. What
    is held may then be too long, so whoever uses the pattern looks no further back than `longest`.
    """
    parsed = parse(pattern)
    opening = f"{parsed.flags[:-1]}:" if parsed.flags else "(?:"
    return f"{opening}{_prefix(_uncounted(parsed.node, counted))})"


def whole_prefix(pattern: str) -> str:
    """The pattern that finds the longest end of a text that one rule could continue to a match."""
    return rf"{prefix_pattern(pattern, _COUNTED)}\z"


def _uncounted(node: Node, counted: int) -> Node:
    match node:
        case Atom() | Assertion():
            return node
        case Concat(parts):
            return Concat(tuple(_uncounted(part, counted) for part in parts))
        case Alternate(options):
            return Alternate(tuple(_uncounted(option, counted) for option in options))
        case Group(opening, inner):
            return Group(opening, _uncounted(inner, counted))
        case Repeat(inner, least, most, _):
            inner = _uncounted(inner, counted)
            if most > counted:
                # At least as much as before matches, and what has no least number needs no count at all.
                return replace(node, node=inner, least=min(least, 1), most=UNBOUNDED)
            return replace(node, node=inner)


def _prefix(node: Node) -> str:
    match node:
        case Atom(text):
            return f"{text}?"
        case Assertion():
            return ""
        case Alternate(options):
            return f"(?:{'|'.join(map(_prefix, options))})"
        case Group(opening, inner):
            return f"{'(?:' if node.captures else opening}{_prefix(inner)})"
        case Repeat(inner, _, most, _):
            if most == UNBOUNDED:
                return f"{inner.text}*" if isinstance(inner, Atom) else f"(?:{_once(inner)}*{_prefix(inner)})"
            if isinstance(inner, Atom):
                return f"{inner.text}{{0,{most}}}"
            if most <= 1:
                return _prefix(inner) if most else ""
            return f"(?:{_once(inner)}{{0,{most - 1}}}{_prefix(inner)})"
        case Concat(parts):
            return _prefix_of_sequence(parts)


def _prefix_of_sequence(parts: tuple[Node, ...]) -> str:
    found = ""
    for part in reversed(parts):
        before = f"(?:{write(part)})" if isinstance(part, Alternate) else write(part)
        # A character, or nothing, with an empty rest is its own prefix already.
        other = "" if isinstance(part, Atom | Assertion) else _prefix(part)
        found = f"(?:{before}{found}|{other})" if other else f"(?:{before}{found})?"
    return found


def longest(pattern: str) -> int:
    """The most bytes of UTF-8 that a bounded pattern can match."""
    parsed = parse(pattern)
    return longest_of(parsed.node, parsed.folds_case)


def longest_of(node: Node, folds: bool) -> int:
    """The same of a structure; `folds`: blind to case."""
    match node:
        case Atom(text, literal):
            return _width(text, literal, folds)
        case Assertion():
            return 0
        case Concat(parts):
            return sum(longest_of(part, folds) for part in parts)
        case Alternate(options):
            return max(longest_of(option, folds) for option in options)
        case Group(_, inner):
            return longest_of(inner, folds or node.folds_case)
        case Repeat(inner, _, most, _):
            return most * longest_of(inner, folds)


def _may_be_k_or_s(ascii_class: str) -> bool:
    if "[" in ascii_class[1:]:
        return True  # a named class, which `re` does not know
    try:
        return any(re.fullmatch(ascii_class, letter) for letter in "kKsS")
    except re.error:
        return True


@lru_cache(maxsize=1024)  # the pack has a few hundred different ones, each many times over
def _width(text: str, literal: str | None, folds: bool) -> int:
    if literal is not None:
        # Blind to case, k is also the Kelvin sign and s the long s (Unicode, CaseFolding.txt).
        return 3 if folds and literal in "kKsS" else len(literal.encode())
    if text in _NARROW:
        return 3 if folds and text == r"\w" else 1
    is_class = text.startswith("[") and not text.startswith("[^")
    if not is_class or any(wide in text for wide in (r"\p", r"\P", r"\x{", r"\D", r"\W", r"\S", "[:^")):
        return _WIDEST
    if text.isascii():
        return 3 if folds and _may_be_k_or_s(text) else 1
    return _WIDEST if folds else len(max(text).encode())
