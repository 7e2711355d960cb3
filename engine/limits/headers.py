"""What a client is told about its limits, as header lines.

Two vocabularies, both about the tightest of the limits that bound the request:

    x-ratelimit-limit-requests      how many may come at once (OpenAI)
    x-ratelimit-remaining-requests  how many of them are left
    x-ratelimit-reset-requests      time until all are there again: "12ms", "1s", "6m0s"
    RateLimit                       the same as a structured field: r remaining, t whole seconds until all are there
                                    again (draft-ietf-httpapi-ratelimit-headers)
    RateLimit-Policy                every limit that applies: q requests in w seconds

All but four numbers of it are known when a caller's limits are, so the rest is built once, as a `Template` that the
kernel fills. Times are rounded up: who waits that long finds what was promised.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine._fast.bucket import Template
from engine.limits.model import Limit
from engine.limits.rates import SECOND_NS


def templates(limits: Sequence[Limit]) -> tuple[Template, ...]:
    """For each limit the header lines (each ending in CR LF) sent when it is the tightest one of `limits`."""
    policy = ", ".join(
        f'"{limit.name}";q={limit.requests.count};w={-(-limit.requests.period_ns // SECOND_NS)}' for limit in limits
    ).encode()
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
