"""scanner: where one rule hits an answer, beside pyre2 and `re`."""

from __future__ import annotations

import re
from collections.abc import Callable

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.scanner import Scanner
from engine.redaction.regex import Place, Pyre2Scanner
from engine.redaction.rules import RULES


def by_re(pattern: str) -> Callable[[int, bytes], Place | None]:
    """The same with the standard library, which is also the oracle."""
    search = re.compile(pattern.encode()).search

    def find(rule: int, text: bytes) -> Place | None:
        match = search(text)
        return (*match.span(), *match.span()) if match is not None else None

    return find


def cases() -> list[Case]:
    """One rule over an answer in which it occurs, and over a clean one."""
    email = next(rule.pattern for rule in RULES if rule.id == "email")
    ways = {
        "kernel": Scanner([email]).find,
        "pyre2": Pyre2Scanner([email]).find,
        "re (oracle)": by_re(email),
    }
    return [
        Case(
            f"scanner: {name}",
            [Contender(way, "find(0, text)", {"find": find, "text": text}) for way, find in ways.items()],
            size=len(text),
        )
        for name, text in (("where one rule hits", payloads.FOUND), ("one rule, a clean answer", payloads.ANSWER))
    ]
