"""The echo kernel in plain Python: words by a regular expression, sequences as tuples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

WORDS = 8
LONGEST = 64
GAP = 32
WORD = 64
SPAN = WORDS * (WORD + GAP)
ROOMS = (24, WORD + GAP + 1, (LONGEST + 3) * (WORD + GAP))

_WORDS = re.compile(rb"[0-9A-Za-z]+|[\xc0-\xff][\x80-\xbf]*")
_Word = tuple[int, int, bytes]


class Echo:
    def __init__(self, sources: Sequence[bytes], most: int) -> None:
        words: set[bytes] = set()
        self._pairs: set[tuple[bytes, bytes]] = set()
        self._sequences: set[tuple[bytes, ...]] = set()
        room = most
        for source in sources:
            matches = islice(_WORDS.finditer(source), room)
            found = [match[0].lower() for match in matches]
            room -= len(found)
            if len(found) < WORDS:
                continue
            words.update(word for word in found if len(word) <= WORD)
            self._pairs.update(pairwise(found))
            self._sequences.update(zip(*(found[at:] for at in range(WORDS)), strict=False))
        self._words = words

    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None:
        if not self._words:
            return None
        run: list[_Word] = []
        left = right = -1
        count = 0
        known = self._words
        for word in self._from(text, at):
            if word[2] not in known or (run and not self._follows(run[-1], word)):
                if left >= 0:
                    break
                run.clear()
                if word[2] not in known:
                    continue
            run.append(word)
            if len(run) > WORDS:
                run.pop(0)
            if len(run) < WORDS or tuple([spelling for _, _, spelling in run]) not in self._sequences:
                if left >= 0:
                    break
                continue
            if left < 0:
                own = [start for start, _, _ in run if start >= at]
                if not own:
                    continue
                left, count = own[0], len(own) - 1
            right = word[1]
            count += 1
            if count >= LONGEST:
                break
        return (left, right) if 0 <= left < before else None

    def tail(self, text: bytes, start: int) -> int:
        size = len(text)
        if not self._words:
            return size
        live = size
        for room in ROOMS:
            begin = max(0, size - room)
            live, whole = self._live(list(_words(text, begin)), size, begin)
            if whole or begin == 0 or live < start:
                break
        return max(live, min(start, size))

    def _live(self, words: list[_Word], size: int, begin: int) -> tuple[int, bool]:
        """Where the words at the end begin that the prompt has one after the other, and whether these are all."""
        if not words:
            return size, False
        if size - words[-1][1] > GAP:
            return size, True
        live = size
        following: _Word | None = None
        if words[-1][1] == size:
            # Its end is not known, so every word may be it, up to its length.
            last = words.pop()
            if size - last[0] > WORD:
                return size, True
            live = last[0]
            if live == begin:
                return live, False
        gap = live
        for word in reversed(words[-LONGEST:]):
            if word[2] not in self._words or gap - word[1] > GAP:
                return live, True
            if following is not None and (word[2], following[2]) not in self._pairs:
                return live, True
            live = gap = word[0]
            following = word
        return live, len(words) >= LONGEST

    def _from(self, text: bytes, at: int) -> Iterator[_Word]:
        """The words from `at` on, and those before that a sequence may begin with."""
        begin = at
        if at and (following := next(_words(text, at), None)) is not None and following[2] in self._words:
            last = _last_word(text, at)
            if last is not None and self._follows(last, following):
                begin = max(0, at - SPAN)
        return _words(text, begin)

    def _follows(self, one: _Word, two: _Word) -> bool:
        return two[0] - one[1] <= GAP and (one[2], two[2]) in self._pairs


def _words(text: bytes, at: int) -> Iterator[_Word]:
    """Words that begin at `at` or later: start, end, text in lower case."""
    if at and text[at - 1 : at].isalnum():
        # What is left of a word that begins before.
        while at < len(text) and text[at : at + 1].isalnum():
            at += 1
    for match in _WORDS.finditer(text, at):
        yield match.start(), match.end(), match[0].lower()


def _last_word(text: bytes, at: int) -> _Word | None:
    """The last word that begins before `at`, unless it is further away than a word that another follows."""
    for room in ROOMS[:2]:
        words = [word for word in _words(text, max(0, at - room)) if word[0] < at]
        if words:
            return words[-1]
    return None
