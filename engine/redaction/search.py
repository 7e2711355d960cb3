"""The automata of a profile's rules: which rules could match at all, where one does, and what could still become one.

Clean text is what nearly all text is, so both questions are asked of all rules together first:

- A prefilter finds the rules whose literal, or number of digits, stands in the text. The others cannot match.
- For a text that goes on, one automaton over the leads of all rules finds the earliest place from which the end of the
  text could grow into a lead; the whole of a rule is asked for only where its literal is already there. Rules whose
  keywords are no lead share a second automaton. Rules without any literal, such as an email address, are asked one by
  one, because no other rule's bound would do for them.

Failure modes: a rule whose leads or prefixes RE2 does not take makes the profile unusable, with the rule's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from engine._fast.prefilter import Prefilter
from engine.redaction.leads import FOLDED, LEAST, Leads, leads_of
from engine.redaction.literals import needs_of
from engine.redaction.prefixes import longest, prefix_pattern
from engine.redaction.regex import RegexError, Scanner, make_scanner
from engine.redaction.rule import Rule

_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]+)\)")
# Bytes for an automaton of many rules: grown only as far as the texts that are searched need it.
_JOINT_MEM: Final = 32 << 20
# Up to how many a repeat is counted, in automata of many rules and in those of one.
_COUNTED_JOINT: Final = 8
_COUNTED: Final = 64
# A lead that may be longer, in bytes, is none.
_LONGEST_LEAD: Final = 128
# A rule that may match more, in bytes, is searched for by itself.
_LONGEST_ALIKE: Final = 512
# Rules whose matches are shorter, in bytes, may hold back as much as each other.
_SHORT: Final = 64


class Ahead(NamedTuple):
    """What of a text that goes on could still become a match.

    joint, joint_bounds: automata for the prefixes of many patterns, each with the most bytes that one of these can
        match: those of all leads, those of the rules that have long keywords but no lead, those of short rules.
    wholes, bounds: the same of each rule.
    literals: finds the rules whose leads are there as a whole. alone: the rules that no joint automaton has.
    """

    joint: Scanner
    joint_bounds: tuple[int, ...]
    wholes: Scanner
    bounds: tuple[int, ...]
    literals: Prefilter
    alone: tuple[int, ...]

    def live_from(self, text: bytes, start: int) -> int:
        """From where on the end of `text` could become a match of some rule; its size if from nowhere.

        `text` has no matches begun before `start`.
        """
        size = len(text)
        live = size
        joint, wholes, bounds = self.joint, self.wholes, self.bounds
        for index, bound in enumerate(self.joint_bounds):
            live = min(live, joint.tail(index, text, _behind(text, max(start, size - bound))))
        for rule in self.alone:
            live = min(live, wholes.tail(rule, text, _behind(text, max(start, size - bounds[rule]))))
        for rule in self.literals.candidates(text, start):
            live = min(live, wholes.tail(rule, text, _behind(text, max(start, size - bounds[rule]))))
        # `find`, because `in` takes its operand for a number first, which costs an exception.
        if text.find(FOLDED[0]) >= 0 or text.find(FOLDED[1]) >= 0:
            for rule, bound in enumerate(bounds):
                live = min(live, wholes.tail(rule, text, _behind(text, max(start, size - bound))))
        return live


def _behind(text: bytes, at: int) -> int:
    """`at`, or the next place at which a character begins."""
    while at < len(text) and text[at] & 0xC0 == 0x80:
        at += 1
    return at


@dataclass(frozen=True, slots=True)
class Search:
    """See the module. `alike` are the rules that no literal announces, and that are not too long.

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
    # An empty pattern is that of a rule with a detector. Long repeats need states that slow the others down.
    alike = [
        index
        for index, (literals, _) in enumerate(needs)
        if not literals and 0 < longest(rules[index].pattern) <= _LONGEST_ALIKE
    ]
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
    bounds = tuple(longest(rule.pattern) for rule in rules)
    leads = [_short(leads_of(rule.pattern)) for rule in rules]
    led = list(dict.fromkeys(pattern for lead in leads for pattern in lead.patterns))
    unled = [index for index, lead in enumerate(leads) if not lead.literals and rules[index].pattern]
    keyed = [
        index
        for index in unled
        if rules[index].keywords and all(len(keyword) >= LEAST for keyword in rules[index].keywords)
    ]
    short = [index for index in unled if index not in keyed and bounds[index] <= _SHORT]
    joint = (led, [rules[index].pattern for index in keyed], [rules[index].pattern for index in short])
    # A rule that has no lead is not to be found by one, so the prefilter gets a literal that no text has.
    literals = [[text.encode() for text in lead.literals] or [b"\0\0\0\0"] for lead in leads]
    return Ahead(
        make_scanner([_any_prefix(patterns) for patterns in joint], _JOINT_MEM),
        tuple(max(map(longest, patterns), default=0) for patterns in joint),
        make_scanner([rf"{prefix_pattern(rule.pattern, _COUNTED)}\z" for rule in rules]),
        bounds,
        Prefilter(literals, [0] * len(rules)),
        tuple(index for index in unled if index not in keyed and index not in short),
    )


def _short(leads: Leads) -> Leads:
    return leads if leads.literals and max(map(longest, leads.patterns)) <= _LONGEST_LEAD else Leads((), ())


def _any_prefix(patterns: list[str]) -> str:
    return rf"(?:{'|'.join(prefix_pattern(pattern, _COUNTED_JOINT) for pattern in patterns)})\z"


def _in_a_group(pattern: str) -> str:
    """The pattern as an alternative among others: what its leading flags say holds for it alone."""
    flags = _FLAGS.match(pattern)
    return f"(?{flags[1]}:{pattern[flags.end() :]})" if flags is not None else f"(?:{pattern})"
