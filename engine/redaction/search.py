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
from engine.redaction.leads import FOLDED, LEAST, leads_of
from engine.redaction.literals import needs_of
from engine.redaction.prefixes import longest, prefix_pattern, whole_prefix
from engine.redaction.regex import RegexError, Scanner, make_scanner
from engine.redaction.rule import Rule

_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]+)\)")
# Bytes for an automaton of many rules: grown only as far as the texts that are searched need it.
_JOINT_MEM: Final = 32 << 20
# Up to how many a repeat is counted in automata of many rules.
_COUNTED_JOINT: Final = 8
# A lead that may be longer, in bytes, is none.
_LONGEST_LEAD: Final = 128
# A rule that may match more, in bytes, is searched for by itself.
_LONGEST_ALIKE: Final = 512
# Rules that no literal announces, in a group: with seven groups of six, a text with one of them is searched 13 times.
_ALIKE: Final = 6
# Rules whose matches are shorter, in bytes, may hold back as much as each other.
_SHORT: Final = 64


class Wholes:
    """The prefixes of each rule, compiled when a text asks for them first: most rules' literals no stream ever has.

    `ruleset.build` has compiled those of a user's rules before.
    """

    __slots__ = ("_patterns", "_scanners")

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._scanners: list[Scanner | None] = [None] * len(patterns)

    def tail(self, rule: int, text: bytes, start: int) -> int:
        """See Scanner.tail."""
        scanner = self._scanners[rule]
        if scanner is None:
            scanner = self._scanners[rule] = make_scanner([whole_prefix(self._patterns[rule])])
        return scanner.tail(0, text, start)


class Ahead(NamedTuple):
    """What of a text that goes on could still become a match.

    joint, joint_bounds: automata for the prefixes of many patterns, each with the most bytes that one of these can
        match: those of all leads, those of the rules that have long keywords but no lead, those of short rules.
    wholes, bounds: the same of each rule.
    literals: finds the rules whose leads are there as a whole. alone: the rules that no joint automaton has.
    """

    joint: Scanner
    joint_bounds: tuple[int, ...]
    wholes: Wholes
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
    """See the module.

    Text with digits makes candidates of most of the rules that no literal announces, so they are asked for in groups:
    `any_alike` has the alternatives of them all, and then those of each group. `group_of` has the number there of each
    rule's group, 0 for a rule of none.
    """

    prefilter: Prefilter
    scanner: Scanner
    any_alike: Scanner
    group_of: tuple[int, ...]
    ahead: Ahead

    def candidates(self, text: bytes, start: int = 0) -> list[int]:
        """The rules that may match from byte `start` on, ascending."""
        found = self.prefilter.candidates(text, start)
        if len(found) < 2:
            return found
        group_of = self.group_of
        others = [index for index in found if not group_of[index]]
        if len(others) == len(found) or not self.any_alike.occurs(0, text, start):
            return others
        occurring = {
            number
            for number in {group_of[index] for index in found}
            if not number or self.any_alike.occurs(number, text, start)
        }
        return [index for index in found if group_of[index] in occurring]


class _Prefix(NamedTuple):
    """A pattern of prefixes for an automaton of many, and the most bytes that the whole pattern can match."""

    pattern: str
    bound: int


class _Reading(NamedTuple):
    """What the automata need of one rule.

    literals, digits: see Prefilter. bound: the most bytes of a match.
    leads: the prefixes of its leads, in each of which one of `lead_literals` stands; without them it has no lead, and
    `leads` is that of the rule itself.
    """

    literals: list[bytes]
    digits: int
    bound: int
    leads: tuple[_Prefix, ...]
    lead_literals: list[bytes]


def _read(rule: Rule) -> _Reading:
    # All that is asked of one pattern is asked in a row: its structure is parsed once, and not kept.
    pattern = rule.pattern
    literals, digits = needs_of(rule)
    bound = longest(pattern)
    found = leads_of(pattern)
    leads = tuple(_Prefix(prefix_pattern(lead, _COUNTED_JOINT), longest(lead)) for lead in found.patterns)
    lead_literals = [literal.encode() for literal in found.literals]
    if lead_literals and max(lead.bound for lead in leads) > _LONGEST_LEAD:
        lead_literals = []
        leads = (_Prefix(prefix_pattern(pattern, _COUNTED_JOINT), bound),)
    return _Reading(literals, digits, bound, leads, lead_literals)


@lru_cache(maxsize=64)
def search_of(rules: tuple[Rule, ...]) -> Search:
    """The automata of checked rules. Profiles with the same rules share them."""
    readings = [_read(rule) for rule in rules]
    # An empty pattern is that of a rule with a detector. Long repeats need states that slow the others down.
    rest = [
        index for index, reading in enumerate(readings) if not reading.literals and 0 < reading.bound <= _LONGEST_ALIKE
    ]
    alike = [rest[at : at + _ALIKE] for at in range(0, len(rest), _ALIKE)] if len(rest) > 1 else []
    try:
        any_alike = make_scanner([_any_of_rules(rules, group) for group in (rest, *alike)])
    except RegexError:
        # Too large together: each is searched by itself.
        any_alike, alike = make_scanner([""]), []
    return Search(
        Prefilter([reading.literals for reading in readings], [reading.digits for reading in readings]),
        make_scanner([rule.pattern for rule in rules]),
        any_alike,
        tuple(
            next((number for number, group in enumerate(alike, 1) if index in group), 0) for index in range(len(rules))
        ),
        _ahead(rules, readings),
    )


def _ahead(rules: tuple[Rule, ...], readings: list[_Reading]) -> Ahead:
    led = [lead for reading in readings if reading.lead_literals for lead in reading.leads]
    unled = [index for index, reading in enumerate(readings) if not reading.lead_literals and rules[index].pattern]
    keyed = [
        index
        for index in unled
        if rules[index].keywords and all(len(keyword) >= LEAST for keyword in rules[index].keywords)
    ]
    short = [index for index in unled if index not in keyed and readings[index].bound <= _SHORT]
    joint = (led, *([lead for index in some for lead in readings[index].leads] for some in (keyed, short)))
    return Ahead(
        make_scanner([_any_of(prefixes) for prefixes in joint], _JOINT_MEM),
        tuple(max((prefix.bound for prefix in prefixes), default=0) for prefixes in joint),
        Wholes(tuple(rule.pattern for rule in rules)),
        tuple(reading.bound for reading in readings),
        # A rule that has no lead is not to be found by one, so the prefilter gets a literal that no text has.
        Prefilter([reading.lead_literals or [b"\0\0\0\0"] for reading in readings], [0] * len(readings)),
        tuple(index for index in unled if index not in keyed and index not in short),
    )


def _any_of(prefixes: list[_Prefix]) -> str:
    patterns = dict.fromkeys(prefix.pattern for prefix in prefixes)
    return rf"(?:{'|'.join(patterns)})\z"


def _any_of_rules(rules: tuple[Rule, ...], indices: list[int]) -> str:
    return "|".join(_in_a_group(rules[index].pattern) for index in indices)


def _in_a_group(pattern: str) -> str:
    """The pattern as an alternative among others: what its leading flags say holds for it alone."""
    flags = _FLAGS.match(pattern)
    return f"(?{flags[1]}:{pattern[flags.end() :]})" if flags is not None else f"(?:{pattern})"
