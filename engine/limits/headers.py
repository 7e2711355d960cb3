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

All but four numbers of what is told about requests are known when a caller's limits are, so the rest is built once, as
a `Template` that the kernel fills. Times are rounded up: who waits that long finds what was promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine._fast.bucket import Template
from engine.limits.model import Kind, Limit
from engine.limits.rates import SECOND_NS

if TYPE_CHECKING:
    from engine.limits.metered import Metered
    from engine.limits.shared.metered import SharedMetered

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


class Shown:
    """Of the limits that are reserved those that are told, with what is the same in every answer."""

    __slots__ = ("limits", "policy")

    def __init__(self, limits: Sequence[Limit]) -> None:
        # Place among all, name, capacity, and whether it counts tokens.
        self.limits = tuple(
            (index, limit, limit.name.encode(), limit.capacity, limit.kind in _TOKENS)
            for index, limit in enumerate(limits)
            if limit.kind in _UNITS
        )
        told = ", ".join(_policy(limit) for _, limit, *_ in self.limits)
        self.policy = f"RateLimit-Policy: {told}\r\n".encode()


def budget_lines(shown: Shown, metered: Metered | SharedMetered, now_ns: int, dialect: str) -> bytes:
    """The lines about limits that are reserved; their RateLimit is that of the one with the smallest part left."""
    if not shown.limits:
        return b""
    smallest, fewest = 2.0, -1
    name = b""
    left = reset_ns = 0
    capacity, tokens_reset_ns = 0, 0
    for index, _, its_name, most, is_tokens in shown.limits:
        _, _, its_left, its_reset_ns = metered.state(index, now_ns)
        if its_left / most < smallest:
            smallest = its_left / most
            name, left, reset_ns = its_name, its_left, its_reset_ns
        if is_tokens and (fewest < 0 or its_left < fewest):
            fewest, capacity, tokens_reset_ns = its_left, most, its_reset_ns
    lines = b'RateLimit: "%b";r=%d;t=%d\r\n%b' % (name, left, _seconds(reset_ns), shown.policy)
    if dialect == "anthropic":
        return lines + _anthropic_tokens(shown, metered, now_ns)
    if fewest < 0:
        return lines
    return b"%bx-ratelimit-limit-tokens: %d\r\nx-ratelimit-remaining-tokens: %d\r\nx-ratelimit-reset-tokens: %b\r\n" % (
        lines,
        capacity,
        fewest,
        duration(tokens_reset_ns).encode(),
    )


def _anthropic_tokens(shown: Shown, metered: Metered | SharedMetered, now_ns: int) -> bytes:
    lines: list[str] = []
    for kind, name in _TOKENS.items():
        mine = [(limit, *metered.state(index, now_ns)[2:]) for index, limit, *_ in shown.limits if limit.kind == kind]
        if mine:
            lines += _anthropic(name, *min(mine, key=lambda each: each[1]), now_ns)
    return "".join(f"{line}\r\n" for line in lines).encode()


def anthropic_requests(limit: Limit, left: int, reset_ns: int, now_ns: int) -> bytes:
    """The tightest limit on requests in Anthropic's words."""
    return "".join(f"{line}\r\n" for line in _anthropic("requests", limit, left, reset_ns, now_ns)).encode()


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
