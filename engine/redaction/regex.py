"""The seam to RE2: the compiled `scanner` kernel, or pyre2 where libre2 was not there when tidegate was built.

Both find the same. Neither ever falls back to Python's `re`, whose time is not bounded. Where neither is there,
importing this fails: a gateway that cannot search does not start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

import re2

from engine.redaction.steps import Steps

try:
    from engine._fast.scanner import PatternError as KernelError
    from engine._fast.scanner import Scanner as KernelScanner
    from engine._fast.scanner import Tails as KernelTails
    from engine._fast.scanner import Together as KernelTogether
except ImportError:
    KernelScanner = None  # type: ignore[assignment,misc]

# For every import of pyre2 in this process: a pattern that RE2 refuses raises instead of running in `re`.
re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)

# Bytes for one pattern and its automata: four times what the largest rule of the pack needs.
MAX_MEM: Final = 8 << 20


class RegexError(ValueError):
    """A pattern that RE2 refuses. `index` is its place in the list."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


Place = tuple[int, int, int, int]
"""Start and end of a match, start and end of the value in it: what the first capturing group caught, or the whole where
there is none or it caught nothing. Byte offsets."""


Region = tuple[int, int, int, int]
"""A pattern's place in the list, and where its matches are: each lies whole between the first two offsets in bytes, and
begins before the third."""


class Scanner(Protocol):
    """Compiled patterns. Text is UTF-8."""

    def find(self, rule: int, text: bytes, start: int = 0, end: int = -1, before: int = -1) -> Place | None:
        """The leftmost place of one pattern from byte `start` on that is not empty.

        `end`: no place that is asked for ends behind it, so nothing behind it need be searched. The place that is
        found may be another one all the same, behind it or cut off by it.
        """

    def first(self, text: bytes, regions: list[Region]) -> list[tuple[Region, Place | None]]:
        """The regions in which a pattern has a place, each with the first one, as by `find`, in their order. A region
        of an empty pattern is given with None."""

    def occurs(self, rule: int, text: bytes, start: int = 0, end: int = -1, before: int = -1) -> bool:
        """Whether `find` finds a place."""

    def tail(self, rule: int, text: bytes, start: int = 0) -> int:
        """Where the longest end of `text` begins that a pattern ending in `\\z` matches, `start` at the earliest."""


class Tails(Protocol):
    """Compiled patterns that end in `\\z`, each with a bound. Text is UTF-8."""

    def live_from(self, text: bytes, start: int = 0) -> int:
        """Where the longest end of `text` begins that a pattern matches and that is no longer than its bound, `start`
        at the earliest; the size of the text where only the empty one is."""


