"""Characters and phrases in a request's texts that a policy refuses or puts on the record: what people do not see and
models read, and what is known to turn models.

Groups, each switched on by name in ``validation.refuse_text`` or ``validation.flag_text``:

- ``tags``: U+E0000 to U+E007F, an invisible copy of ASCII; the flags of England, Scotland and Wales are made of them
  and pass.
- ``bidi``: overrides and embeddings (U+202A to U+202E), which show a text in another order than it is read (Boucher and
  Anderson 2021, "Trojan Source"). Isolates and marks, which right-to-left writing needs, pass.
- ``invisible``: word joiners, invisible operators, byte order marks and zero-width spaces inside of a text. The joiners
  that emoji and Persian need pass.
- ``controls``: C0 and C1 controls but for tab, line feed and carriage return.
- ``repetition``: "repeat ... forever", which makes models give away training data (Nasr et al. 2023, "Scalable
  Extraction of Training Data from (Production) Language Models").
- ``injection``: phrases of known prompt injections (see `engine.validation.injection`).
- ``repeated``: a short unit that fills thousands of characters (see `engine.validation.repeated`); not where data of
  images, sounds and files stands.

Keys of objects are texts too. The time is linear in the length of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from engine._fast.jsonguard import texts
from engine.errors import BAD_REQUEST, Refusal
from engine.validation.injection import injections
from engine.validation.place import spell
from engine.validation.repeated import is_repeated

Group = Literal["tags", "bidi", "invisible", "controls", "repetition", "injection", "repeated"]

_FLAG: Final = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
PATTERNS: Final[dict[Group, str]] = {
    "tags": "[\U000e0000-\U000e007f]",
    "bidi": "[\u202a-\u202e]",
    "invisible": "[\u200b\u2060-\u2064\ufeff\U000e0100-\U000e01ef]",
    "controls": "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    "repetition": r"(?i:\brepeat\b[^\n]{0,120}\b(?:forever|endlessly|infinitely|indefinitely|without stopping)\b)",
}


# What a finding of a request is called begins with this.
INPUT: Final = "input_"
# Fields whose long texts are data, which may well be the same byte over and over.
_DATA: Final = frozenset(("url", "image_url", "data", "file_data", "encrypted_content", "signature"))


class TextRules:
    """The groups of one policy. Immutable, safe from several threads."""

    __slots__ = ("_alone", "_injections", "_search", "_tests")

    def __init__(self, groups: Iterable[Group]) -> None:
        chosen = set(groups)
        patterns = [f"(?P<{group}>{pattern})" for group, pattern in PATTERNS.items() if group in chosen]
        # A flag is taken first and whole, so that its tags are not looked at.
        self._search = re.compile("|".join((_FLAG, *patterns))) if patterns else None
        self._tests: list[tuple[Group, Callable[[str], bool]]] = []
        self._injections = injections() if "injection" in chosen else None
        if self._injections is not None:
            self._tests.append(("injection", self._injections.in_text))
        self._alone = chosen == {"injection"}
        if "repeated" in chosen:
            self._tests.append(("repeated", is_repeated))

    def _found(self, text: str, path: Sequence[str | int | None] = ()) -> str | None:
        """The group of the first thing that is found in a text that stands there."""
        if self._search is not None:
            for match in self._search.finditer(text):
                if match.lastgroup is not None:
                    return match.lastgroup
        for group, test in self._tests:
            if test(text) and not (group == "repeated" and _field(path) in _DATA):
                return group
        return None

    def check(self, body: bytes, max_depth: int) -> None:
        """Raises Refusal (400) that names the place. `body` passed the guard under `max_depth`."""
        if not self._may_be_in(body, max_depth):
            return
        for path, group in self._places(body):
            raise Refusal(
                BAD_REQUEST, f"The text has what the policy refuses: {group}.", param=spell(path), control="hygiene"
            )

    def find(self, body: bytes, max_depth: int) -> list[tuple[tuple[str | int, ...], str]]:
        """The texts with something of the groups: where they stand, and the first group. The same conditions."""
        return list(self._places(body)) if self._may_be_in(body, max_depth) else []

    def _may_be_in(self, body: bytes, max_depth: int) -> bool:
        if self._alone and self._injections is not None:
            return self._injections.in_json(body, max_depth)
        # Between any two strings stands a separator. One of a text's own, which would hide its zero, has an escape.
        each = texts(body, max_depth).decode().split("\n\0\n")
        return b"\\u0000" in body or any(self._found(text) for text in each)

    def _places(self, body: bytes) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for path, text in _strings(json.loads(body)):
            group = self._found(text, path)
            if group is not None:
                yield tuple(step for step in path if step is not None), group


def _field(path: Sequence[str | int | None]) -> str:
    """The member in which something stands, however deep in lists."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _strings(value: Any) -> Iterator[tuple[list[str | int | None], str]]:
    """The texts of a parsed body and where they stand: None first, then the steps.

    The path is one list for all, and nothing is done for each level above a text: time is linear in the body, however
    deep it is.
    """
    path: list[str | int | None] = []
    pending: list[Iterator[tuple[str | int | None, Any]]] = [iter([(None, value)])]
    while pending:
        level = len(pending) - 1
        for step, item in pending[-1]:
            del path[level:]
            if isinstance(step, str):
                yield path, step
            path.append(step)
            if isinstance(item, str):
                yield path, item
            elif isinstance(item, list):
                pending.append(enumerate(item))
                break
            elif isinstance(item, dict):
                pending.append(iter(item.items()))
                break
        else:
            pending.pop()
