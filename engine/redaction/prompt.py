"""The system prompt coming back: words of a request's own instructions, found in its answer.

Theory. A word of the answer is *covered* if it stands among `WORDS` words that follow each other in the prompt just so.
Words are runs of ASCII letters and digits, blind to case; every other character outside of ASCII is a word by itself,
so that scripts without spaces have words too. What is between two words is at most `_GAP` bytes and makes no
difference, so neither line breaks nor punctuation hide anything. A value is a run of covered words of which each ends
such a sequence or belongs to the run's first one, cut after `_LONGEST` words.

While a text goes on, what may still become a value begins where the last words are pairs of the prompt, one after the
other. In an answer about something else that is a word or two.

Not handled: a prompt of fewer than WORDS words, and what follows its first MOST_WORDS; a translated or reworded one;
one that is spelled out or encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, Final

WORDS: Final = 8
_LONGEST: Final = 64
_GAP: Final = 32
# A longer word, in bytes, is none of a prompt.
_WORD: Final = 64
# Words of a request's prompts that are looked for; their sets take some 3 MB.
MOST_WORDS: Final = 8192
# Prompts whose sets are kept: an application has few, and sends each with all of its requests.
_KEPT: Final = 16

_WORDS: Final = re.compile(rb"[0-9A-Za-z]+|[\xc0-\xff][\x80-\xbf]*")
_INSTRUCTIONS: Final = frozenset(("system", "developer"))

_Word = tuple[int, int, bytes]

# Bytes that as many words and the gaps behind them take at most.
_SPAN: Final = WORDS * (_WORD + _GAP)
# How far back is looked, in bytes, while it does not do: for a word or two, for any word, for as many as a value has.
_ROOMS: Final = (24, _WORD + _GAP + 1, (_LONGEST + 3) * (_WORD + _GAP))
LONGEST_ECHO: Final = _LONGEST * (_WORD + _GAP)


class PromptEcho:
    """Finds words of `prompts`. Without any it finds nothing."""

    __slots__ = ("_pairs", "_sequences", "_triples", "_words")

    def __init__(self, prompts: tuple[str, ...] = ()) -> None:
        words: set[bytes] = set()
        self._pairs: set[tuple[bytes, bytes]] = set()
        self._triples: set[tuple[bytes, bytes, bytes]] = set()
        self._sequences: set[tuple[bytes, ...]] = set()
        room = MOST_WORDS
        for prompt in prompts:
            matches = islice(_WORDS.finditer(prompt.encode("utf-8", "replace")), room)
            found = [match[0].lower() for match in matches]
            room -= len(found)
            if len(found) < WORDS:
                continue
            words.update(word for word in found if len(word) <= _WORD)
            self._pairs.update(pairwise(found))
            self._triples.update(zip(found, found[1:], found[2:], strict=False))
            self._sequences.update(zip(*(found[at:] for at in range(WORDS)), strict=False))
        self._words = words

    @property
    def lookback(self) -> int:
        return _SPAN + 1

    def find(self, text: bytes, at: int, before: int) -> tuple[int, int] | None:
        if not self._words or not self._worth(text, at):
            return None
        run: list[_Word] = []
        left = right = -1
        count = 0
        known = self._words
        for word in self._from(text, at):
            if word[2] not in known or (run and not self._follows(run[-1], word)):
                if left >= 0:
                    return left, right
                if word[0] >= before:
                    return None
                run.clear()
                if word[2] not in known:
                    continue
            run.append(word)
            if len(run) > WORDS:
                run.pop(0)
            if len(run) < WORDS or tuple([spelling for _, _, spelling in run]) not in self._sequences:
                if left >= 0:
                    return left, right
                continue
            if left < 0:
                own = [start for start, _, _ in run if start >= at]
                if not own:
                    continue
                left, count = own[0], len(own) - 1
            right = word[1]
            count += 1
            if count >= _LONGEST:
                break
        return (left, right) if left >= 0 else None

    def tail(self, text: bytes, start: int) -> int:
        size = len(text)
        if not self._words:
            return size
        live = size
        for room in _ROOMS:
            begin = max(0, size - room)
            live, whole = self._live(list(_words(text, begin)), size, begin)
            if whole or begin == 0 or live < start:
                break
        return max(live, min(start, size))

    def _live(self, words: list[_Word], size: int, begin: int) -> tuple[int, bool]:
        """Where the words at the end begin that the prompt has one after the other, and whether these are all."""
        if not words:
            return size, False
        if size - words[-1][1] > _GAP:
            return size, True
        live = size
        following: _Word | None = None
        if words[-1][1] == size:
            # Its end is not known, so every word may be it, up to its length.
            last = words.pop()
            if size - last[0] > _WORD:
                return size, True
            live = last[0]
            if live == begin:
                return live, False
        gap = live
        for word in reversed(words[-_LONGEST:]):
            if word[2] not in self._words or gap - word[1] > _GAP:
                return live, True
            if following is not None and (word[2], following[2]) not in self._pairs:
                return live, True
            live = gap = word[0]
            following = word
        return live, len(words) >= _LONGEST

    def _worth(self, text: bytes, at: int) -> bool:
        """Whether a long text has three words that the prompt has one after the other."""
        if len(text) - at < _SPAN:
            return True
        words = _WORDS.findall(text.lower(), max(0, at - _SPAN))
        return not self._triples.isdisjoint(zip(words, words[1:], words[2:], strict=False))

    def _from(self, text: bytes, at: int) -> Iterator[_Word]:
        """The words from `at` on, and those before that a sequence may begin with."""
        begin = at
        if at and (following := next(_words(text, at), None)) is not None and following[2] in self._words:
            last = _last_word(text, at)
            if last is not None and self._follows(last, following):
                begin = max(0, at - _SPAN)
        return _words(text, begin)

    def _follows(self, one: _Word, two: _Word) -> bool:
        return two[0] - one[1] <= _GAP and (one[2], two[2]) in self._pairs


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
    for room in _ROOMS[:2]:
        words = [word for word in _words(text, max(0, at - room)) if word[0] < at]
        if words:
            return words[-1]
    return None


@lru_cache(maxsize=_KEPT)
def echo_of(prompts: tuple[str, ...]) -> PromptEcho:
    """The detector for the prompts of a request."""
    return PromptEcho(prompts)


def prompts_of(request: Any) -> tuple[str, ...]:
    """The texts of instructions in a parsed request of any dialect: system and developer messages, `system`,
    `instructions`."""
    if not isinstance(request, dict):
        return ()
    found = [*_texts(request.get("system")), *_texts(request.get("instructions"))]
    for name in ("messages", "input"):
        messages = request.get(name)
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict) and message.get("role") in _INSTRUCTIONS:
                found += _texts(message.get("content"))
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item.get("text") if isinstance(item, dict) else item)
