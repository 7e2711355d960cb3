"""A rule: what to look for, how to be sure, and what to put in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

Check = Callable[[str], bool]

# The `max_len` of a rule that declares none: its pattern has to have a bound by itself.
NO_BOUND: Final = 1 << 30


class Detector(Protocol):
    """What finds matches that no pattern describes. Text is UTF-8, offsets are bytes at which characters begin.

    What `find` gives depends on the text from `lookback` bytes before `at` on, and on nothing else: a stream keeps no
    more. A value that begins before `at` counts as given already.
    """

    @property
    def lookback(self) -> int:
        """How many bytes before a place the detector looks at, at most."""

    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None:
        """Start and end of the leftmost value that begins at `at` or later. It is not empty. Of values that begin at
        `before` or later nobody asks."""

    def tail(self, text: bytes, start: int) -> int:
        """The earliest place from `start` on at which a value may begin that more text could still make, lengthen or
        shorten; the size of the text where there is none. It may be too early, never too late."""


@dataclass(frozen=True)
class Rule:
    """`pattern` is RE2 syntax. A match counts if it has at most `max_len` bytes, if one of the `keywords`, where there
    are any, stands in it, in upper or lower case (ASCII), if none of the characters `not_after` (ASCII) stands right
    before it, and if `check` accepts its value.

    digits: of a rule with a detector, how many digits each of its matches has no more than three bytes apart.

    A pattern with a capturing group finds what the group catches, and the rest of the match is context that stays; one
    without finds the whole match. A rule with a `detector` has an empty pattern.

    In an example the rule must find something, in a counterexample nothing. `ruleset` says when that is checked.
    """

    id: str
    group: str
    pattern: str
    max_len: int
    replacement: str
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    check: Check | None = None
    not_after: str = ""
    detector: Detector | None = None
    digits: int = 0
