"""A rule: what to look for, how to be sure, and what to put in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Check = Callable[[str], bool]

# The `max_len` of a rule that declares none: its pattern has to have a bound by itself.
NO_BOUND: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is RE2 syntax. A match counts if it has at most `max_len` bytes, if one of the `keywords`, where there
    are any, stands in it, in upper or lower case (ASCII), if none of the characters `not_after` (ASCII) stands right
    before it, and if `check` accepts its value.

    A pattern with a capturing group finds what the group catches, and the rest of the match is context that stays; one
    without finds the whole match.

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
