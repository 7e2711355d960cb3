"""A limit: what is counted, by whom, over which time, and for which requests.

Rules
- `kind` is what is counted: requests; tokens (input and output), input_tokens, output_tokens; spend (in units of
  `engine.limits.spend`); body_bytes; or concurrent, the requests that are open at a time.
- A limit counts separately for each value of `by`: an address, a key, a user, a team, a model, a route; `global` counts
  everything together. Several of them count for each combination.
- `window`: a `rate` flows evenly, with `burst` (without it, the whole count) at once after a pause. `calendar` starts
  anew with each hour, day or month of `zone`.
- `roles`: binds only who has one of them. `models`: binds only requests for a model that one of the globs matches
  (`*` any text, `?` one character, nothing else is special; case counts).
- A limit by `team` does not bind a caller without a team, one by `model` no request that names none. Every other value
  of `by` exists for every caller.
- The name identifies the counters: a limit that keeps its name keeps what was used when its rate is changed. With
  another kind, window or zone it begins anew.

What a limit cannot be is a ValueError when it is made, so that no policy with it is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from engine._fast.bucket import MAX_TOLERANCE_NS
from engine._fast.budget import MAX_SPAN_NS
from engine.limits import windows
from engine.limits.rates import MAX_COUNT, PERIODS_NS, Rate

By = Literal["ip", "key", "user", "team", "model", "route", "global"]
Kind = Literal["requests", "tokens", "input_tokens", "output_tokens", "spend", "concurrent", "body_bytes"]
Window = Literal["rate", "calendar"]

# What a limit does while the store that hosts share cannot be asked; see engine.limits.shared.
WhenStoreFails = Literal["closed", "local_share", "open"]

SCOPES: tuple[By, ...] = get_args(By)

# It goes into header fields as a quoted string (RFC 9651, section 3.3.3) and into logs.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `rate` is None for concurrent, which has `burst` alone: how many at a time.

    `ends_streams`: a stream that uses up what is left is ended. `ipv6_prefix`: bits of an IPv6 address that count as
    one caller; a customer gets a /64.
    """

    name: str
    by: By | tuple[By, ...]
    rate: Rate | None
    burst: int | None = None
    roles: frozenset[str] | None = None
    models: tuple[str, ...] | None = None
    ipv6_prefix: int = 64
    kind: Kind = "requests"
    window: Window = "rate"
    zone: str = "UTC"
    ends_streams: bool = False
    when_store_fails: WhenStoreFails = "closed"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"limit {self.name!r}: a name is a letter or digit, then up to 63 letters, digits, '_', '.' or '-'"
            )
        for scope in self.scopes:
            if scope not in SCOPES:
                raise ValueError(f"limit {self.name}: by {scope!r} is not one of {', '.join(SCOPES)}")
        if not self.scopes or len(set(self.scopes)) < len(self.scopes):
            raise ValueError(f"limit {self.name}: by names no scope, or one twice")
        if "global" in self.scopes and len(self.scopes) > 1:
            raise ValueError(f"limit {self.name}: by global counts everything together, and goes with nothing else")
        if self.burst is not None and not 1 <= self.burst <= MAX_COUNT:
            raise ValueError(f"limit {self.name}: a burst is 1 to {MAX_COUNT}, not {self.burst}")
        if not 1 <= self.ipv6_prefix <= 128:
            raise ValueError(f"limit {self.name}: an IPv6 prefix is 1 to 128 bits, not {self.ipv6_prefix}")
        if self.roles is not None and not self.roles:
            raise ValueError(f"limit {self.name}: an empty list of roles binds nobody")
        if self.models is not None and not self.models:
            raise ValueError(f"limit {self.name}: an empty list of models binds nothing")
        if self.kind == "concurrent":
            if self.rate is not None or self.burst is None or self.window != "rate":
                raise ValueError(f"limit {self.name}: concurrent is a number of requests, without rate or window")
        elif self.rate is None:
            raise ValueError(f"limit {self.name}: {self.kind} needs a rate")
        elif self.window == "calendar":
            self._check_calendar(self.rate)
        else:
            self._check_rate(self.rate)

    def _check_rate(self, rate: Rate) -> None:
        if self.zone != "UTC":
            raise ValueError(f"limit {self.name}: only a calendar window has a time zone")
        if self.kind != "requests" and rate.count > rate.period_ns:
            raise ValueError(f"limit {self.name}: {rate} flows faster than can be counted; make it a calendar window")
        most, years = (MAX_TOLERANCE_NS, 100) if self.kind == "requests" else (MAX_SPAN_NS, 10)
        if self.tolerance_ns > most:
            raise ValueError(
                f"limit {self.name}: a burst of {self.capacity} takes over {years} years to come back at {rate}"
            )

    def _check_calendar(self, rate: Rate) -> None:
        if self.burst is not None:
            raise ValueError(f"limit {self.name}: a calendar window has no burst")
        period = self.period
        if period is None:
            raise ValueError(f"limit {self.name}: a calendar window is an hour, a day or a month")
        windows.zone(self.zone)
        # A window's end plus what was used in it must not reach the end of the next window.
        if rate.count > windows.SHORTEST_NS[period] // 2:
            raise ValueError(f"limit {self.name}: {rate.count} is more than can be counted in one {period}")

    @property
    def scopes(self) -> tuple[By, ...]:
        """What it counts by, as a tuple."""
        return self.by if isinstance(self.by, tuple) else (self.by,)

    @property
    def is_reserved(self) -> bool:
        """Whether it is reserved when the body is known and settled with the answer; else it is taken at once."""
        return self.kind != "requests" or self.window == "calendar"

    @property
    def needs_model(self) -> bool:
        """Whether it binds only requests that name a model."""
        return self.models is not None or "model" in self.scopes

    @property
    def period(self) -> windows.Period | None:
        """The calendar's name of the period, where it has one."""
        assert self.rate is not None
        return next((name for name in windows.PERIODS if PERIODS_NS[name] == self.rate.period_ns), None)

    @property
    def capacity(self) -> int:
        """Most that may come at once, be open at a time, or come in one window."""
        if self.burst is not None:
            return self.burst
        assert self.rate is not None
        return self.rate.count

    @property
    def tolerance_ns(self) -> int:
        """Nanoseconds in which an exhausted rate is full again."""
        assert self.rate is not None
        return self.capacity * self.rate.interval_ns
