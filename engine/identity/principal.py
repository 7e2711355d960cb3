"""Who a request comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["api_key", "jwt", "introspection", "anonymous"]


@dataclass(frozen=True)
class Principal:
    """An identified caller. Immutable, and the same object for each request of a key, so that it can key a cache.

    `subject` is the user that `by: user` limits count. `key_id` is "" for a token's and the anonymous principal, which
    have no key. `roles` are in order of precedence. `expires_at` is in seconds since the epoch; None never expires.
    `models` (globs) and `addresses` (networks) narrow what the roles allow; None does not.
    """

    subject: str
    key_id: str
    team: str | None
    roles: tuple[str, ...]
    expires_at: float | None
    source: Source
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None


def anonymous(role: str) -> Principal:
    """The principal of requests without a credential, where the policy declares a role for them."""
    return Principal(subject="anonymous", key_id="", team=None, roles=(role,), expires_at=None, source="anonymous")
