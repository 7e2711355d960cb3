"""Keys and changes as people and scripts see them, at the command line and in the admin interface alike."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.identity.records import Change, KeyRecord
from engine.settings import parse_duration

__all__ = ["expiry", "moment", "show_change", "show_key"]


def show_key(record: KeyRecord, used: float | None, now_s: float) -> dict[str, object]:
    """A key as it is shown; times in RFC 3339."""
    return {
        "id": record.id,
        "subject": record.subject,
        "team": record.team,
        "owner": record.owner,
        "roles": record.roles,
        "models": record.models,
        "addresses": record.addresses,
        "limits": record.limits,
        "status": record.status(now_s),
        "created": moment(record.created),
        "expires": moment(record.expires),
        "revoked": moment(record.revoked),
        "previous_secret_until": moment(record.previous_until),
        "last_used": moment(used),
    }


def expiry(text: str, now_s: float) -> float:
    """Seconds since the epoch of `30d` from now, or of a date or time (UTC unless it says otherwise).

    Raises ValueError.
    """
    try:
        seconds = now_s + parse_duration(text)
    except ValueError:
        try:
            given = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither a duration such as 30d nor a date such as 2030-01-31") from None
        seconds = (given if given.tzinfo is not None else given.replace(tzinfo=UTC)).timestamp()
    if seconds <= now_s:
        raise ValueError(f"{text!r} is not in the future")
    return seconds


def moment(seconds: float | None) -> str | None:
    """A time in RFC 3339, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_change(change: Change) -> dict[str, object]:
    """A line of the record as it is shown."""
    return {
        "time": moment(change.time),
        "actor": change.actor,
        "action": change.action,
        "target": change.target,
        "detail": change.detail,
    }
