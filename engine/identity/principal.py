"""Who a request comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["api_key", "jwt", "introspection", "certificate", "anonymous"]


@dataclass(frozen=True)
class Principal:
    """An identified caller. Immutable, and the same object for each request of a key, so that it can key a cache.

    `subject` is the user that `by: user` limits count. `key_id` is "" for a token's and the anonymous principal, which
    have no key. `roles` are in order of precedence. `expires_at` is in seconds since the epoch; None never expires.
    `models` (globs) and `addresses` (networks) narrow what the roles allow; None does not. `certificate`: SHA-256 of
    the client certificate without which the credential is nothing (RFC 8705); None for one that is not bound. `limits`:
    the `assignment` of each limit that is its key's own; None for none.
    """

    subject: str
    key_id: str
    team: str | None
    roles: tuple[str, ...]
    expires_at: float | None
    source: Source
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    certificate: bytes | None = None
    limits: tuple[str, ...] | None = None

    @property
    def limited_as(self) -> tuple[str, ...]:
        """What limits look for: the roles, and the limits that are the key's own."""
        return self.roles if self.limits is None else self.roles + self.limits


def assignment(limit: str) -> str:
    """What a key's own limit is looked for by, beside roles; no role of a policy has a colon in its name."""
    return f"limit:{limit}"


def anonymous(role: str) -> Principal:
    """The principal of requests without a credential, where the policy declares a role for them."""
    return Principal(subject="anonymous", key_id="", team=None, roles=(role,), expires_at=None, source="anonymous")
