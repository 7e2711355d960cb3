"""admit: a Reservation over every limit that applies; all or none.

Limits on requests that need only the address and the principal were taken by `authorize`, before the body was read.
Here come those that need the model, and those that are reserved by what the body asks for: tokens, spend, concurrent
requests, bytes. When one says no, what was taken earlier is given back, and the answer names the one that refused.

What is reserved: the input by estimate; the output as the request caps it, the largest of all names that the dialects
have for that cap, times the number of answers; without a cap, the policy's default for the model.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from engine.errors import FORBIDDEN, Pending, Refusal
from engine.extraction.tokens import estimate_request, output_asked
from engine.limits.bound import Denied
from engine.pipeline.authorize import put_off, refusal, take
from engine.pipeline.context import Reservation
from engine.pipeline.usage import NO_INPUT, NO_OUTPUT

if TYPE_CHECKING:
    from engine.limits.metered import Held, Metered
    from engine.limits.shared.metered import SharedHeld, SharedMetered
    from engine.pipeline.context import RequestContext

_NOTHING: tuple[()] = ()


def admit(ctx: RequestContext, body: bytes) -> Reservation:
    """The reservation, also set in the context. Raises Refusal (400, 403, 429, 503) with nothing taken, and Pending
    where a shared limit has to ask its store: nothing was taken here then, and the phase is called again.

    `body` is the JSON that goes upstream; empty for a form or a socket, whose text is not read.
    """
    principal, endpoint = ctx.principal, ctx.endpoint
    assert principal is not None
    assert endpoint is not None
    early, held = ctx.bound, None
    taken = ((early, ctx.now_ns),) if early is not None else _NOTHING
    roles = principal.roles if principal.limits is None else principal.limited_as
    late = ctx.snapshot.limiter.late(
        principal.key_id,
        principal.subject,
        principal.team,
        roles,
        ctx.address,
        ctx.model,
        endpoint.name,
    )
    if late is not None:
        # The head may have come long before the body: the time of the head would charge the past.
        now_ns = time_ns()
        ctx.late = late
        try:
            take(ctx, late, now_ns)
            taken = ((late, now_ns), *taken)
            if late.metered is not None:
                held = _hold(ctx, late.metered, body, now_ns)
        except Refusal:
            Reservation(taken).give_back(now_ns)
            raise
        except Pending:
            # What `authorize` took stays for the next turn.
            Reservation(taken[:-1] if early is not None else taken).give_back(now_ns)
            raise
    reservation = ctx.reservation = Reservation(taken, held)
    return reservation


def _hold(ctx: RequestContext, metered: Metered | SharedMetered, body: bytes, now_ns: int) -> Held | SharedHeld:
    """Raises Refusal and Pending."""
    endpoint, permit = ctx.endpoint, ctx.permit
    assert endpoint is not None
    assert permit is not None
    given = written = 0
    is_default = False
    tariff = permit.target.tariff
    if metered.counts_tokens:
        if endpoint.body == "socket":
            raise _cannot_count(ctx, metered, "What passes through a WebSocket is not read")
        if tariff is None and ctx.model is not None and metered.spend_limit is not None:
            raise _cannot_count(ctx, metered, "The policy has no price for this model")
        if body and endpoint.name not in NO_INPUT:
            given = estimate_request(body)
        if endpoint.name not in NO_OUTPUT and (body or endpoint.body == "form"):
            cap, count = output_asked(body)
            is_default = cap is None
            written = count * (permit.target.default_output if cap is None else cap)
    try:
        result = metered.reserve(now_ns, given, written, ctx.request_bytes, tariff, is_default=is_default)
    except Pending as pending:
        raise put_off(ctx, pending) from None
    if isinstance(result, Denied):
        raise refusal(ctx, result)
    if metered.mode is not None and ctx.limits_mode != "open":
        ctx.limits_mode = metered.mode
    return result


def _cannot_count(ctx: RequestContext, metered: Metered | SharedMetered, why: str) -> Refusal:
    limit = metered.spend_limit or metered.limits[0]
    ctx.limited_by = limit.name
    return Refusal(FORBIDDEN, f"{why}, so limit '{limit.name}' could not be counted.", control=limit.name)
