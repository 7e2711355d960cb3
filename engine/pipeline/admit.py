"""admit: a Reservation over every limit that applies; all or none.

Limits that need only the address and the principal were taken by `authorize`, before the body was read. Here come those
that need the model. When one says no, what was taken earlier is given back, and the answer names the one that refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Refusal
from engine.pipeline.authorize import take
from engine.pipeline.context import Reservation

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext

_NOTHING: tuple[()] = ()


def admit(ctx: RequestContext) -> Reservation:
    """The reservation, also set in the context. Raises Refusal (429, 503) with nothing taken."""
    principal = ctx.principal
    assert principal is not None
    early = ctx.bound
    late = None
    if ctx.model is not None:
        late = ctx.snapshot.limiter.late(
            principal.key_id, principal.subject, principal.team, principal.roles, ctx.address, ctx.model
        )
    if late is not None:
        try:
            take(ctx, late)
        except Refusal:
            if early is not None:
                early.give_back(ctx.now_ns)
            ctx.bound = late
            raise
        ctx.late = late
        reservation = Reservation((late, early) if early is not None else (late,))
    else:
        reservation = Reservation((early,) if early is not None else _NOTHING)
    ctx.reservation = reservation
    return reservation
