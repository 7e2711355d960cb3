"""What is kept of a key, and of who may change keys. Secrets excepted: of those only digests are stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from engine.identity.text import check_text

__all__ = ["EVERY_ROLE", "Admin", "Change", "KeyFields", "KeyRecord", "check_fields", "to_record"]

EVERY_ROLE: Final = "*"
"""Among an admin's roles: every role that there is."""

COLUMNS: Final = (
    "id, subject, roles, team, created, expires, revoked, disabled, owner, models, addresses, previous_until, limits"
)
_MAX_SCOPE: Final = 1000


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key, its secret excepted. Times are seconds since the epoch.

    `models` (globs) and `addresses` (networks) narrow what the roles allow; None does not. `limits` names limits of the
    policy that bind the keys which name them. `previous_until`: when the secret that was rotated out ends.
    """

    id: str
    subject: str
    roles: tuple[str, ...]
    team: str | None
    created: float
    expires: float | None
    revoked: float | None
    disabled: bool
    owner: str | None = None
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    previous_until: float | None = None
    limits: tuple[str, ...] | None = None

    def status(self, now_s: float) -> str:
        """active, revoked, disabled or expired."""
        if self.revoked is not None:
            return "revoked"
        if self.disabled:
            return "disabled"
        return "expired" if self.expires is not None and now_s >= self.expires else "active"


@dataclass(frozen=True, slots=True)
class KeyFields:
    """What a new key is given. See KeyRecord."""

    subject: str
    roles: tuple[str, ...]
    team: str | None = None
    expires: float | None = None
    owner: str | None = None
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    limits: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Admin:
    """Who may change keys of which roles, and give which: their own, no others."""

    name: str
    roles: tuple[str, ...]

    def may_grant(self, roles: Sequence[str]) -> bool:
        """Whether all of the roles are this admin's to give."""
        return EVERY_ROLE in self.roles or set(roles) <= set(self.roles)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the record: who did what to which key or admin. `time` is in seconds since the epoch."""

    time: float
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


def check_fields(fields: KeyFields) -> KeyFields:
    """The fields, in the form in which they are stored. Raises ValueError."""
    check_text("subject", fields.subject)
    if not fields.roles:
        raise ValueError("a key has at least one role")
    for role in fields.roles:
        check_text("role", role)
    for what, text in (("team", fields.team), ("owner", fields.owner)):
        if text is not None:
            check_text(what, text)
    for what, scope in (("models", fields.models), ("addresses", fields.addresses), ("limits", fields.limits)):
        if scope is not None and not 1 <= len(scope) <= _MAX_SCOPE:
            raise ValueError(f"a list of {what} has 1 to {_MAX_SCOPE} entries; leave it out to narrow nothing")
    for model in fields.models or ():
        check_text("model", model)
    for limit in fields.limits or ():
        check_text("limit", limit)
    addresses = fields.addresses
    if addresses is not None:
        # Raises ValueError that names the text.
        addresses = tuple(str(ip_network(address)) for address in addresses)
    return KeyFields(
        fields.subject,
        tuple(dict.fromkeys(fields.roles)),
        fields.team,
        fields.expires,
        fields.owner,
        fields.models,
        addresses,
        tuple(dict.fromkeys(fields.limits)) if fields.limits is not None else None,
    )


def to_record(row: Sequence[Any]) -> KeyRecord:
    """The record of a row of COLUMNS. Raises ValueError where the row is not one that was written here."""
    key_id, subject, roles, team, created, expires, revoked, disabled, owner, models, addresses, until, limits = row
    return KeyRecord(
        key_id,
        subject,
        tuple(json.loads(roles)),
        team,
        created,
        expires,
        revoked,
        bool(disabled),
        owner,
        tuple(json.loads(models)) if models is not None else None,
        tuple(json.loads(addresses)) if addresses is not None else None,
        until,
        tuple(json.loads(limits)) if limits is not None else None,
    )
