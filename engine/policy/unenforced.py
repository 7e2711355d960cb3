"""Controls that a policy names and this build does not run.

A policy is believed. Where it names a guard that is not there, `serve` does not start, unless it is told to
(`--allow-unenforced`), and then says so for as long as it runs. This is the one list of what is missing; a control is
struck from it by the change that builds it.
"""

from __future__ import annotations

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
    """What the policy and the settings ask for and this build does not do, in the order of the file.

    There is no such control in a policy now; a new one is listed here until it is built.
    """
    del policy
    if settings is not None and settings.redis_url is not None:
        reason = "limits are not shared between hosts; each host counts its own"
        return [Unenforced("TIDEGATE_REDIS_URL", 0, reason)]
    return []
