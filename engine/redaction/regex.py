"""The seam to RE2: the compiled `scanner` kernel, or pyre2 where libre2 was not there when tidegate was built.

Both find the same; pyre2 has no set, so it asks each pattern whether it occurs.
Neither ever falls back to Python's `re`, whose time is not bounded. Where neither is there, importing this fails: a
gateway that cannot search does not start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import re2

try:
    from engine._fast.scanner import PatternError as KernelError
    from engine._fast.scanner import Scanner as KernelScanner
except ImportError:
    KernelScanner = None  # type: ignore[assignment,misc]

# For every import of pyre2 in this process: a pattern that RE2 refuses raises instead of running in `re`.
re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)

MAX_MEM: Final = 64 << 20


class RegexError(ValueError):
    """A pattern that RE2 refuses. `index` is its place in the list, -1 for the list as a whole."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


class Scanner(Protocol):
    """Compiled patterns. Text is UTF-8; places are byte offsets."""

    def hits(self, text: bytes) -> list[int]:
        """Indices of the patterns that occur, ascending."""

    def spans(self, rule: int, text: bytes, start: int = 0) -> list[tuple[int, int, int, int]]:
        """Places of one pattern, leftmost, not overlapping, never empty: start, end, and start and end of the value.

        The value is what the first capturing group caught, or the whole where there is none or it caught nothing.
        """


class Pyre2Scanner:
    """The stand-in."""

    def __init__(self, patterns: Sequence[str], max_mem: int = MAX_MEM) -> None:
        self._patterns = []
        for index, pattern in enumerate(patterns):
            try:
                self._patterns.append(re2.compile(pattern.encode(), max_mem=max_mem))
            except Exception as error:
                # pyre2 raises its own class, or `re`'s, by the kind of fault.
                raise RegexError(index, str(error)) from None

    def hits(self, text: bytes) -> list[int]:
        return [index for index, pattern in enumerate(self._patterns) if pattern.search(text) is not None]

    def spans(self, rule: int, text: bytes, start: int = 0) -> list[tuple[int, int, int, int]]:
        places = []
        for match in self._patterns[rule].finditer(text, start):
            begin, end = match.span()
            if end > begin:
                value = match.span(1) if match.re.groups and match.group(1) else (begin, end)
                places.append((begin, end, *value))
        return places


def make_scanner(patterns: Sequence[str], max_mem: int = MAX_MEM) -> Scanner:
    """The patterns compiled by the engine in use. Raises RegexError."""
    if KernelScanner is None:
        return Pyre2Scanner(patterns, max_mem)
    try:
        return KernelScanner(patterns, max_mem)
    except KernelError as error:
        raise RegexError(error.index, error.reason) from None


def engine_name() -> str:
    """Which engine is in use: "libre2" (the kernel) or "pyre2"."""
    return "pyre2" if KernelScanner is None else "libre2"
