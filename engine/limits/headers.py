"""What a client is told about its limits, as header lines.

Three vocabularies. OpenAI's and Anthropic's are about the tightest limit of each kind that bound the request:

    x-ratelimit-limit-requests      how many may come at once (OpenAI); the same for -tokens
    x-ratelimit-remaining-requests  how many of them are left
    x-ratelimit-reset-requests      time until all are there again: "12ms", "1s", "6m0s"
    anthropic-ratelimit-requests-limit, -remaining, -reset
                                    the same on Messages, the reset as a time (RFC 3339); also for tokens, input-tokens
                                    and output-tokens
    RateLimit                       structured field: r remaining, t whole seconds until all are there again
                                    (draft-ietf-httpapi-ratelimit-headers)
    RateLimit-Policy                every limit that applies: q units in w seconds, of the quota unit qu (requests
                                    without one). Limits on spend are not told: a budget is its owner's business.

All but four numbers of what is told about requests are known when a caller's limits are, so the rest is built once, as a
`Template` that the kernel fills. Times are rounded up: who waits that long finds what was promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine._fast.bucket import Plan, Template
from engine.limits.model import Kind, Limit
from engine.limits.rates import SECOND_NS

if TYPE_CHECKING:
    from engine.limits.metered import Metered

# The quota units of the draft, and one of our own for tokens.
_UNITS: dict[Kind, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "concurrent": "concurrent-requests",
    "body_bytes": "content-bytes",
}
_TOKENS: dict[Kind, str] = {"tokens": "tokens", "input_tokens": "input-tokens", "output_tokens": "output-tokens"}


def templates(limits: Sequence[Limit]) -> tuple[Template, ...]:
    """For each limit the header lines (each ending in CR LF) sent when it is the tightest one of `limits`."""
    policy = ", ".join(_policy(limit) for limit in limits).encode()
    return tuple(
        Template(
            b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: " % limit.capacity,
            b"\r\nx-ratelimit-reset-requests: ",
            b'\r\nRateLimit: "%b";r=' % limit.name.encode(),
            b";t=",
            b"\r\nRateLimit-Policy: %b\r\n" % policy,
        )
        for limit in limits
    )


def _policy(limit: Limit) -> str:
    window = f";w={_seconds(limit.rate.period_ns)}" if limit.rate is not None else ""
    quota = limit.rate.count if limit.rate is not None else limit.capacity
    unit = "" if limit.kind == "requests" else f';qu="{_UNITS[limit.kind]}"'
    return f'"{limit.name}";q={quota}{window}{unit}'


def budget_lines(metered: Metered, now_ns: int, dialect: str) -> bytes:
    """The lines about limits that are reserved; their RateLimit is that of the one with the smallest part left."""
    told = []
    for index, limit in enumerate(metered.limits):
        if limit.kind in _UNITS:
            _, _, left, reset_ns = metered.state(index, now_ns)
            told.append((limit, left, reset_ns))
    if not told:
        return b""
    limit, left, reset_ns = min(told, key=lambda each: each[1] / each[0].capacity)
    lines = [
        f'RateLimit: "{limit.name}";r={left};t={_seconds(reset_ns)}',
        "RateLimit-Policy: " + ", ".join(_policy(limit) for limit, *_ in told),
    ]
    counted = [each for each in told if each[0].kind in _TOKENS]
    if dialect == "anthropic":
        for kind, name in _TOKENS.items():
            mine = [each for each in counted if each[0].kind == kind]
            if mine:
                lines += _anthropic(name, *min(mine, key=lambda each: each[1]), now_ns)
    elif counted:
        limit, left, reset_ns = min(counted, key=lambda each: each[1])
        lines += (
            f"x-ratelimit-limit-tokens: {limit.capacity}",
            f"x-ratelimit-remaining-tokens: {left}",
            f"x-ratelimit-reset-tokens: {duration(reset_ns)}",
        )
    return "".join(f"{line}\r\n" for line in lines).encode()


def anthropic_requests(limits: Sequence[Limit], plan: Plan, now_ns: int) -> bytes:
    """The tightest limit on requests in Anthropic's words. `plan` was rendered at `now_ns`."""
    index = plan.tightest
    if index < 0:
        return b""
    lines = _anthropic("requests", limits[index], plan.remaining(index), plan.reset_ns(index), now_ns)
    return "".join(f"{line}\r\n" for line in lines).encode()


def _anthropic(name: str, limit: Limit, left: int, reset_ns: int, now_ns: int) -> list[str]:
    reset = datetime.fromtimestamp(_seconds(now_ns + reset_ns), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix = f"anthropic-ratelimit-{name}"
    return [f"{prefix}-limit: {limit.capacity}", f"{prefix}-remaining: {left}", f"{prefix}-reset: {reset}"]


def _seconds(ns: int) -> int:
    return -(-ns // SECOND_NS)


def duration(ns: int) -> str:
    """As Go prints a time.Duration, rounded up to a millisecond: "0s", "12ms", "1.5s", "6m0s", "1h0m0.25s"."""
    ms = -(-ns // 1_000_000)
    if 0 < ms < 1000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
