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

    if document.validation.unknown_fields != "allow":
        yield missing("unknown fields of requests are let through", "validation", "unknown_fields")
    for index, route in enumerate(document.routes):
        if route.request_schema is not None:
            yield missing("requests are not held against a JSON Schema", "routes", index, "request_schema")
