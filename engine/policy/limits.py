"""From a limit of the policy file to the limit that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine._fast.bucket import Table
from engine._fast.budget import Journal
from engine.identity.principal import assignment
from engine.limits.limiter import Limiter
from engine.limits.model import Kind, Limit, Window
from engine.limits.rates import Rate
from engine.limits.spend import parse_spend
from engine.policy import model
from engine.settings import parse_size

if TYPE_CHECKING:
    from engine.limits.shared.sharing import Sharing
    from engine.policy.loader import Policy

KINDS: Final[tuple[Kind, ...]] = (
    "requests",
    "tokens",
    "input_tokens",
    "output_tokens",
    "spend",
    "concurrent",
    "body_bytes",
)


def kinds_of(limit: model.Limit) -> list[Kind]:
    """What a limit of the file says it counts; exactly one in a policy that was checked."""
    return [kind for kind in KINDS if getattr(limit, kind) is not None]


def parse_rate(kind: Kind, text: str) -> Rate:
    """The rate of a limit of this kind. ValueError says what is wrong with `text`."""
    if kind == "spend":
        return parse_spend(text)
    if kind == "body_bytes":
        size, _, period = text.partition("/")
        return Rate.parse(f"{parse_size(size)}/{period}")
    return Rate.parse(text)


def window_of(kind: Kind, limit: model.Limit) -> Window:
    """What a limit says, or what its kind means: a budget in USD of an hour and longer is the calendar's.

    Everybody reads "500/month" of spend as what a month's invoice may be; anything else is a rate with a burst.
    """
    if limit.window is not None:
        return limit.window
    is_budget = kind == "spend" and limit.spend is not None and limit.spend.endswith(("/hour", "/day", "/month"))
    return "calendar" if is_budget and limit.burst is None else "rate"


def compile_limit(limit: model.Limit) -> Limit:
    """Raises ValueError for what cannot be counted."""
    (kind,) = kinds_of(limit)
    roles = frozenset(limit.roles) if limit.roles is not None else None
    rate = None if kind == "concurrent" else parse_rate(kind, getattr(limit, kind))
    return Limit(
        name=limit.name,
        by=limit.by if isinstance(limit.by, str) else tuple(limit.by),
        rate=rate,
        burst=limit.concurrent if kind == "concurrent" else limit.burst,
        # A key's own limit is looked for beside its roles.
        roles=frozenset((assignment(limit.name),)) if limit.assigned else roles,
        models=tuple(limit.models) if limit.models is not None else None,
        ipv6_prefix=limit.ipv6_prefix,
        kind=kind,
        window=window_of(kind, limit),
        zone=limit.timezone,
        ends_streams=limit.on_exhausted == "end",
        when_store_fails=limit.when_store_fails,
    )


def compile_limiter(
    policy: Policy, table: Table, journal: Journal | None = None, sharing: Sharing | None = None
) -> Limiter:
    """The limiter of a checked policy (see `Limiter`). Raises PolicyError, with the line."""
    limits = []
    for index, limit in enumerate(policy.document.limits):
        try:
            limits.append(compile_limit(limit))
        except ValueError as error:
            raise policy.error(str(error), "limits", index) from None
    try:
        return Limiter(table, limits, journal, sharing)
    except ValueError as error:
        raise policy.error(str(error), "limits") from None
