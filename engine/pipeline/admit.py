"""admit: a Reservation over every limit that applies; all or none.

Limits that need only the address and the principal were taken by `authorize`, before the body was read. Here come those
that need the model. When one says no, what was taken earlier is given back, and the answer names the one that refused.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.errors import Refusal
from engine.pipeline.authorize import take
from engine.pipeline.context import Reservation

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext

_NOTHING: tuple[()] = ()


def admit(ctx: RequestContext) -> Reservation:
    """The reservation, also set in the context. Raises Refusal (429, 503) with nothing taken."""
    principal, endpoint = ctx.principal, ctx.endpoint
    assert principal is not None
    assert endpoint is not None
    early, late = ctx.bound, None
    taken = ((early, ctx.now_ns),) if early is not None else _NOTHING
    if ctx.model is not None:
        late = ctx.snapshot.limiter.late(
            principal.key_id,
            principal.subject,
            principal.team,
            principal.roles,
            ctx.address,
            model=ctx.model,
            route=endpoint.name,
        )
    if late is not None:
        # The head may have come long before the body: the time of the head would charge the past.
        now_ns = time.time_ns()
        ctx.late = late
        try:
            take(ctx, late, now_ns)
        except Refusal:
            Reservation(taken).give_back(now_ns)
            raise
        taken = ((late, now_ns), *taken)
    reservation = ctx.reservation = Reservation(taken)
    return reservation
