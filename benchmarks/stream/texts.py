"""Answers as models stream them: prose, code and tables of numbers, in pieces of a token."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from benchmarks.quality.sentences import PROSE
from benchmarks.redaction.texts import prose

_SEED = 11
# As a tokenizer cuts: a short word with the space before it, a long one in parts, marks, up to three digits.
_TOKEN = re.compile(r" ?[A-Za-z]{1,6}|[A-Za-z]{1,6}|\d{1,3}|\n+| ?[^\sA-Za-z0-9]|\s", re.DOTALL)

_CODE = '''def total(prices: list[float], rate: float = 0.19) -> float:
    """The sum of all prices with tax, rounded to cents."""
    subtotal = sum(price for price in prices if price > 0)
    return round(subtotal * (1 + rate), 2)


class Cart:
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.items: dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        if count < 1:
            raise ValueError(f"count {count} for {name}")
        self.items[name] = self.items.get(name, 0) + count

'''


def _table(rng: random.Random, rows: int) -> str:
    return "\n".join(
        f"| {rng.randrange(1990, 2030)} | {rng.randrange(10**6):,} | {rng.uniform(0, 100):.2f} % | "
        f"{rng.randrange(10**9)} |"
        for _ in range(rows)
    )


def answers(size: int) -> dict[str, str]:
    """A text of about `size` characters of each kind."""
    rng = random.Random(_SEED)  # noqa: S311 - to be repeated
    table = _table(rng, size // 40)
    return {
        "prose": prose(size, 0).decode(),
        "prose with findings": prose(size, 2.0).decode(),
        "code": (_CODE * (size // len(_CODE) + 1))[:size],
        "table of numbers": table[:size],
        "all registers": " ".join(rng.choices(PROSE, k=size // 50))[:size],
    }


def tokens(text: str) -> Iterator[str]:
    """The text in pieces of about a token."""
    return (found[0] for found in _TOKEN.finditer(text))
