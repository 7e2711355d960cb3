"""The automata of a profile's rules: which rules could match at all, where one does, and what could still become one.

Clean text is what nearly all text is, so both questions are asked of all rules together first:

- A prefilter finds the rules whose literal, or number of digits, stands in the text, and the regions around these. The
  others cannot match, and nobody can elsewhere.
- For a text that goes on, one automaton over the leads of all rules finds the earliest place from which the end of the
  text could grow into a lead; the whole of a rule is asked for only where its literal is already there. Rules whose
  keywords are no lead share a second automaton. Rules without any literal, such as an email address, are asked one by
  one, because no other rule's bound would do for them.

Failure modes: a rule whose leads or prefixes RE2 does not take makes the profile unusable, with the rule's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from engine._fast.prefilter import LED, LOOSE, STRICT, Prefilter
from engine._fast.unusual import unusual
from engine.redaction.alphabet import alphabet_of, required, shortest
from engine.redaction.clusters import Run, first_cluster, run_of
from engine.redaction.edges import at_lines
from engine.redaction.leads import FOLDED, LEAST, lead_to, leads_of
from engine.redaction.literals import needs_of
from engine.redaction.prefixes import longest, prefix_pattern, whole_prefix
from engine.redaction.regex import RegexError, Region, Scanner, Tails, Together, make_scanner, make_tails, make_together
from engine.redaction.rule import Rule
from engine.redaction.steps import Steps, steps_of
from engine.redaction.syntax import SyntaxUnknown
from engine.redaction.unusual import unusual_of

# Bytes for an automaton of many rules: grown only as far as the texts that are searched need it.
_JOINT_MEM: Final = 32 << 20
# Up to how many a repeat is counted in automata of many rules.
_COUNTED_JOINT: Final = 8
# A lead that may be longer, in bytes, is none.
_LONGEST_LEAD: Final = 128
# A rule that may match more, in bytes, is searched for by itself.
_LONGEST_ALIKE: Final = 512
# Fewer than these are asked for one by one.
_FEW: Final = 2
# Digits that numbers of a text rarely have.
_MANY_DIGITS: Final = 4
# Letters and digits in a row that words of a text rarely have.
_LEAST_RUN: Final = 16
# More digits than any text has: such a rule is none of the prefilter's.
_NEVER: Final = 0xFFFFFFFF
# What the folded forms begin with, as `unusual` tells it.
_FOLDED_BEGINS: Final = sum(1 << form[0] for form in FOLDED)
# Rules whose matches are shorter, in bytes, may hold back as much as each other.
_SHORT: Final = 64


ClusterNeed = tuple[int, int, int, int, int]


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


class Ahead:
    """What of a text that goes on could still become a match.

    joint: automata for the prefixes of many patterns, each with the most bytes that one of these can match: those of
        all leads, those of the rules that have long keywords but no lead, those of short rules; and those of the rules
        that none of these has, one by one.
    wholes, bounds: the same of each rule.
    literals: finds the rules whose leads are there as a whole.
    """

    __slots__ = ("bounds", "joint", "literals", "wholes")

    def __init__(self, joint: Tails, wholes: Wholes, bounds: tuple[int, ...], literals: Prefilter) -> None:
        self.joint = joint
        self.wholes = wholes
        self.bounds = bounds
        self.literals = literals

    def live_from(self, text: bytes, start: int) -> int:
        """From where on the end of `text` could become a match of some rule; its size if from nowhere.

        `text` has no matches begun before `start`.
        """
        live = self.joint.live_from(text, start)
        rules = self.literals.candidates(text, start)
        if rules:
            live = self._whole(rules, text, start, live)
        if _has_folded(text):
            live = self._whole(range(len(self.bounds)), text, start, live)
        return live

    def _whole(self, rules: Iterable[int], text: bytes, start: int, live: int) -> int:
        for rule in rules:
            live = min(live, self.wholes.tail(rule, text, _behind(text, max(start, len(text) - self.bounds[rule]))))
        return live


def _has_folded(text: bytes) -> bool:
    # `find`, because `in` takes its operand for a number first, which costs an exception.
    return not text.isascii() and (text.find(FOLDED[0]) >= 0 or text.find(FOLDED[1]) >= 0)


def _behind(text: bytes, at: int) -> int:
    """`at`, or the next place at which a character begins."""
    while at < len(text) and text[at] & 0xC0 == 0x80:
        at += 1
    return at


class Alike:
    """Rules that no literal announces: what makes one of them worth a search mostly does so for many.

    So all are asked for in one search, which tells those that occur.
    """

    __slots__ = ("_together", "rules")

    def __init__(self, patterns: list[str], indices: list[int]) -> None:
        self.rules = tuple(indices)
        self._together: Together | None = None
        try:
            self._together = make_together([patterns[index] for index in indices])
        except RegexError:
            # Too large together: each is searched by itself.
            pass

    def regions(self, text: bytes, spans: list[tuple[int, int]]) -> list[Region]:
        """The rules that may occur in a span, for each span that has any."""
        if self._together is None:
            return [(rule, left, right, right) for left, right in spans for rule in self.rules]
        return [(self.rules[number], left, right, right) for number, left, right in self._together.within(text, spans)]


class Search:
    """See the module. numbered: the rules whose matches begin with a cluster of digits. others: the short rules that
    nothing at all announces. is_other: of each rule, whether it is one of these.

    unusual: the rules whose matches need one of some unusual bytes, each with these as a number, see `unusual`.
    edged: the place in `at_lines` of each rule whose pattern looks at the edges of a text, see `edges`.
    """

    __slots__ = (
        "ahead",
        "at_lines",
        "edged",
        "is_other",
        "numbered",
        "others",
        "prefilter",
        "scanner",
        "unusual",
    )

    def __init__(
        self,
        prefilter: Prefilter,
        scanner: Scanner,
        numbered: Alike,
        others: Alike,
        is_other: tuple[bool, ...],
        ahead: Ahead,
        edged: dict[int, int],
        at_lines: Scanner,
        unusual: tuple[tuple[int, int], ...],
    ) -> None:
        self.prefilter = prefilter
        self.scanner = scanner
        self.numbered = numbered
        self.others = others
        self.is_other = is_other
        self.ahead = ahead
        self.edged = edged
        self.at_lines = at_lines
        self.unusual = unusual

    def candidates(self, text: bytes, start: int = 0) -> list[Region]:
        """The rules that may match from byte `start` on, and where."""
        found, spans = self.prefilter.regions(text, start)
        there = unusual(text, start) if found or self.unusual else 0
        if found and there & _FOLDED_BEGINS and _has_folded(text):
            found, spans = self.prefilter.regions(text, start, True)
        if spans:
            found = found + self.numbered.regions(text, spans)
        if self.others.rules:
            is_other = self.is_other
            whole = [region for region in found if is_other[region[0]]]
            if whole:
                found = [region for region in found if not is_other[region[0]]]
                found += self.others.regions(text, [(start, len(text))])
        if there and self.unusual:
            found = found + [(rule, start, len(text), len(text)) for rule, needed in self.unusual if needed & there]
        return found

    def occurring(self, text: bytes, regions: list[Region]) -> list[Region]:
        """The regions in which a pattern may have a place: in `text`, or in one of many texts in it, each of which has
        a line end on both sides. Those of rules without a pattern are among them."""
        edged = self.edged
        if not edged:
            return [region for region, _ in self.scanner.first(text, regions)]
        found = self.scanner.first(text, [region for region in regions if region[0] not in edged])
        of_lines = [
            region
            for region in regions
            if region[0] in edged and self.at_lines.occurs(edged[region[0]], text, *region[1:])
        ]
        return [region for region, _ in found] + of_lines


class _Prefix(NamedTuple):
    """A pattern of prefixes for an automaton of many, and the most bytes that the whole pattern can match."""

    pattern: str
    bound: int


class _Reading(NamedTuple):
    """What the automata need of one rule.

    literals, digits, bound, lead, cluster, run, alphabet, shortest, mark: see Prefilter. steps: see `steps`.
    unusual: the unusual bytes of which one stands in each match, as a number; 0: it can do without.
    leads: the prefixes of its leads, in each of which one of `lead_literals` stands; without them it has no lead, and
    `leads` is that of the rule itself.
    """

    literals: list[bytes]
    digits: int
    bound: int
    lead: int
    cluster: ClusterNeed | None
    run: Run | None
    unusual: int
    leads: tuple[_Prefix, ...]
    lead_literals: list[bytes]
    steps: Steps | None
    alphabet: bytes | None
    shortest: int
    mark: int


def _read(rule: Rule) -> _Reading:
    # All that is asked of one pattern is asked in a row: its structure is parsed once, and not kept.
    pattern = rule.pattern
    literals, digits = needs_of(rule)
    bound = longest(pattern)
    needed = unusual_of(pattern) if pattern and not literals and not digits else 0
    cluster, run = (None, None) if literals or needed else _place_of(pattern, digits, bound)
    found = leads_of(pattern)
    leads = tuple(_Prefix(prefix_pattern(lead, _COUNTED_JOINT), longest(lead)) for lead in found.patterns)
    lead_literals = [literal.encode() for literal in found.literals]
    if lead_literals and max(lead.bound for lead in leads) > _LONGEST_LEAD:
        lead_literals = []
        leads = (_Prefix(prefix_pattern(pattern, _COUNTED_JOINT), bound),)
    lead = lead_to(pattern, [literal.decode() for literal in literals]) if literals else None
    return _Reading(
        literals,
        digits,
        bound,
        lead or 0,
        cluster,
        run,
        needed,
        leads,
        lead_literals,
        steps_of(pattern),
        alphabet_of(pattern),
        shortest(pattern),
        required(pattern, literals),
    )


def _place_of(pattern: str, digits: int, bound: int) -> tuple[ClusterNeed | None, Run | None]:
    """What tells where the matches of a rule without literals are: a cluster of digits, or a run of letters and digits.

    Long repeats need states that slow an automaton of many rules down, so long rules have no cluster.
    """
    if not pattern:
        return None, None
    try:
        run = run_of(pattern)
        if run is not None and run.least >= _LEAST_RUN:
            return None, run
        cluster = first_cluster(pattern) if bound <= _LONGEST_ALIKE else None
    except SyntaxUnknown:
        return None, None
    if cluster is None:
        return None, None
    trail = bound if cluster.trail is None else cluster.trail
    if cluster.led:
        return (LED, cluster.run, cluster.lead, trail, 1), None
    if cluster.least < digits and cluster.least < _MANY_DIGITS:
        return (LOOSE, digits, bound, bound, 1), None
    return (STRICT, cluster.least, cluster.lead, trail, cluster.groups), None


@lru_cache(maxsize=64)
def search_of(rules: tuple[Rule, ...]) -> Search:
    """The automata of checked rules. Profiles with the same rules share them."""
    readings = [_read(rule) for rule in rules]
    numbered = [index for index, reading in enumerate(readings) if reading.cluster is not None]
    # An empty pattern is that of a rule with a detector. Long repeats need states that slow the others down.
    others = [
        index
        for index, reading in enumerate(readings)
        if not (reading.literals or reading.cluster or reading.run or reading.unusual)
        and 0 < reading.bound <= _LONGEST_ALIKE
    ]
    if len(others) < _FEW:
        others = []
    lines = [at_lines(rule.pattern) for rule in rules]
    edged = [index for index, rule in enumerate(rules) if lines[index] is not rule.pattern]
    return Search(
        Prefilter(
            [reading.literals for reading in readings],
            [
                # Detectors that nothing announces are asked always, see `profile`.
                _NEVER
                if reading.unusual or not (rule.pattern or reading.literals or reading.digits)
                else reading.digits
                for rule, reading in zip(rules, readings, strict=True)
            ],
            [reading.bound for reading in readings],
            [reading.cluster for reading in readings],
            [reading.run for reading in readings],
            [reading.lead for reading in readings],
            [reading.alphabet for reading in readings],
            [reading.shortest for reading in readings],
            [reading.mark for reading in readings],
        ),
        make_scanner(
            [rule.pattern for rule in rules],
            steps=[reading.steps for reading in readings],
            lazy=True,
            shortest=[reading.shortest for reading in readings],
        ),
        Alike(lines, numbered),
        Alike(lines, others),
        tuple(index in others for index in range(len(rules))),
        _ahead(rules, readings),
        {index: number for number, index in enumerate(edged)},
        make_scanner([lines[index] for index in edged], steps=[steps_of(lines[index]) for index in edged], lazy=True),
        tuple((index, reading.unusual) for index, reading in enumerate(readings) if reading.unusual),
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
    alone = [index for index in unled if index not in keyed and index not in short]
    return Ahead(
        make_tails(
            [*map(_any_of, joint), *(whole_prefix(rules[index].pattern) for index in alone)],
            [
                *(max((prefix.bound for prefix in prefixes), default=0) for prefixes in joint),
                *(readings[index].bound for index in alone),
            ],
            _JOINT_MEM,
        ),
        Wholes(tuple(rule.pattern for rule in rules)),
        tuple(reading.bound for reading in readings),
        # A rule that has no lead is not to be found by one, so the prefilter gets a literal that no text has.
        Prefilter([reading.lead_literals or [b"\0\0\0\0"] for reading in readings], [0] * len(readings)),
    )


def _any_of(prefixes: list[_Prefix]) -> str:
    patterns = dict.fromkeys(prefix.pattern for prefix in prefixes)
    return rf"(?:{'|'.join(patterns)})\z"
