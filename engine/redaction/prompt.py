"""The system prompt coming back: words of a request's own instructions, found in its answer.

What counts, and how it is found, stands in the head of the `echo` kernel: runs of words that stand in the prompt, at
least WORDS of them in a row, whatever is between the words.

Not handled: a prompt of fewer than eight words, and what follows its first MOST_WORDS; a translated or reworded one;
one that is spelled out or encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from engine._fast.echo import GAP, LONGEST, LOOKBACK, WORD, Echo

# Words of a request's prompts that are looked for; their tables take some 400 KB.
MOST_WORDS: Final = 8192
# Prompts whose tables are kept: an application has few, and sends each with all of its requests.
_KEPT: Final = 16

_INSTRUCTIONS: Final = frozenset(("system", "developer"))

LONGEST_ECHO: Final = LONGEST * (WORD + GAP)


class PromptEcho:
    """Finds words of `prompts`. Without any it finds nothing."""

    __slots__ = ("find", "tail")

    def __init__(self, prompts: tuple[str, ...] = ()) -> None:
        echo = Echo([prompt.encode("utf-8", "replace") for prompt in prompts], MOST_WORDS)
        self.find = echo.find
        self.tail = echo.tail

    @property
    def lookback(self) -> int:
        return LOOKBACK


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
