"""Claims become a principal: the checks of RFC 7519 section 4.1, RFC 8725 and RFC 9068, and the policy's mapping.

Rules. Every registered claim has its type, or the token is refused: times are numbers (no text, no true), `iss` and
`sub` are text, `aud` is text or a list of it. `exp` must be there, and is exact: a token is not valid a moment longer.
`nbf` and `iat` may lie ahead by the policy's `clock_skew`, because clocks of two machines differ. `iss` is compared
exactly. A token for an audience is refused where the policy names none: it was made for somebody else.

A token that is bound to a client certificate (`cnf` with `x5t#S256`, RFC 8705) gives a principal that says so, and is
good on a connection that has shown that certificate only. One that is bound in any other way (`cnf`: DPoP, RFC 9449) is
refused: the binding could not be checked here, and without the check it would be a bearer token, which its issuer did
not make.

Roles that the policy does not have are ignored. A principal without a role is one all the same, and may do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.identity.errors import InvalidToken
from engine.identity.jws import decode_segment
from engine.identity.principal import Principal, Source
from engine.identity.text import check_text

# The year 9999: past it a time is a mistake of units, or an attempt on our arithmetic.
_LATEST: Final = 253_402_300_800
_MAX_ROLES: Final = 256
_SHA256: Final = 32


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """How the claims of one issuer are read. `known_roles` are the policy's; `role_map` turns the issuer's names into
    those, where it has any entry. `subject_claims`: the first that is there is the subject."""

    audience: frozenset[str]
    known_roles: frozenset[str]
    subject_claims: tuple[str, ...] = ("sub",)
    roles_claim: str = "roles"
    team_claim: str | None = None
    role_map: Mapping[str, str] = field(default_factory=dict)
    default_roles: tuple[str, ...] = ()
    clock_skew_s: float = 5.0


def check_times(claims: Mapping[str, Any], now_s: float, clock_skew_s: float, *, needs_expiry: bool) -> float | None:
    """When the token ends, in seconds since the epoch. Raises InvalidToken."""
    expires = _time(claims, "exp")
    if expires is None and needs_expiry:
        raise InvalidToken("The token has no expiry.")
    if expires is not None and now_s >= expires:
        raise InvalidToken("The token has expired.")
    for name in ("nbf", "iat"):
        moment = _time(claims, name)
        if moment is not None and moment > now_s + clock_skew_s:
            raise InvalidToken("The token is not valid yet.")
    return expires


def check_audience(claims: Mapping[str, Any], audience: frozenset[str]) -> None:
    """Raises InvalidToken unless the token is for one of the policy's audiences."""
    given = claims.get("aud")
    named = [given] if isinstance(given, str) else given
    if named is None:
        named = []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise InvalidToken("The token's audience is malformed.")
    if audience.isdisjoint(named) and (audience or named):
        raise InvalidToken("The token is for another audience.")


def to_principal(claims: Mapping[str, Any], mapping: ClaimRules, expires_at: float | None, source: Source) -> Principal:
    """The principal that checked claims stand for. Raises InvalidToken."""
    bound = _binding(claims["cnf"]) if "cnf" in claims else None
    subject = claims.get("sub")
    if subject is not None and not isinstance(subject, str):
        raise InvalidToken("The token's subject is malformed.")
    subject = next((value for name in mapping.subject_claims if (value := _claim(claims, name)) is not None), None)
    team = _claim(claims, mapping.team_claim) if mapping.team_claim is not None else None
    return Principal(
        subject=_text("subject", subject),
        key_id="",
        team=_text("team", team) if team is not None else None,
        roles=_roles(claims, mapping),
        expires_at=expires_at,
        source=source,
        certificate=bound,
    )


def _binding(confirmation: Any) -> bytes:
    """The SHA-256 of the certificate that a token is bound to (RFC 8705, section 3.1). Raises InvalidToken."""
    if not isinstance(confirmation, dict) or confirmation.keys() != {"x5t#S256"}:
        raise InvalidToken("The token is bound to a key, which cannot be checked here.")
    text = confirmation["x5t#S256"]
    thumbprint = decode_segment(text.encode()) if isinstance(text, str) and text.isascii() else b""
    if len(thumbprint) != _SHA256:
        raise InvalidToken("The token's binding is malformed.")
    return thumbprint


def _roles(claims: Mapping[str, Any], mapping: ClaimRules) -> tuple[str, ...]:
    given = _claim(claims, mapping.roles_claim)
    if given is None:
        return mapping.default_roles
    # A text is one role or, as OAuth writes scopes (RFC 6749, section 3.3), several with spaces between them.
    names = given.split(" ") if isinstance(given, str) else given
    if not isinstance(names, list) or len(names) > _MAX_ROLES or not all(isinstance(name, str) for name in names):
        raise InvalidToken("The token's roles are malformed.")
    if mapping.role_map:
        names = [mapping.role_map[name] for name in names if name in mapping.role_map]
    return tuple(dict.fromkeys(name for name in names if name in mapping.known_roles))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name or, where there is none of this name, by its path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= _LATEST:
        raise InvalidToken(f"The token's '{name}' is not a time.")
    return float(value)


def _text(what: str, value: Any) -> str:
    try:
        return check_text(what, value) if isinstance(value, str) else check_text(what, "")
    except ValueError:
        raise InvalidToken(f"The token's {what} is malformed.") from None
