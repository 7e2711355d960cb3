"""All rules that a policy can name: the built-in pack and the user's own, each held against its examples.

A rule that does not compile, does not find one of its examples, or finds something in a counterexample is refused, with
its name and the reason: nobody runs on a rule that does not do what it says. A user's rules are held against their
examples whenever they are loaded. The built-in pack is the same on every machine, so its patterns and examples are held
by the tests (and by `tidegate rules test`), not by every start: a pattern is compiled when a text asks for it first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from engine.redaction.alphabet import shortest
from engine.redaction.edges import at_lines
from engine.redaction.leads import lead_to
from engine.redaction.links import LeadsAway
from engine.redaction.prefixes import Unbounded, bounded, longest, whole_prefix
from engine.redaction.regex import Place as Found
from engine.redaction.regex import RegexError, Scanner, make_scanner
from engine.redaction.rule import NO_BOUND, Rule
from engine.redaction.rules import RULES
from engine.redaction.syntax import SyntaxUnknown

# So many keywords are looked for one by one; more at each place of the match.
_FEW: Final = 8


class RuleError(ValueError):
    """A rule, or a name in a profile, that cannot be used. `rule` is its id or name."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Checked rules, in order of precedence: the user's own first."""

    rules: tuple[Rule, ...]

    @property
    def groups(self) -> frozenset[str]:
        """The names of groups."""
        return frozenset(rule.group for rule in self.rules)


def accepts(rule: Rule, match: bytes, value: bytes) -> bool:
    """Whether a match counts: the rule's bound and keywords hold for it, and its own check for the value in it."""
    if len(match) > rule.max_len:
        return False
    if rule.keywords and len(rule.keywords) <= _FEW and not _has_keyword(rule, match):
        return False
    if rule.check is not None and not rule.check(value.decode("utf-8", "replace")):
        return False
    # To look for many takes longer than most checks.
    return not rule.keywords or len(rule.keywords) <= _FEW or _has_keyword(rule, match)


class _Words:
    """A rule's keywords by their sizes. implied: whether every match in ASCII has one."""

    __slots__ = ("by_size", "implied", "keywords", "pattern")

    def __init__(self, rule: Rule) -> None:
        # Kept alive, so that nothing else has their identity.
        self.pattern = rule.pattern
        self.keywords = rule.keywords
        words = [keyword.encode() for keyword in rule.keywords]
        self.by_size = [
            (size, frozenset(word for word in words if len(word) == size))
            for size in sorted({len(word) for word in words})
        ]
        try:
            self.implied = lead_to(rule.pattern, rule.keywords) is not None
        except SyntaxUnknown:
            self.implied = False


# By the identity of a rule's pattern: to hash it takes longer than a search.
_words: dict[int, _Words] = {}


def _has_keyword(rule: Rule, match: bytes) -> bool:
    words = _words.get(id(rule.pattern))
    if words is None or words.keywords is not rule.keywords:
        words = _words[id(rule.pattern)] = _Words(rule)
    if words.implied and match.isascii():
        return True
    lower = match.lower()
    by_size = words.by_size
    if len(rule.keywords) <= _FEW:
        for _, words_of_size in by_size:
            for word in words_of_size:
                if lower.find(word) >= 0:
                    return True
        return False
    # Most matches begin with theirs.
    for at in range(len(lower)):
        for size, words_of_size in by_size:
            if lower[at : at + size] in words_of_size:
                return True
    return False


Place = tuple[int, int, int]
"""A match that counts: where its value begins and ends, and where the search for the next match begins. Byte offsets.
"""


def next_place(
    rule: Rule,
    scanner: Scanner,
    index: int,
    text: bytes,
    at: int,
    before: int,
    end: int = -1,
    first: Found | None = None,
) -> Place | None:
    """The first match of a rule that counts and begins in [at, before). `index`: the rule's in the scanner. `end`: all
    matches that count lie before it; -1: the text's own. `first`: what the scanner finds first, if that is known.

    After a match that does not count the search goes on a character later, because the next may begin inside it. So the
    time is bounded by the text times the longest match.
    """
    if rule.detector is not None:
        found = rule.detector.find(text, at, before)
        return (*found, found[1]) if found is not None and found[0] < before else None
    while at < before:
        place = first or scanner.find(index, text, at, end, before)
        if place is None:
            return None
        first = None
        start, stop, left, right = place
        if start >= before:
            return None
        forbidden = start > 0 and rule.not_after and chr(text[start - 1]) in rule.not_after
        if not forbidden and accepts(rule, text[start:stop], text[left:right]):
            return left, right, stop
        at = start + 1
        while at < len(text) and text[at] & 0xC0 == 0x80:
            at += 1
    return None


