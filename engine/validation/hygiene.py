"""Characters and phrases in a request's texts that a policy refuses: what people do not see and models read.

Groups, each switched on by name in ``validation.refuse_text``:

- ``tags``: U+E0000 to U+E007F, an invisible copy of ASCII; the flags of England, Scotland and Wales are made of them
  and pass.
- ``bidi``: overrides and embeddings (U+202A to U+202E), which show a text in another order than it is read (Boucher and
  Anderson 2021, "Trojan Source"). Isolates and marks, which right-to-left writing needs, pass.
- ``invisible``: word joiners, invisible operators, byte order marks and zero-width spaces inside of a text. The joiners
  that emoji and Persian need pass.
- ``controls``: C0 and C1 controls but for tab, line feed and carriage return.
- ``repetition``: "repeat ... forever", which makes models give away training data (Nasr et al. 2023, "Scalable
  Extraction of Training Data from (Production) Language Models").

Keys of objects are texts too. The time is linear in the length of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from engine._fast.jsonguard import texts
from engine.errors import BAD_REQUEST, Refusal
from engine.validation.place import spell

Group = Literal["tags", "bidi", "invisible", "controls", "repetition"]

_FLAG: Final = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
PATTERNS: Final[dict[Group, str]] = {
    "tags": "[\U000e0000-\U000e007f]",
    "bidi": "[\u202a-\u202e]",
    "invisible": "[\u200b\u2060-\u2064\ufeff\U000e0100-\U000e01ef]",
    "controls": "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    "repetition": r"(?i:\brepeat\b[^\n]{0,120}\b(?:forever|endlessly|infinitely|indefinitely|without stopping)\b)",
}


class TextRules:
    """The groups of one policy. Immutable, safe from several threads."""

    __slots__ = ("_search",)

    def __init__(self, groups: Iterable[Group]) -> None:
        chosen = "|".join(f"(?P<{group}>{PATTERNS[group]})" for group in groups)
        # A flag is taken first and whole, so that its tags are not looked at.
        self._search = re.compile(f"{_FLAG}|{chosen}")

    def _found(self, text: str) -> str | None:
        """The group of the first thing that is refused."""
        return next((match.lastgroup for match in self._search.finditer(text) if match.lastgroup is not None), None)

    def check(self, body: bytes, max_depth: int) -> None:
        """Raises Refusal (400) that names the place. `body` passed the guard under `max_depth`."""
        # Between any two strings stands a separator. One of a text's own, which would hide its zero, has an escape.
        alone = texts(body, max_depth).decode().split("\n\0\n")
        if b"\\u0000" not in body and not any(self._found(text) for text in alone):
            return
        for path, text in _strings(json.loads(body), ()):
            group = self._found(text)
            if group is not None:
                raise Refusal(
                    BAD_REQUEST, f"The text has what the policy refuses: {group}.", param=spell(path), control="hygiene"
                )


def _strings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _strings(item, (*path, key))