class Together(Protocol):
    """Compiled patterns that are asked together. Text is UTF-8."""

    def within(self, text: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        """(pattern, left, right) of the patterns that may have a place in a span (left, right), in their order; all
        that have one are among them."""


class Pyre2Scanner:
    """The stand-in. pyre2 reads bytes as Latin-1, so it is given text, and the places are turned back to bytes.

    It is not given an end: it would take that for the end of the text."""

    def __init__(self, patterns: Sequence[str], max_mem: int = MAX_MEM) -> None:
        self._patterns = []
        for index, pattern in enumerate(patterns):
            try:
                self._patterns.append(re2.compile(pattern, max_mem=max_mem))
            except Exception as error:
                # pyre2 raises its own class, or `re`'s, by the kind of fault.
                raise RegexError(index, str(error)) from None

    def find(self, rule: int, text: bytes, start: int = 0, end: int = -1, before: int = -1) -> Place | None:
        # An invalid byte becomes one character that no pattern names, as it is for the kernel.
        whole = text.decode("utf-8", "surrogateescape")
        plain = _ESCAPED.sub("\ufffd", whole)
        for match in self._patterns[rule].finditer(plain, len(text[:start].decode("utf-8", "surrogateescape"))):
            begin, end = match.span()
            if end > begin:
                value = match.span(1) if match.re.groups and match.group(1) else (begin, end)
                left, right = (_offset(whole, place) for place in value)
                return _offset(whole, begin), _offset(whole, end), left, right
        return None

    def first(self, text: bytes, regions: list[Region]) -> list[tuple[Region, Place | None]]:
        found: list[tuple[Region, Place | None]] = []
        for region in regions:
            rule, start, end, before = region
            if not self._patterns[rule].pattern:
                found.append((region, None))
            elif start < before and (place := self.find(rule, text, start, end, before)) is not None:
                found.append((region, place))
        return found

    def occurs(self, rule: int, text: bytes, start: int = 0, end: int = -1, before: int = -1) -> bool:
        return self.find(rule, text, start) is not None

    def tail(self, rule: int, text: bytes, start: int = 0) -> int:
        whole = text.decode("utf-8", "surrogateescape")
        at = len(text[:start].decode("utf-8", "surrogateescape"))
        match = self._patterns[rule].search(_ESCAPED.sub("\ufffd", whole), at)
        return _offset(whole, match.start()) if match is not None else len(text)


class Pyre2Tails:
    """The stand-in for the kernel's."""

    def __init__(self, patterns: Sequence[str], bounds: Sequence[int], max_mem: int = MAX_MEM) -> None:
        self._scanner = Pyre2Scanner(patterns, max_mem)
        self._bounds = tuple(bounds)

    def live_from(self, text: bytes, start: int = 0) -> int:
        live = len(text)
        for index, bound in enumerate(self._bounds):
            at = max(start, len(text) - bound)
            while at < len(text) and text[at] & 0xC0 == 0x80:
                at += 1
            live = min(live, self._scanner.tail(index, text, at))
        return live


class Pyre2Together:
    """The stand-in for the kernel's: one by one."""

    def __init__(self, patterns: Sequence[str], max_mem: int = MAX_MEM) -> None:
        self._scanner = Pyre2Scanner(patterns, max_mem)
        self._count = len(patterns)

    def within(self, text: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
        return [
            (index, left, right)
            for left, right in spans
            for index in range(self._count)
            if self._scanner.occurs(index, text, left, right)
        ]


_ESCAPED: Final = re.compile("[\udc80-\udcff]")


def _offset(text: str, place: int) -> int:
    return len(text[:place].encode("utf-8", "surrogateescape"))


def make_scanner(
    patterns: Sequence[str],
    max_mem: int = MAX_MEM,
    steps: Sequence[Steps | None] | None = None,
    *,
    lazy: bool = False,
    shortest: Sequence[int] | None = None,
) -> Scanner:
    """The patterns compiled by the engine in use. `steps`: of each; `shortest`: how many bytes a place has at least;
    the stand-in finds the same without both. `lazy`: the patterns were compiled before, and are again when a text asks
    for them first; the stand-in compiles them at once.

    Raises RegexError.
    """
    if KernelScanner is None:
        return Pyre2Scanner(patterns, max_mem)
    try:
        return KernelScanner(patterns, max_mem, steps, lazy, shortest)
    except KernelError as error:
        raise RegexError(error.index, error.reason) from None


def make_tails(patterns: Sequence[str], bounds: Sequence[int], max_mem: int = MAX_MEM) -> Tails:
    """The patterns compiled by the engine in use. Raises RegexError."""
    if KernelScanner is None:
        return Pyre2Tails(patterns, bounds, max_mem)
    try:
        return KernelTails(patterns, bounds, max_mem)
    except KernelError as error:
        raise RegexError(error.index, error.reason) from None


def make_together(patterns: Sequence[str], max_mem: int = MAX_MEM) -> Together:
    """The patterns compiled by the engine in use. `max_mem`: bytes for all of them. Raises RegexError."""
    if KernelScanner is None:
        return Pyre2Together(patterns, max_mem)
    try:
        return KernelTogether(patterns, max_mem)
    except KernelError as error:
        raise RegexError(error.index, error.reason) from None


def engine_name() -> str:
    """Which engine is in use: "libre2" (the kernel) or "pyre2"."""
    return "pyre2" if KernelScanner is None else "libre2"
