"""`tidegate limits`: what is counted for somebody, and mending it by hand, on the record. Exit codes: `engine.cli`.

A counter is found by its limit's name and by whom it counts: all that the limit's `by` names has to be given. It works
on the state file itself or, where hosts share their limits, on the store, beside running gateways or without one; a
change is in force with the next request, in a store within a second. Each change is a line of the audit log: the
gateway writes it within a second, or when it is started next. A change that cannot be put on the record is not made.
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from engine import settings
from engine.limits.model import Limit
from engine.limits.rates import SECOND_NS
from engine.limits.scopes import Caller, identity
from engine.limits.spend import UNITS_PER_USD
from engine.offline.counters import Unavailable, counters
from engine.policy.limits import compile_limit
from engine.policy.loader import PolicyError, load_policy
from engine.settings import Settings
from engine.telemetry.audit import AuditWriter
from engine.telemetry.rings import create

_FAILED: Final = 1
_WRONG: Final = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a counter is for, as given on the command line; None for what was not."""

    key: str | None = None
    user: str | None = None
    team: str | None = None
    ip: str | None = None
    model: str | None = None
    route: str | None = None

    def given(self, limit: Limit) -> dict[str, str] | None:
        """The values that the limit counts by; None where one is missing."""
        values: dict[str, str | None] = {scope: getattr(self, scope) for scope in limit.scopes if scope != "global"}
        # A caller without a key is counted by its user.
        if values.get("key", "") is None and self.user is not None:
            values["key"] = f"user:{self.user}"
        found = {scope: value for scope, value in values.items() if value is not None}
        return found if len(found) == len(values) else None

    def caller(self) -> Caller:
        """ValueError for an address that is none."""
        ip = ipaddress.ip_address(self.ip).packed if self.ip is not None else bytes(4)
        return Caller(self.key or "", self.user or "", self.team, ip, self.route or "", self.model)


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter as it is now, in units of its limit (spend: 10^-8 USD)."""

    limit: Limit
    subject: dict[str, str]
    identity: bytes
    used: int
    held: int
    left: int
    reset_ns: int


class _Failed(Exception):
    """Ends the command with this message and code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def show(subject: Subject, name: str | None, *, as_json: bool) -> int:
    """Prints the counters of all limits that the subject is complete for, or of one limit."""
    try:
        found = list(_counters(settings.load(os.environ), subject, name, time.time_ns()))
    except _Failed as failed:
        return _say(failed.code, str(failed))
    except Unavailable as error:
        return _say(_FAILED, str(error))
    if as_json:
        print(orjson.dumps([_as_json(counter) for counter in found], option=orjson.OPT_INDENT_2).decode())
        return 0
    rows: list[tuple[str, ...]] = [("limit", "counts", "for", "most", "used", "held", "left", "resets in")]
    for counter in found:
        amounts = (counter.limit.capacity, counter.used, counter.held, counter.left)
        whom = ",".join(f"{scope}={value}" for scope, value in counter.subject.items()) or "everybody"
        rows.append(
            (
                counter.limit.name,
                counter.limit.kind,
                whom,
                *(_amount(counter.limit, amount) for amount in amounts),
                f"{-(-counter.reset_ns // SECOND_NS)}s",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def change(subject: Subject, name: str, used: str) -> int:
    """Sets what was used of one limit: tokens, requests, bytes, or USD of a limit on spend."""
    loaded = settings.load(os.environ)
    now_ns = time.time_ns()
    try:
        (counter,) = _counters(loaded, subject, name, now_ns)
        limit = counter.limit
        if limit.kind == "concurrent":
            raise _Failed(_WRONG, f"limit {name!r} counts what is open; that comes back by itself")
        units = _units(limit, used)
        writer = _recorder(loaded)
        line = {
            "time": datetime.fromtimestamp(now_ns / SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "event": "limit_changed",
            "limit": name,
            "counts": limit.kind,
            "subject": counter.subject,
            "used_before": _number(limit, counter.used),
            "used_after": _number(limit, units),
            "by": getpass.getuser(),
        }
        if not writer.write(orjson.dumps(line)):
            raise _Failed(_FAILED, "the change cannot be put on the record, so it is not made")
        counters(loaded).set_used(limit, counter.identity, units, now_ns)
    except _Failed as failed:
        return _say(failed.code, str(failed))
    except Unavailable as error:
        return _say(_FAILED, str(error))
    return _say(0, f"limit {name}: used was {_amount(limit, counter.used)}, is {_amount(limit, units)}")


def _counters(loaded: Settings, subject: Subject, name: str | None, now_ns: int) -> Iterator[Counter]:
    try:
        policy = load_policy(loaded.policy, os.environ)
    except PolicyError as error:
        raise _Failed(_WRONG, str(error)) from None
    limits = [compile_limit(limit) for limit in policy.document.limits]
    if name is not None:
        limits = [limit for limit in limits if limit.name == name]
        if not limits:
            raise _Failed(_FAILED, f"the policy {loaded.policy} has no limit {name!r}")
    try:
        caller = subject.caller()
    except ValueError as error:
        raise _Failed(_WRONG, f"--ip: {error}") from None
    source = counters(loaded)
    for limit in limits:
        given = subject.given(limit)
        if given is not None:
            whom = identity(limit, caller)
            yield Counter(limit, given, whom, *source.state(limit, whom, now_ns))
        elif name is not None:
            raise _Failed(_WRONG, f"limit {name!r} counts by {' and '.join(limit.scopes)}: say which")


def _units(limit: Limit, used: str) -> int:
    try:
        units = round(float(used) * UNITS_PER_USD) if limit.kind == "spend" else int(used)
    except (ValueError, OverflowError):
        raise _Failed(_WRONG, f"{used!r} is not a number of {limit.kind}") from None
    if not 0 <= units <= 2 * limit.capacity:
        raise _Failed(_WRONG, f"{used} is not from 0 to twice the limit")
    return units


def _recorder(loaded: Settings) -> AuditWriter:
    folder = loaded.state_dir / "rings"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock goes with this process; then the gateway takes the ring's lines and removes it.
        _, descriptor = create(folder, time.time_ns())
    except OSError as error:
        raise _Failed(_FAILED, f"the change cannot be put on the record: {error}") from None
    return AuditWriter.attach(descriptor)


def _number(limit: Limit, units: int) -> float:
    return units / UNITS_PER_USD if limit.kind == "spend" else units


def _amount(limit: Limit, units: int) -> str:
    return f"{units / UNITS_PER_USD:.8f} USD" if limit.kind == "spend" else str(units)


def _as_json(counter: Counter) -> dict[str, object]:
    limit = counter.limit
    return {
        "limit": limit.name,
        "counts": limit.kind,
        "subject": counter.subject,
        "most": _number(limit, limit.capacity),
        "used": _number(limit, counter.used),
        "held": _number(limit, counter.held),
        "left": _number(limit, counter.left),
        "resets_in_s": counter.reset_ns / SECOND_NS,
    }


def _say(code: int, text: str) -> int:
    print(f"tidegate: {text}", file=sys.stderr)
    return code
