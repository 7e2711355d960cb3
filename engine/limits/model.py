"""A limit: what is counted, by whom, and for which requests.

Rules
- A limit counts separately for each value of `by`: an address, a key, a user, a team, a model, a route; `global` counts
  everything together.
- `roles`: binds only who has one of them. `models`: binds only requests for a model that one of the globs matches
  (`*` any text, `?` one character, nothing else is special; case counts).
- `burst` is how many may come at once after a pause; without it, the whole count of the rate.
- A `team` limit does not bind a caller without a team. Every other value of `by` exists for every caller.
- The name identifies the counters: a limit that keeps its name keeps its debts when its rate is changed.

What a limit cannot be is a ValueError when it is made, so that no policy with it is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from engine._fast.bucket import MAX_TOLERANCE_NS
from engine.limits.rates import MAX_COUNT, Rate

By = Literal["ip", "key", "user", "team", "model", "route", "global"]

# What a limit does while the store that hosts share cannot be asked; see engine.limits.shared.
WhenStoreFails = Literal["closed", "local_share", "open"]

SCOPES: tuple[By, ...] = get_args(By)

# It goes into header fields as a quoted string (RFC 9651, section 3.3.3) and into logs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit on requests. `ipv6_prefix`: bits of an IPv6 address that count as one caller; a customer gets a /64."""

    name: str
    by: By
    requests: Rate
    burst: int | None = None
    roles: frozenset[str] | None = None
    models: tuple[str, ...] | None = None
    ipv6_prefix: int = 64
    when_store_fails: WhenStoreFails = "closed"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"limit {self.name!r}: a name is a letter or digit, then up to 63 letters, digits, '_', '.' or '-'"
            )
        if self.by not in SCOPES:
            raise ValueError(f"limit {self.name}: by {self.by!r} is not one of {', '.join(SCOPES)}")
        if self.burst is not None and not 1 <= self.burst <= MAX_COUNT:
            raise ValueError(f"limit {self.name}: a burst is 1 to {MAX_COUNT}, not {self.burst}")
        if not 1 <= self.ipv6_prefix <= 128:
            raise ValueError(f"limit {self.name}: an IPv6 prefix is 1 to 128 bits, not {self.ipv6_prefix}")
        if self.roles is not None and not self.roles:
            raise ValueError(f"limit {self.name}: an empty list of roles binds nobody")
        if self.models is not None and not self.models:
            raise ValueError(f"limit {self.name}: an empty list of models binds nothing")
        if self.tolerance_ns > MAX_TOLERANCE_NS:
            raise ValueError(
                f"limit {self.name}: a burst of {self.capacity} takes over 100 years to come back at {self.requests}"
            )

    @property
    def capacity(self) -> int:
        """Most requests that may come at once."""
        return self.requests.count if self.burst is None else self.burst

    @property
    def tolerance_ns(self) -> int:
        """Nanoseconds in which an exhausted limit is full again."""
        return self.capacity * self.requests.interval_ns
