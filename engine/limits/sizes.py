"""How much of each kind a request is held for, by what its body asks for; the same for one host and for many.

Rules
- A request that says how much it may answer is held for that. For one that does not, a default is held, but never more
  than the limit as a whole can hold: it is not refused because nobody told it to ask for less.
- Spend needs a price. A model without one is refused where a limit on spend applies, as its cost cannot be counted. A
  request that names no model has no price and costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine._fast import budget as kernel
from engine.limits.model import Kind, Limit

if TYPE_CHECKING:
    from engine.limits.spend import Tariff

# What a limit counts: an index into the amounts of a request.
COLUMNS: dict[Kind, int] = {
    "requests": kernel.REQUESTS,
    "concurrent": kernel.REQUESTS,
    "tokens": kernel.TOTAL,
    "input_tokens": kernel.INPUT,
    "output_tokens": kernel.OUTPUT,
    "spend": kernel.SPEND,
    "body_bytes": kernel.BYTES,
}
MAX_AMOUNT = kernel.MAX_AMOUNT

# Of one request: requests, input, output, both, spend, bytes.
Amounts = tuple[int, int, int, int, int, int]


class Sizes:
    """The limits' side of it. `counts_tokens`: tokens or spend are among them; `ends_streams`: a stream that uses up
    what is left is to be ended; `spend_limit`: the first one on spend."""

    __slots__ = ("_most_output", "_most_spend", "_most_total", "counts_tokens", "ends_streams", "spend_limit")

    def __init__(self, limits: Sequence[Limit], hosts: int = 1) -> None:
        """`hosts`: the limits are an equal share among so many."""
        self._most_output = _most(limits, "output_tokens", hosts)
        self._most_total = _most(limits, "tokens", hosts)
        self._most_spend = _most(limits, "spend", hosts)
        self.spend_limit = next((limit for limit in limits if limit.kind == "spend"), None)
        self.ends_streams = any(limit.ends_streams for limit in limits)
        self.counts_tokens = any(limit.kind in ("tokens", "input_tokens", "output_tokens", "spend") for limit in limits)

    def hold(self, input: int, output: int, body: int, tariff: Tariff | None, *, is_default: bool) -> Amounts:
        """What to hold. `is_default`: nobody asked for `output`."""
        input = min(input, MAX_AMOUNT)
        if is_default:
            output = min(output, self._most_output, max(self._most_total - input, 0))
            if tariff is not None:
                output = min(output, tariff.affordable_output(self._most_spend, input))
        output = min(output, MAX_AMOUNT)
        return 1, input, output, min(input + output, MAX_AMOUNT), cost(tariff, input, output), min(body, MAX_AMOUNT)


def cost(tariff: Tariff | None, input: int, output: int) -> int:
    """What so many tokens cost, in units of spend."""
    return min(tariff.cost(input, output), MAX_AMOUNT) if tariff is not None else 0


def _most(limits: Sequence[Limit], kind: Kind, hosts: int) -> int:
    return min((limit.capacity // hosts for limit in limits if limit.kind == kind), default=MAX_AMOUNT)
