"""authorize: may this principal use this endpoint, and has it requests left?

Both are known from the head, so a request that is refused here costs no body. The limits that depend on nothing but
address and principal are taken now; those that need the model are taken by `admit`, which gives these back when one of
its own says no, so that all are taken or none.

A request that fails later for its content stays counted: an attempt is a request. One whose credential is wrong counts
against its address, and against limits of everybody.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from engine.errors import BANNED, EXCEEDS_LIMIT, RATE_LIMITED, UNAVAILABLE, Pending, Refusal
from engine.limits.spend import UNITS_PER_USD

if TYPE_CHECKING:
    from engine.access.failures import FailureTable
    from engine.identity.principal import Principal
    from engine.limits.bound import Bound, Denied
    from engine.limits.shared.bound import SharedBound
    from engine.pipeline.context import RequestContext


# How often one request is put off for a shared limit while other requests are faster.
_MAX_TURNS: Final = 8


def take(ctx: RequestContext, bound: Bound | SharedBound, now_ns: int) -> None:
    """Takes one request from every limit of `bound`, all or none. Raises Refusal (429, or 503 with no room left), and
    Pending where a shared limit has to ask its store: nothing was taken then, and the phase is called again."""
    try:
        denied = bound.take(now_ns)
    except Pending as pending:
        raise put_off(ctx, pending) from None
    if denied is not None:
        raise refusal(ctx, denied)
    if bound.mode is not None:
        ctx.limits_mode = bound.mode


def put_off(ctx: RequestContext, pending: Pending) -> Pending | Refusal:
    """What to raise for a request that a shared limit puts off: not for ever."""
    ctx.turns += 1
    if ctx.turns <= _MAX_TURNS:
        return pending
    return Refusal(UNAVAILABLE, "Limits cannot be counted at the moment.", retry_after=1, control="limits")


def refusal(ctx: RequestContext, denied: Denied) -> Refusal:
    """What a request that a limit did not admit is told: 429; 503 with no room left; 400 where it asks for too much."""
    if denied.unavailable:
        return Refusal(UNAVAILABLE, "Limits cannot be counted at the moment.", retry_after=1, control="limits")
    name = denied.limit.name
    ctx.limited_by = name
    if denied.wait_ns < 0:
        return Refusal(EXCEEDS_LIMIT, _too_much(denied), control=name)
    seconds = denied.retry_after_s
    return Refusal(
        RATE_LIMITED,
        f"Limit '{name}' is reached. Try again in {seconds} second{'' if seconds == 1 else 's'}.",
        retry_after=seconds,
        control=name,
    )


def _too_much(denied: Denied) -> str:
    limit = denied.limit
    if limit.kind == "spend":
        most, asked = (f"{units / UNITS_PER_USD:.8g} USD" for units in (limit.capacity, denied.asked))
    else:
        unit = limit.kind.replace("_", " ")
        most, asked = (f"{number} {unit}" for number in (limit.capacity, denied.asked))
    return f"This request may use {asked}, and limit '{limit.name}' never allows more than {most}. Ask for less."


def authorize(ctx: RequestContext, principal: Principal) -> None:
    """Checks the endpoint and takes the early limits. Raises Refusal (403, 429, 503)."""
    snapshot = ctx.snapshot
    assert ctx.endpoint is not None
    snapshot.check_endpoint(principal, ctx.endpoint.name)
    roles = principal.roles if principal.limits is None else principal.limited_as
    bound = snapshot.limiter.early(
        principal.key_id, principal.subject, principal.team, roles, ctx.address, ctx.endpoint.name
    )
    if bound is not None:
        ctx.bound = bound
        take(ctx, bound, ctx.now_ns)


def count_unauthenticated(ctx: RequestContext) -> None:
    """Counts a request without a valid credential. Raises Refusal (429, 503) in place of the 401."""
    bound = ctx.snapshot.limiter.unauthenticated(ctx.address)
    if bound is not None:
        ctx.bound = bound
        take(ctx, bound, ctx.now_ns)


def count_failure(ctx: RequestContext, failures: FailureTable | None, refusal: Refusal) -> tuple[Refusal, float]:
    """Counts a credential that failed against its address: the answer, 429 where the address is banned, and for how
    many seconds it is held back. A valid credential is never asked about."""
    bounds = ctx.snapshot.failed_credentials
    if bounds is None or failures is None:
        return refusal, 0.0
    verdict = failures.fail(ctx.address, bounds, ctx.now_ns / 1e9)
    if verdict.banned_s > 0:
        refusal = Refusal(
            BANNED,
            "Too many credentials from your address were not valid.",
            retry_after=math.ceil(verdict.banned_s),
            control="bans",
        )
    return refusal, verdict.delay_s