def places(
    rule: Rule, scanner: Scanner, index: int, text: bytes, at: int = 0, end: int = -1
) -> Iterator[tuple[int, int]]:
    """The values of a rule in `text`, from left to right. `at`, `end`: where its matches are that count."""
    while (place := next_place(rule, scanner, index, text, at, len(text), end)) is not None:
        left, right, at = place
        yield left, right


def bound_rule(rule: Rule) -> Rule:
    """The rule with a bound on what it matches, which a stream has to know. Raises RuleError where there is none.

    A repeat without an upper bound takes at most `max_len` characters, and never more than RE2 can count to.
    """
    if rule.detector is not None:
        return rule
    try:
        pattern = bounded(rule.pattern, rule.max_len if rule.max_len < NO_BOUND else None)
        return replace(rule, pattern=pattern, max_len=min(rule.max_len, longest(pattern)))
    except Unbounded as error:
        raise RuleError(rule.id, f"the pattern has no bound: {error}") from None
    except SyntaxUnknown as error:
        raise RuleError(rule.id, f"the pattern is not accepted: {error}") from None


def check_rule(rule: Rule) -> None:
    """Raises RuleError unless the rule does what its examples say."""
    for keyword in rule.keywords:
        if not keyword or keyword.encode() != keyword.encode().lower():
            raise RuleError(rule.id, f"the keyword {keyword!r} is empty or has ASCII letters in upper case")
    try:
        scanner = make_scanner([rule.pattern])
    except RegexError as error:
        raise RuleError(rule.id, f"the pattern is not accepted: {error.reason}") from None
    if rule.detector is None and _may_be_empty(rule):
        # Where it does it finds nothing, and hides what it would find there.
        raise RuleError(rule.id, "the pattern matches the empty text")

    def finds(text: str) -> bool:
        return any(True for _ in places(rule, scanner, 0, text.encode()))

    for example in rule.examples:
        if not finds(example):
            raise RuleError(rule.id, f"the example {example!r} is not found")
    for counterexample in rule.counterexamples:
        if finds(counterexample):
            raise RuleError(rule.id, f"the counterexample {counterexample!r} is found")


def _may_be_empty(rule: Rule) -> bool:
    try:
        return not shortest(rule.pattern)
    except SyntaxUnknown as error:
        raise RuleError(rule.id, f"the pattern is not accepted: {error}") from None


@cache
def _built_in() -> tuple[Rule, ...]:
    return tuple(map(bound_rule, RULES))


def build(user_rules: Sequence[Rule] = (), allowed_hosts: frozenset[str] = frozenset()) -> Ruleset:
    """The ruleset of a policy. `allowed_hosts`: see `links`. Raises RuleError, also for two rules of one id."""
    known = tuple(
        replace(rule, check=rule.check.allowing(allowed_hosts)) if isinstance(rule.check, LeadsAway) else rule
        for rule in _built_in()
    )
    seen = {rule.id for rule in known}
    for rule in user_rules:
        if rule.id in seen:
            raise RuleError(rule.id, "another rule has this id")
        seen.add(rule.id)
        check_rule(rule)
    return Ruleset((*map(_streamable, user_rules), *known))


def _streamable(rule: Rule) -> Rule:
    """The rule with its bound. Raises RuleError where RE2 does not take it so, or the pattern of its prefixes."""
    bound = bound_rule(rule)
    try:
        make_scanner([bound.pattern, at_lines(bound.pattern), whole_prefix(bound.pattern)])
    except RegexError as error:
        raise RuleError(rule.id, f"the pattern is too large to be searched in a stream: {error.reason}") from None
    return bound
