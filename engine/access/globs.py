"""Globs over names of models: `*` is any run of characters, `?` is any one, everything else is itself.

Rules. Matching is case-sensitive and covers the whole name. A name longer than MAX_NAME matches nothing: names come
from clients, and no provider's is near it.

Theory of operation. Between its stars a glob is a row of pieces of fixed length. The first is held to the beginning,
the last to the end, and each of those between is taken at the leftmost place after the one before: if the glob matches
at all, it matches so. There is no backtracking; the time is at most the product of both lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_NAME: Final = 256

# Names that are remembered by a matcher. A gateway sees tens; the bound is for clients that make names up.
_REMEMBERED: Final = 4096


class Glob:
    """One compiled glob. `specificity` orders globs that match the same name: a larger one says more."""

    __slots__ = ("_first", "_last", "_least", "_middle", "_whole", "pattern", "specificity")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        pieces = pattern.split("*")
        self._least = sum(map(len, pieces))
        self._whole = _compile(pattern) if len(pieces) == 1 else None
        self._first = _compile(pieces[0])
        self._middle = [_compile(piece) for piece in pieces[1:-1] if piece]
        self._last = (_compile(pieces[-1]), len(pieces[-1]))
        literal = self._least - pattern.count("?")
        self.specificity = (literal, -(len(pieces) - 1), -pattern.count("?"))

    @property
    def is_exact(self) -> bool:
        """Whether the glob is a plain name."""
        return not ("*" in self.pattern or "?" in self.pattern)

    def matches(self, name: str) -> bool:
        """Whether the whole name matches."""
        if len(name) > MAX_NAME or len(name) < self._least:
            return False
        if self._whole is not None:
            return self._whole.fullmatch(name) is not None
        first = self._first.match(name)
        if first is None:
            return False
        last, length = self._last
        at, end = first.end(), len(name) - length
        if last.match(name, end) is None:
            return False
        for piece in self._middle:
            found = piece.search(name, at, end)
            if found is None:
                return False
            at = found.end()
        return at <= end


def _compile(piece: str) -> re.Pattern[str]:
    return re.compile("".join("." if character == "?" else re.escape(character) for character in piece), re.DOTALL)


class NameMatcher:
    """Several globs as one question, remembered by name. No glob at all matches no name."""

    __slots__ = ("_everything", "_globs", "_known")

    def __init__(self, patterns: Iterable[str]) -> None:
        globs = [Glob(pattern) for pattern in patterns]
        self._everything = any(glob.pattern == "*" for glob in globs)
        self._known = {glob.pattern: True for glob in globs if glob.is_exact and len(glob.pattern) <= MAX_NAME}
        self._globs = [glob for glob in globs if not glob.is_exact]

    def matches(self, name: str) -> bool:
        """Whether one of the globs matches the whole name."""
        if self._everything:
            return len(name) <= MAX_NAME
        known = self._known.get(name)
        if known is not None:
            return known
        matched = any(glob.matches(name) for glob in self._globs)
        if len(name) <= MAX_NAME and len(self._known) < _REMEMBERED:
            self._known[name] = matched
        return matched
