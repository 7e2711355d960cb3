"""The automata of a profile's rules: which rules could match at all, where one does, and what could still become one.

Clean text is what nearly all text is, so both questions are asked of all rules together first:

- A prefilter finds the rules whose literal, or number of digits, stands in the text. The others cannot match.
- For a text that goes on, one automaton over the leads of all rules finds the earliest place from which the end of the
  text could grow into a lead; the whole of a rule is asked for only where its literal is already there. Rules without a
  literal, such as an email address, are asked one by one: together their counted repeats multiply.

Failure modes: a rule whose leads or prefixes RE2 does not take makes the profile unusable, with the rule's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from engine._fast.prefilter import Prefilter
from engine.redaction.leads import FOLDED, leads_of
from engine.redaction.literals import needs_of
from engine.redaction.prefixes import prefix_pattern
from engine.redaction.regex import RegexError, Scanner, make_scanner
from engine.redaction.rule import Rule

_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]+)\)")
# Bytes for the automaton of all leads: grown only as far as the texts that are searched need it.
_LEADS_MEM: Final = 64 << 20


class Ahead(NamedTuple):
    """What of a text that goes on could still become a match.

    `leads` is one automaton, `wholes` has one for each rule, `literals` the rules that have leads. `unled` are those
    that have none.
    """

    leads: Scanner
    wholes: Scanner
    literals: Prefilter
    unled: tuple[int, ...]

    def live_from(self, text: bytes, start: int) -> int:
        """From where on the end of `text` could become a match of some rule; its size if from nowhere.

        `text` has no matches begun before `start`.
        """
        live = self.leads.tail(0, text, start)
        wholes = self.wholes
        for rule in self.unled:
            live = min(live, wholes.tail(rule, text, start))
        for rule in self.literals.candidates(text, start):
            live = min(live, wholes.tail(rule, text, start))
        if FOLDED[0] in text or FOLDED[1] in text:
            live = min(live, *(wholes.tail(rule, text, start) for rule in range(len(wholes))))
        return live


@dataclass(frozen=True, slots=True)
class Search:
    """See the module. `alike` are the rules that no literal announces.

    Text with digits makes candidates of most of them, so one search by `any_alike`, the alternatives of them all, goes
    before the searches for each.
    """

    prefilter: Prefilter
    scanner: Scanner
    any_alike: Scanner
    alike: frozenset[int]
    ahead: Ahead

    def candidates(self, text: bytes, start: int = 0) -> list[int]:
        """The rules that may match from byte `start` on, ascending."""
        found = self.prefilter.candidates(text, start)
        if len(found) < 2:
            return found
        others = [index for index in found if index not in self.alike]
        if len(found) - len(others) > 1 and not self.any_alike.occurs(0, text, start):
            return others
        return found


@lru_cache(maxsize=64)
def search_of(rules: tuple[Rule, ...]) -> Search:
    """The automata of checked rules. Profiles with the same rules share them."""
    needs = [needs_of(rule) for rule in rules]
    alike = [index for index, (literals, _) in enumerate(needs) if not literals]
    try:
        any_alike = make_scanner(["|".join(_in_a_group(rules[index].pattern) for index in alike)])
    except RegexError:
        # Too large together: each is searched by itself.
        any_alike, alike = make_scanner([""]), []
    return Search(
        Prefilter([literals for literals, _ in needs], [digits for _, digits in needs]),
        make_scanner([rule.pattern for rule in rules]),
        any_alike,
        frozenset(alike),
        _ahead(rules),
    )


def _ahead(rules: tuple[Rule, ...]) -> Ahead:
    leads = [leads_of(rule.pattern) for rule in rules]
    led = dict.fromkeys(pattern for lead in leads if lead.literals for pattern in lead.patterns)
    # A rule without a literal is asked by itself, so the prefilter is given one that no text has.
    literals = [[text.encode() for text in lead.literals] or [b"\0\0\0\0"] for lead in leads]
    return Ahead(
        make_scanner([f"(?:{'|'.join(map(prefix_pattern, led))})\\z"], _LEADS_MEM),
        make_scanner([f"{prefix_pattern(rule.pattern)}\\z" for rule in rules]),
        Prefilter(literals, [0] * len(rules)),
        tuple(index for index, lead in enumerate(leads) if not lead.literals),
    )


def _in_a_group(pattern: str) -> str:
    """The pattern as an alternative among others: what its leading flags say holds for it alone."""
    flags = _FLAGS.match(pattern)
    return f"(?{flags[1]}:{pattern[flags.end() :]})" if flags is not None else f"(?:{pattern})"
