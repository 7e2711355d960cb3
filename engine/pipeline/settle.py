"""settle: what a request used is charged to every limit that counts it, exactly once, on every way out.

not sent upstream                 everything is given back
upstream answered with 2xx        what it reports; where it does not, the estimate of the input and the counted text
stream that broke off             the same, up to where it broke off: of a report and the counted text the larger
upstream refused, broke, was late no tokens: nothing was given. An attempt is a request all the same
client gone before the answer     the exchange goes on without the client, so that what was used is known; one for a
                                  stream is ended, and the estimate of its input is charged
worker killed                     what was noted of it: the estimate of the input from when it is sent, and of a stream
                                  the output so far; the rest is given back (`engine.limits.journals`)
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from engine.errors import CLIENT_GONE

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext, Reservation


def note_sent(reservation: Reservation) -> None:
    """Writes down what is charged if this process is killed from now on: the request is on its way."""
    held = reservation.held
    if held is not None:
        held.note(held.input, 0)


def settle(ctx: RequestContext, sent: bool) -> None:
    """Closes the reservation. `sent`: whether any byte of the request may have reached the upstream."""
    reservation = ctx.reservation
    if reservation is None:
        return
    if not sent:
        reservation.give_back(time_ns())
        return
    held = reservation.held
    if held is not None:
        given, written = _used(ctx, reservation) if held.counts_tokens else (0, 0)
        held.settle(time_ns(), given, written)
    reservation.keep()


def _used(ctx: RequestContext, reservation: Reservation) -> tuple[int, int]:
    """Tokens of input and output."""
    usage, held = ctx.usage, reservation.held
    assert held is not None
    if usage is None and not reservation.answered:
        # A stream that was asked for is not finished for nobody, but its input was read.
        return (held.input if ctx.reason == CLIENT_GONE.code else 0), 0
    given = usage.input if usage is not None and usage.input >= 0 else held.input
    written = usage.output if usage is not None else -1
    # A report that came before the end of a stream that broke off does not tell of what followed it.
    if written < 0 or (ctx.reason is not None and reservation.tap is not None):
        counted = reservation.tap.count() if reservation.tap is not None else reservation.counted
        written = max(written, counted)
    return given, written
