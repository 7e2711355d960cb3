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
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, cast, get_args

from engine.redaction.encoded import EncodedText
from engine.redaction.prompt import PromptEcho, echo_of
from engine.redaction.regex import Region
from engine.redaction.rule import Detector, Rule
from engine.redaction.ruleset import RuleError, Ruleset, next_place
from engine.redaction.search import Search, search_of

Action = Literal["mask", "hash", "block", "flag", "off"]

_ACTIONS: Final = get_args(Action)
# What stands behind each text that `jsonguard.texts` gives.
BETWEEN: Final = b"\n\0\n"
# 32 bits: enough to tell the values of one conversation apart, too few to search the key by.
_HASH_DIGITS: Final = 8


@dataclass(frozen=True)
class Redaction:
    """What became of a text: the text that may leave, findings by rule, and the rule that blocks it, if one does."""

    text: bytes
    findings: dict[str, int]
    blocked: str | None


@dataclass(frozen=True)
class Profile:
    """A compiled profile. Immutable.

    detecting: the indexes of rules with a detector. always: of these, of rules that nothing announces.
    lookback: how many bytes before a place detectors look at, at most.
    wants_prompt: whether a rule looks for what a request instructs the model with; see `for_prompt`.
    role: what a profile for one request was made of.
    """

    name: str
    rules: tuple[Rule, ...]
    actions: tuple[Action, ...]
    search: Search
    hash_key: bytes
    detecting: tuple[int, ...] = ()
    always: tuple[int, ...] = ()
    lookback: int = 0
    wants_prompt: bool = False
    role: Profile | None = None

    @property
    def active(self) -> bool:
        """Whether any rule runs."""
        return bool(self.rules)

    def for_prompt(self, prompts: tuple[str, ...]) -> Profile:
        """The profile for the answer to one request, whose instructions are `prompts`."""
        own = _with_detectors(self, lambda detector: echo_of(prompts) if isinstance(detector, PromptEcho) else detector)
        return replace(own, role=self)

    @property
    def without_prompt(self) -> Profile:
        """The profile that does not know what the request instructs the model with."""
        return self.role or self

    def clean(self, text: bytes) -> bool:
        """Whether no pattern occurs in `text`, which may be many texts with a line end on both sides of each. UTF-8."""
        return not self.suspects(text)

    def candidates(self, text: bytes, start: int, before: int) -> list[Region]:
        """The rules that may match from byte `start` on, and where. Of what detectors find at `before` or later nobody
        asks."""
        regions = self.search.candidates(text, start)
        for index in self.always:
            rule = self.rules[index]
            detector = rule.detector
            assert detector is not None
            if detector.find(text, start, before) is not None:
                regions = [*regions, (index, start, len(text), len(text))]
        return regions

    def suspects(self, text: bytes) -> list[Region]:
        """The rules whose pattern may occur in `text`, read as by `clean`, and where. Nothing matches elsewhere."""
        return [
            region
            for region in self.search.occurring(text, self.candidates(text, 0, len(text)))
            if (detector := self.rules[region[0]].detector) is None or detector.find(text, 0, len(text)) is not None
        ]

    def live_from(self, text: bytes, start: int) -> int:
        """From where on the end of `text`, which goes on, could become a match; its size if from nowhere.

        Matches that begin before `start` are not asked for.
        """
        live = self.search.ahead.live_from(text, start)
        for index in self.detecting:
            detector = self.rules[index].detector
            assert detector is not None
            live = min(live, detector.tail(text, start))
        return live

    def hides(self, text: bytes) -> bool:
        """Whether a pattern's match in `text` would be hidden or block it. What detectors find does not count."""
        scanner = self.search.scanner
        for (index, left, right, before), first in scanner.first(text, self.search.candidates(text)):
            rule = self.rules[index]
            if (
                rule.detector is None
                and self.actions[index] != "flag"
                and next_place(rule, scanner, index, text, left, before, right, first) is not None
            ):
                return True
        return False

    def found(self, text: bytes) -> list[tuple[int, int, int]]:
        """What counts in UTF-8 text, in order: start and end in bytes, and the rule's index."""
        return self._found_in(text, self.candidates(text, 0, len(text)))

    def _found_in(self, text: bytes, regions: list[Region]) -> list[tuple[int, int, int]]:
        scanner = self.search.scanner
        matches: list[tuple[int, int, int]] = []
        for (index, at, right, before), first in scanner.first(text, regions) if regions else ():
            rule = self.rules[index]
            while (place := next_place(rule, scanner, index, text, at, before, right, first)) is not None:
                start, end, at = place
                first = None
                matches.append((start, -end, index))
        if not matches:
            return matches
        matches.sort()
        found: list[tuple[int, int, int]] = []
        done = 0
        for start, minus_end, index in matches:
            action = self.actions[index]
            if action == "flag" or action == "block":
                found.append((start, -minus_end, index))
            elif start >= done:
                found.append((start, -minus_end, index))
                done = -minus_end
        return found

    def redact(self, text: bytes) -> Redaction:
        """Redacts UTF-8 text. The same object comes back where nothing was changed."""
        return self._redact(text, self.found(text))

    def redact_each(self, texts: bytes, regions: list[Region]) -> dict[bytes, Redaction | None]:
        """Redacts each of many texts by itself: `texts` as `jsonguard.texts` gives them, and all `suspects` in it.

        By the text: what became of it, None where nothing was found in it.
        """
        each = texts.split(BETWEEN)
        redacted: dict[bytes, Redaction | None] = dict.fromkeys(each)
        begins = [0]
        for text in each:
            begins.append(begins[-1] + len(text) + len(BETWEEN))
        own: dict[int, list[Region]] = {}
        for rule, left, right, before in regions:
            number = bisect_right(begins, left) - 1
            while number < len(each) and (begin := begins[number]) < right:
                at, end = max(left - begin, 0), min(right - begin, len(each[number]))
                own.setdefault(number, []).append((rule, at, end, before - begin))
                number += 1
        for number, its in own.items():
            text = each[number]
            found = self._found_in(text, its)
            if found:
                redacted[text] = self._redact(text, found)
        return redacted

    def _redact(self, text: bytes, found: list[tuple[int, int, int]]) -> Redaction:
        findings: dict[str, int] = {}
        blocked: str | None = None
        if not found:
            return Redaction(text, findings, blocked)
        parts: list[bytes] = []
        done = 0
        for start, end, index in found:
            rule, action = self.rules[index], self.actions[index]
            findings[rule.id] = findings.get(rule.id, 0) + 1
            if action == "block":
                blocked = blocked or rule.id
            elif action != "flag":
                parts.append(text[done:start])
                masks = action == "mask"
                parts.append(rule.replacement.encode() if masks else self.replacement(rule, action, text[start:end]))
                done = end
        if not parts:
            return Redaction(text, findings, blocked)
        parts.append(text[done:])
        return Redaction(b"".join(parts), findings, blocked)

    def replacement(self, rule: Rule, action: Action, found: bytes) -> bytes:
        """What stands in the place of `found`: the rule's replacement, with a hash for the action `hash`."""
        if action != "hash":
            return rule.replacement.encode()
        digest = hmac.digest(self.hash_key, rule.id.encode() + b"\0" + found, "sha256").hex()[:_HASH_DIGITS]
        replacement = rule.replacement
        if replacement.endswith("]"):
            return f"{replacement[:-1]}:{digest}]".encode()
        return f"{replacement}:{digest}".encode()


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
    rules = tuple(rule for rule, _ in active)
    # The automata are the same whatever the detectors are.
    search = search_of(tuple(replace(rule, detector=None) if rule.detector is not None else rule for rule in rules))
    detectors = [(index, rule.detector) for index, rule in enumerate(rules) if rule.detector is not None]
    profile = Profile(
        name,
        rules,
        tuple(action for _, action in active),
        search,
        hash_key,
        tuple(index for index, _ in detectors),
        tuple(index for index, _ in detectors if not rules[index].keywords and not rules[index].digits),
        max((detector.lookback for _, detector in detectors), default=0),
        any(isinstance(detector, PromptEcho) for _, detector in detectors),
    )
    if not detectors:
        return profile
    return _with_detectors(
        profile, lambda detector: detector.within(profile.hides) if isinstance(detector, EncodedText) else detector
    )


def _with_detectors(profile: Profile, change: Callable[[Detector], Detector]) -> Profile:
    rules = list(profile.rules)
    for index in profile.detecting:
        rule = rules[index]
        assert rule.detector is not None
        detector = change(rule.detector)
        if detector is not rule.detector:
            rules[index] = replace(rule, detector=detector)
    return replace(profile, rules=tuple(rules))
