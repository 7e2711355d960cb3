"""prefilter: which rules of the built-in pack could match an answer, beside searching for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonguard import texts
from engine._fast.scanner import Scanner
from engine.redaction.literals import needs_of
from engine.redaction.ruleset import build
from engine.redaction.search import search_of
from tests.fast.oracles.prefilter import candidates


def cases() -> list[Case]:
    """Which rules occur: the prefilter and RE2 where it says, by its oracle, and RE2 and `re` for every rule."""
    # Those with a detector have no pattern.
    rules = [rule for rule in build().rules if rule.pattern]
    needs = [needs_of(rule) for rule in rules]
    literals, digits = [needed for needed, _ in needs], [count for _, count in needs]
    search = search_of(tuple(rules))
    patterns = [rule.pattern for rule in rules]
    scanner = Scanner(patterns)
    # What RE2 spells in another way, or `re` warns of.
    compiled = [re.compile(pattern.replace(r"\z", r"\Z").replace("[[", r"[\[").encode()) for pattern in patterns]

    def filtered(text: bytes) -> list[int]:
        found = {
            rule
            for rule, left, right, before in search.candidates(text)
            if scanner.occurs(rule, text, left, right, before)
        }
        return sorted(found)

    def by_oracle(text: bytes) -> list[int]:
        return [rule for rule in candidates(literals, digits, text) if scanner.occurs(rule, text)]

    def all_by_re2(text: bytes) -> list[int]:
        return [rule for rule in range(len(patterns)) if scanner.occurs(rule, text)]

    def all_by_re(text: bytes) -> list[int]:
        return [rule for rule, pattern in enumerate(compiled) if pattern.search(text) is not None]

    ways: dict[str, Callable[[bytes], list[int]]] = {
        "kernel, then RE2": filtered,
        "oracle, then RE2": by_oracle,
        "RE2 for every rule": all_by_re2,
        "re for every rule": all_by_re,
    }
    return [
        Case(
            f"prefilter: {len(patterns)} rules, {name}",
            [Contender(way, "occur(text)", {"occur": occur, "text": text}) for way, occur in ways.items()],
            size=len(text),
        )
        # What is searched of an answer: its strings.
        for name, text in (("a clean answer", texts(payloads.ANSWER, 64)), ("two hit", texts(payloads.FOUND, 64)))
    ]
