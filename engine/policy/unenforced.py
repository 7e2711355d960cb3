"""Controls that a policy names and this build does not run.

A policy is believed. Where it names a guard that is not there, `serve` does not start, unless it is told to
(`--allow-unenforced`), and then says so for as long as it runs. This is the one list of what is missing; a control is
struck from it by the change that builds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.policy.loader import Policy

if TYPE_CHECKING:
    from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Unenforced:
    """A control that does not run. `control` is its path in the policy, or a variable; `line` is 0 for a variable."""

    control: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.control}: {self.reason}"


def unenforced(policy: Policy, settings: Settings | None = None) -> list[Unenforced]:
    """What the policy and the settings ask for and this build does not do, in the order of the file."""
    found = sorted(_of_policy(policy), key=lambda control: control.line)
    if settings is not None and settings.redis_url is not None:
        found.append(
            Unenforced("TIDEGATE_REDIS_URL", 0, "limits are not shared between hosts; each host counts its own")
        )
    return found


def _of_policy(policy: Policy) -> Iterator[Unenforced]:
    document = policy.document

    def missing(reason: str, *path: str | int) -> Unenforced:
        line = policy.line(*path)
        return Unenforced(policy.error(reason, *path).path, line, reason)

    for index in range(len(document.identity.jwt)):
        yield missing("JWT access tokens are not accepted", "identity", "jwt", index)
    for index in range(len(document.identity.introspection)):
        yield missing("tokens are not introspected", "identity", "introspection", index)
    for index, limit in enumerate(document.limits):
        for kind in ("tokens", "spend", "concurrent"):
            if getattr(limit, kind) is not None:
                what = "concurrent requests" if kind == "concurrent" else kind
                yield missing(f"the limit {limit.name!r} on {what} is not counted", "limits", index)
