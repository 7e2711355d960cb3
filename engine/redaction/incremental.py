"""Redaction of one text that arrives in pieces, exactly as if it had come at once.

Theory. Of the text so far, `live` is the earliest place from which its end could still become a match of some rule. No
match that begins before `live` can change any more, and none can be added there: a rule that finds its match from such
a place never looks at what comes. So these matches are *decided*. They are taken in the order of `profile`, by the
start of their value; a value that begins before `live` cannot be overtaken, because every later match begins behind it.
What lies before `live` and before every value that still waits is *settled*: it is as it will be in the whole text.

Guarantees. However the text is cut, the edits, findings and the block are those of `Profile.redact` on the whole; no
byte of a match that is hidden is settled before the match is decided. What is not settled is at most as long as the
longest match of a rule.

What is kept: the text from `live` on, and one character before it, which is all that `\\b` and `^` look at; more
where a detector looks back further.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.redaction.profile import Profile
from engine.redaction.regex import Region
from engine.redaction.ruleset import next_place


class Edit(NamedTuple):
    """The bytes from `left` to `right` of the whole text are replaced."""

    left: int
    right: int
    text: bytes


class Incremental:
    """One text under one profile. Offsets are bytes from the text's beginning.

    settled: the text before it may leave, with the `edits` that begin there.
    edits: in their order; whoever has written one takes it off.
    blocked: the rule that withholds the text, once one does.
    """

    __slots__ = (
        "_ahead",
        "_base",
        "_done",
        "_ended",
        "_kept",
        "_live",
        "_profile",
        "_resume",
        "_search",
        "_text",
        "_waiting",
        "blocked",
        "edits",
        "findings",
        "settled",
    )

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._search = profile.search
        self._ahead = profile.search.ahead
        # How much of what is decided is kept: a character, or what detectors look back to.
        self._kept = max(1, profile.lookback)
        self._text = b""
        # Where _text begins in the whole; everything else below is counted in the whole, too.
        self._base = 0
        self._live = 0
        self._done = 0
        self._ended = False
        self._resume: dict[int, int] = {}
        self._waiting: list[tuple[int, int, int]] = []
        self.settled = 0
        self.edits: list[Edit] = []
        self.findings: dict[str, int] = {}
        self.blocked: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the text has come to its end."""
        return self._ended

    def feed(self, piece: bytes) -> None:
        """Takes the next piece: UTF-8, whole characters."""
        text = self._text = self._text + piece if self._text else piece
        start = self._live - self._base
        profile = self._profile
        live = profile.live_from(text, start) if profile.detecting else self._ahead.live_from(text, start)
        self._decide(text, start, live)

    def finish(self) -> None:
        """Takes the end of the text: all of it is settled."""
        self._ended = True
        self._decide(self._text, self._live - self._base, len(self._text) + 1)
        self.settled = self._base + len(self._text)

    def _decide(self, text: bytes, start: int, live: int) -> None:
        base, profile = self._base, self._profile
        regions = profile.candidates(text, start, live) if profile.always else self._search.candidates(text, start)
        if regions:
            self._search_in(regions, text, live)
        live = base + min(live, len(text))
        settled = live
        if self._waiting:
            self._take(live, text)
            if self._waiting:
                settled = min(live, min(self._waiting)[0])
        self._live = live
        self.settled = max(self.settled, settled, self._done)
        # What is looked at before the first place from which a rule searches: a character, or what detectors need.
        keep = live - base
        if keep > 0:
            keep -= self._kept
            while keep > 0 and text[keep] & 0xC0 == 0x80:
                keep -= 1
            if self._waiting:
                keep = min(keep, min(self._waiting)[0] - base)
        if keep > 0:
            self._text = text[keep:]
            self._base = base + keep

    def _search_in(self, regions: list[Region], text: bytes, live: int) -> None:
        """Notes the matches that begin before `live`."""
        base, resume, search = self._base, self._resume, self._search
        for index, left, right, last in regions:
            rule = self._profile.rules[index]
            at = max(left, resume.get(index, 0) - base)
            before = min(live, last)
            while (place := next_place(rule, search.scanner, index, text, at, before, right)) is not None:
                start, end, at = place
                resume[index] = base + at
                self._waiting.append((base + start, -base - end, index))

    def _take(self, live: int, text: bytes) -> None:
        """Takes the waiting values that begin before `live`, in their order."""
        profile, findings = self._profile, self.findings
        self._waiting.sort()
        taken = 0
        for left, minus_right, index in self._waiting:
            if left >= live:
                break
            taken += 1
            rule, action = profile.rules[index], profile.actions[index]
            free = left >= self._done
            if action == "flag" or action == "block" or free:
                findings[rule.id] = findings.get(rule.id, 0) + 1
            if action == "block":
                self.blocked = self.blocked or rule.id
            elif action != "flag" and free:
                found = text[left - self._base : -minus_right - self._base]
                self.edits.append(Edit(left, -minus_right, profile.replacement(rule, action, found)))
                self._done = -minus_right
        del self._waiting[:taken]
