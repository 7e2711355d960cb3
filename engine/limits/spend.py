"""Spend: what tokens cost, counted in whole units of 10^-8 USD.

A price of 0.15 USD per million tokens is 15 units a token. Prices are taken to 10^-5 USD per million; what a request
costs is rounded up to a unit, so that a sum of requests is never below their price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.limits.rates import PERIODS_NS, Rate

UNITS_PER_USD: Final = 10**8
# Units a token are kept in thousandths.
_PARTS: Final = 1000
_PARTS_PER_PRICE: Final = UNITS_PER_USD * _PARTS // 10**6

_SPEND: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,6}))?/([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a token costs, in thousandths of a unit."""

    input: int
    output: int

    @classmethod
    def of(cls, input_usd: float, output_usd: float) -> Tariff:
        """From USD per million tokens."""
        return cls(round(input_usd * _PARTS_PER_PRICE), round(output_usd * _PARTS_PER_PRICE))

    def cost(self, input: int, output: int) -> int:
        """Units for these tokens, rounded up."""
        return -(-(input * self.input + output * self.output) // _PARTS)

    def affordable_output(self, units: int, input: int) -> int:
        """Tokens of output that may come on top of this input for so many units; 0 at least."""
        left = units * _PARTS - input * self.input
        return max(left // self.output, 0) if self.output else 1 << 40


def parse_spend(text: str) -> Rate:
    """Read "12.50/day" as a rate of units. ValueError says what is wrong with `text`."""
    match = _SPEND.fullmatch(text)
    if match is None or match[3] not in PERIODS_NS:
        raise ValueError(f"{text!r} is not USD a period, such as 500/month or 12.50/day")
    units = int(match[1]) * UNITS_PER_USD + int((match[2] or "0").ljust(8, "0"))
    return Rate(units, PERIODS_NS[match[3]])
