"""scanner: which rules of the built-in pack hit an answer, beside pyre2 and `re`.

`re` one by one is also the oracle: it finds the same by other means. The joined pattern of `re` can only say whether
anything hits, which is all that a clean answer needs; on an answer with findings it does less than is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.scanner import Scanner
from engine.redaction.regex import Pyre2Scanner
from engine.redaction.rules import RULES

_FLAGS = re.compile(r"\A\(\?([a-z]+)\)")


def one_by_one(patterns: Sequence[str]) -> Callable[[bytes], list[int]]:
    """Indices of the patterns that occur, by a search for each with the standard library."""
    compiled = [re.compile(pattern.encode()) for pattern in patterns]

    def hits(text: bytes) -> list[int]:
        return [index for index, pattern in enumerate(compiled) if pattern.search(text) is not None]

    return hits


def joined(patterns: Sequence[str]) -> Callable[[bytes], bool]:
    """Whether any of the patterns occurs, by one search for all with the standard library."""
    # Flags at the head of a pattern hold for all of it; within a joined one they need a group to hold for.
    groups = [_FLAGS.sub(r"(?\1:", pattern) if _FLAGS.match(pattern) else f"(?:{pattern}" for pattern in patterns]
    search = re.compile("|".join(f"{group})" for group in groups).encode()).search

    def any_hits(text: bytes) -> bool:
        return search(text) is not None

    return any_hits


def cases() -> list[Case]:
    """The whole pack over a clean answer and over one with two findings; finding the place of one of them."""
    patterns = [rule.pattern for rule in RULES]
    scanner, pyre2 = Scanner(patterns), Pyre2Scanner(patterns)
    email = next(index for index, rule in enumerate(RULES) if rule.id == "email")
    email_re = re.compile(patterns[email].encode())

    def by_re(rule: int, text: bytes) -> list[tuple[int, int, int, int]]:
        return [(*match.span(), *match.span()) for match in email_re.finditer(text)]

    def hitting(text: bytes) -> list[Contender]:
        ways: dict[str, Callable[[bytes], Any]] = {
            "kernel": scanner.hits,
            "pyre2": pyre2.hits,
            "re, one by one (oracle)": one_by_one(patterns),
        }
        return [Contender(name, "hits(text)", {"hits": hits, "text": text}) for name, hits in ways.items()]

    def nothing(found: bool) -> list[int]:
        return [-1] if found else []

    clean, found = payloads.ANSWER, payloads.FOUND
    spans = {"kernel": scanner.spans, "pyre2": pyre2.spans, "re (oracle)": by_re}
    return [
        Case(
            f"scanner: {len(patterns)} rules, a clean answer",
            [
                *hitting(clean),
                Contender("re, joined", "hits(text)", {"hits": joined(patterns), "text": clean}, nothing),
            ],
            size=len(clean),
        ),
        Case(f"scanner: {len(patterns)} rules, two hit", hitting(found), size=len(found)),
        Case(
            "scanner: where one rule hits",
            [
                Contender(name, "spans(rule, text)", {"spans": way, "rule": email, "text": found})
                for name, way in spans.items()
            ],
            size=len(found),
        ),
    ]
