"""A redaction profile: which rules run, and what is done about a finding.

Actions: `mask` puts the rule's replacement, `hash` the replacement with a keyed hash of what was found (stable, so that
two mentions stay linkable), `block` withholds the whole answer, `flag` only reports, `off` does not look.

Which match wins. Matches of all rules are put in order of their start; of those that start together the longest comes
first, then the one whose rule stands first in the ruleset. From left to right each match that does not overlap one
taken before is taken. `flag` matches never take a place: they are reported and left alone. A `block` match counts
wherever it stands, whether or not another covers it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, cast, get_args

from engine.redaction.regex import Scanner, make_scanner
from engine.redaction.rule import Rule
from engine.redaction.ruleset import RuleError, Ruleset, accepts

Action = Literal["mask", "hash", "block", "flag", "off"]

_ACTIONS: Final = get_args(Action)
# 32 bits: enough to tell the values of one conversation apart, too few to search the key by.
_HASH_DIGITS: Final = 8


class Redaction(NamedTuple):
    """What became of a text: the text that may leave, findings by rule, and the rule that blocks it, if one does."""

    text: bytes
    findings: dict[str, int]
    blocked: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A compiled profile. Immutable. `active`: whether any rule runs."""

    name: str
    rules: tuple[Rule, ...]
    actions: tuple[Action, ...]
    scanner: Scanner
    hash_key: bytes

    @property
    def active(self) -> bool:
        return bool(self.rules)

    def clean(self, text: bytes) -> bool:
        """Whether no pattern occurs in `text`. UTF-8."""
        return not self.scanner.hits(text)

    def redact(self, text: bytes) -> Redaction:
        """Redacts UTF-8 text. The same object comes back where nothing was changed."""
        hits = self.scanner.hits(text)
        if not hits:
            return Redaction(text, {}, None)
        matches = []
        for index in hits:
            rule = self.rules[index]
            for start, end in self._spans(rule, index, text):
                matches.append((start, -end, index))
        if not matches:
            return Redaction(text, {}, None)
        matches.sort()
        findings: dict[str, int] = {}
        blocked: str | None = None
        parts: list[bytes] = []
        done = 0
        for start, minus_end, index in matches:
            rule, action = self.rules[index], self.actions[index]
            if action == "flag" or action == "block" or start >= done:
                findings[rule.id] = findings.get(rule.id, 0) + 1
            if action == "block":
                blocked = blocked or rule.id
            elif action != "flag" and start >= done:
                parts += (text[done:start], self._replacement(rule, action, text[start:-minus_end]))
                done = -minus_end
        if not parts:
            return Redaction(text, findings, blocked)
        return Redaction(b"".join((*parts, text[done:])), findings, blocked)

    def _spans(self, rule: Rule, index: int, text: bytes) -> list[tuple[int, int]]:
        """The places of one rule that its check accepts. After one that is rejected the search goes on a character
        later, because the next may begin inside it."""
        spans = self.scanner.spans(index, text)
        found = []
        retries = _RETRIES
        while spans:
            rejected = -1
            for start, end, left, right in spans:
                if accepts(rule, end - start, text[left:right]):
                    found.append((left, right))
                elif retries:
                    rejected = start
                    break
            if rejected < 0:
                break
            retries -= 1
            following = rejected + 1
            while following < len(text) and text[following] & 0xC0 == 0x80:
                following += 1
            spans = self.scanner.spans(index, text, following)
        return found

    def _replacement(self, rule: Rule, action: Action, found: bytes) -> bytes:
        if action == "mask":
            return rule.replacement.encode()
        digest = hmac.digest(self.hash_key, rule.id.encode() + b"\0" + found, "sha256").hex()[:_HASH_DIGITS]
        replacement = rule.replacement
        if replacement.endswith("]"):
            return f"{replacement[:-1]}:{digest}]".encode()
        return f"{replacement}:{digest}".encode()


# How often a search is taken up inside a rejected match: bounds the time on texts made of near misses.
_RETRIES: Final = 64


@lru_cache(maxsize=64)
def _scanner(patterns: tuple[str, ...]) -> Scanner:
    return make_scanner(patterns)


def compile_profile(name: str, actions: Mapping[str, str], ruleset: Ruleset, hash_key: bytes) -> Profile:
    """The profile of a policy: actions by rule id or group; a rule's own beats its group's.

    Profiles with the same rules share their automaton. Raises RuleError for a name that is neither, or no action.
    """
    ids = {rule.id for rule in ruleset.rules}
    for target, action in actions.items():
        if target not in ids and target not in ruleset.groups:
            raise RuleError(target, "there is no rule or group of this name")
        if action not in _ACTIONS:
            raise RuleError(target, f"{action!r} is not one of {', '.join(_ACTIONS)}")
    active = [
        (rule, cast("Action", action))
        for rule in ruleset.rules
        if (action := actions.get(rule.id, actions.get(rule.group, "off"))) != "off"
    ]
    return Profile(
        name,
        tuple(rule for rule, _ in active),
        tuple(action for _, action in active),
        _scanner(tuple(rule.pattern for rule, _ in active)),
        hash_key,
    )
