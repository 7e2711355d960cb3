"""Controls that a policy names and this build does not run.

A policy is believed. Where it names a guard that is not there, `serve` does not start, unless it is told to
(`--allow-unenforced`), and then says so for as long as it runs. This is the one list of what is missing; a control is
struck from it by the change that builds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.policy.loader import Policy


@dataclass(frozen=True, slots=True)
class Unenforced:
    """A control that does not run. `control` is its path in the policy."""

    control: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.control}: {self.reason}"


def unenforced(policy: Policy) -> list[Unenforced]:
    """What the policy asks for and this build does not do, in the order of the file. At present that is nothing."""
    del policy
    return []
