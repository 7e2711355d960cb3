"""Controls that a policy names and this build does not run.

A policy is believed. Where it names a guard that is not there, `serve` does not start, unless it is told to
(`--allow-unenforced`), and then says so for as long as it runs. This is the one list of what is missing; a control is
struck from it by the change that builds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.policy.loader import Policy
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Unenforced:
    """A control that does not run. `control` is its path in the policy."""

    control: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.control}: {self.reason}"


def unenforced(policy: Policy, settings: Settings | None = None) -> list[Unenforced]:
    """What the policy asks for and this build does not do under these settings, in the order of the file.

    Without a CA to verify clients against, no client is asked for the certificate that the policy knows.
    """
    if settings is None or not policy.document.identity.client_certificates or settings.tls_client_ca is not None:
        return []
    path = ("identity", "client_certificates")
    reason = "no client is asked for a certificate without TIDEGATE_TLS_CLIENT_CA"
    return [Unenforced(policy.error(reason, *path).path, policy.line(*path), reason)]
