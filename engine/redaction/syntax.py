"""The structure of a pattern: what follows what, what repeats, what is an alternative.

RE2's syntax is read only as far as its structure goes. Whatever matches one character (a letter, an escape, a class, a
dot) stays the text that it is, so that this reader and RE2 cannot differ about its meaning. The pattern has been
accepted by RE2 before; what RE2 accepts and this reader does not know (`\\C`, flags in mid-pattern) is refused by name.

Source: the syntax page of RE2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# Repeats without an upper bound.
UNBOUNDED: Final = -1

_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_ESCAPE = re.compile(
    r"\\(?:[pP](?:\{\^?\w+\}|\w)|x(?:\{[0-9a-fA-F]+\}|[0-9a-fA-F]{2})|0[0-7]{0,2}|[1-7][0-7]{1,2}|.)", re.DOTALL
)
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED = re.compile(r"\(\?P?<\w+>")


class SyntaxUnknown(ValueError):
    """A pattern that this reader does not understand. The text says what."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One character: its pattern as it was written. `literal` is the character where it can only be one."""

    text: str
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """Something that takes no character: `^`, `$`, `\\b`, `\\B`, `\\A`, `\\z`."""

    text: str


@dataclass(frozen=True, slots=True)
class Concat:
    """One after the other. Empty: the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternate:
    """One of them, the first that fits."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` times; `most` may be UNBOUNDED. `lazy`: as few as will do."""

    node: Node
    least: int
    most: int
    lazy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group: `opening` is how it was written, such as `(?:`, `(?i:` or `(`."""

    opening: str
    node: Node

    @property
    def captures(self) -> bool:
        return self.opening == "(" or self.opening.startswith(("(?P<", "(?<"))

    @property
    def folds_case(self) -> bool:
        """Whether it makes what is in it blind to case."""
        return not self.captures and "i" in self.opening.partition("-")[0]


Node = Atom | Assertion | Concat | Alternate | Repeat | Group


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern: its leading flags, such as `(?i)`, and its structure."""

    flags: str
    node: Node

    @property
    def folds_case(self) -> bool:
        """Whether the whole pattern is blind to case."""
        return "i" in self.flags.partition("-")[0]


# Whoever prepares a rule asks for its pattern's structure several times in a row, and never again.
@lru_cache(maxsize=8)
def parse(text: str) -> Pattern:
    """The structure of a pattern that RE2 accepts. Raises SyntaxUnknown."""
    flags = ""
    leading = _FLAGS.match(text)
    if leading is not None and leading[3] == ")":
        flags = leading[0]
        text = text[leading.end() :]
    reader = _Reader(text)
    node = reader.alternation()
    if reader.at < len(text):
        raise SyntaxUnknown(f"unexpected {text[reader.at]!r} at {reader.at}")
    return Pattern(flags, node)


_REPEATS: Final = frozenset("*+?{")
_ENDS: Final = frozenset(("", "|", ")"))
# Letters that nothing repeats.
_PLAIN: Final = re.compile(r"[\w -]+(?![*+?{])")


@lru_cache(maxsize=256)
def _letter(character: str) -> Atom:
    return Atom(character, character)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def alternation(self) -> Node:
        options = [self._sequence()]
        while self._next() == "|":
            self.at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Alternate(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while (sign := self._next()) not in _ENDS:
            plain = _PLAIN.match(self.text, self.at)
            if plain is not None:
                parts += [_letter(character) for character in plain[0]]
                self.at = plain.end()
                continue
            if sign == "\\" and self.text.startswith("\\Q", self.at):
                quoted = list(self._quoted())
                if quoted:
                    # A repeat behind it is one of its last character.
                    parts += [*quoted[:-1], self._repeated(quoted[-1])]
                continue
            node = self._item()
            parts.append(self._repeated(node))
        return parts[0] if len(parts) == 1 else Concat(tuple(parts))

    def _quoted(self) -> Iterator[Node]:
        end = self.text.find("\\E", self.at + 2)
        quoted = self.text[self.at + 2 : end if end >= 0 else len(self.text)]
        self.at = end + 2 if end >= 0 else len(self.text)
        return (Atom(re.escape(character), character) for character in quoted)

    def _item(self) -> Node:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        self.at += 1
        if character in "^$":
            return Assertion(character)
        return Atom(character, None if character == "." else character)

    def _group(self) -> Node:
        text, at = self.text, self.at
        opening = "("
        if text.startswith("(?", at):
            flags = _FLAGS.match(text, at)
            named = _NAMED.match(text, at)
            if flags is not None and flags[3] == ":":
                opening = flags[0]
            elif named is not None:
                opening = named[0]
            else:
                raise SyntaxUnknown("flags may stand at the pattern's beginning, or in a group of their own: (?i:...)")
        self.at += len(opening)
        node = self.alternation()
        if self._next() != ")":
            raise SyntaxUnknown("a group is not closed")
        self.at += 1
        return Group(opening, node)

    def _class(self) -> Node:
        text, at = self.text, self.at + 1
        if text.startswith("^", at):
            at += 1
        if text.startswith("]", at):
            at += 1
        while at < len(text) and text[at] != "]":
            if text.startswith("[:", at):
                at = text.find(":]", at) + 2
            elif text[at] == "\\":
                escape = _ESCAPE.match(text, at)
                at = escape.end() if escape is not None else len(text)
            else:
                at += 1
        if at >= len(text):
            raise SyntaxUnknown("a class is not closed")
        begin, self.at = self.at, at + 1
        return Atom(text[begin : self.at])

    def _escape(self) -> Node:
        escape = _ESCAPE.match(self.text, self.at)
        if escape is None:
            raise SyntaxUnknown("the pattern ends in a backslash")
        self.at = escape.end()
        kind = escape[0][1]
        if kind in "bBAz":
            return Assertion(escape[0])
        if kind == "C":
            raise SyntaxUnknown("\\C, a single byte, cannot be used on text")
        return Atom(escape[0], literal_of(escape[0]))

    def _repeated(self, node: Node) -> Node:
        while True:
            sign = self._next()
            if sign not in _REPEATS:
                return node
            counted = _REPEAT.match(self.text, self.at) if sign == "{" else None
            if sign in "*+?":
                self.at += 1
                least, most = {"*": (0, UNBOUNDED), "+": (1, UNBOUNDED), "?": (0, 1)}[sign]
            elif counted is not None:
                self.at = counted.end()
                least = int(counted[1])
                most = least if counted[2] is None else int(counted[3]) if counted[3] else UNBOUNDED
            else:
                return node
            lazy = self._next() == "?"
            if lazy:
                self.at += 1
            node = Repeat(node, least, most, lazy)


_CONTROL: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}


def literal_of(escape: str) -> str | None:
    """The character of an escape, None where it stands for several."""
    kind = escape[1]
    if kind in _CONTROL:
        return _CONTROL[kind]
    if kind == "x":
        return chr(int(escape[2:].strip("{}"), 16))
    if escape[1:].isdigit() and (len(escape) > 2 or kind == "0"):
        return chr(int(escape[1:], 8))
    return None if kind.isalnum() else kind
