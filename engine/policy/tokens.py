"""What a policy says of access tokens, as `engine.identity` needs it."""

from __future__ import annotations

from engine.identity.claims import ClaimRules
from engine.identity.introspection import IntrospectionConfig
from engine.identity.jwks import MAX_SET, KeySetError, parse_keys
from engine.identity.key_source import KeySourceConfig
from engine.identity.tokens import IssuerConfig, TokenConfig
from engine.policy import model
from engine.policy.loader import Policy
from engine.settings import parse_duration


def compile_tokens(policy: Policy) -> TokenConfig:
    """The issuers and endpoints of a checked policy. Raises PolicyError for keys in a file that cannot be used."""
    identity = policy.document.identity
    roles = frozenset(policy.document.roles)
    return TokenConfig(
        issuers=tuple(_issuer(policy, index, entry, roles) for index, entry in enumerate(identity.jwt)),
        introspection=tuple(_endpoint(entry, roles) for entry in identity.introspection),
    )


def _issuer(policy: Policy, index: int, entry: model.JwtIssuer, roles: frozenset[str]) -> IssuerConfig:
    source = KeySourceConfig(
        issuer=entry.issuer,
        jwks=entry.jwks,
        algorithms=frozenset(entry.algorithms),
        refresh_s=parse_duration(entry.refresh),
        keep_s=parse_duration(entry.keep),
        ca_file=entry.ca_file,
    )
    if source.file is not None:
        try:
            with source.file.open("rb") as file:
                parse_keys(file.read(MAX_SET + 1), source.algorithms)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        except KeySetError as error:
            reason = str(error)
        else:
            reason = ""
        if reason:
            raise policy.error(reason, "identity", "jwt", index, "jwks")
    return IssuerConfig(source, _rules(entry, roles, (entry.subject_claim,)))


def _endpoint(entry: model.Introspection, roles: frozenset[str]) -> IntrospectionConfig:
    # RFC 7662 leaves `sub` to the endpoint; a client's own token (client credentials) may have its client_id only.
    subject = (entry.subject_claim,) if entry.subject_claim != "sub" else ("sub", "username", "client_id")
    return IntrospectionConfig(
        url=entry.url,
        client_id=entry.client_id,
        client_secret=entry.client_secret,
        rules=_rules(entry, roles, subject),
        issuer=entry.issuer,
        cache_s=parse_duration(entry.cache),
        negative_cache_s=parse_duration(entry.negative_cache),
        posts_secret=entry.auth == "post",
        ca_file=entry.ca_file,
    )


def _rules(
    entry: model.JwtIssuer | model.Introspection, roles: frozenset[str], subject_claims: tuple[str, ...]
) -> ClaimRules:
    return ClaimRules(
        audience=frozenset(entry.audience),
        known_roles=roles,
        subject_claims=subject_claims,
        roles_claim=entry.roles_claim,
        team_claim=entry.team_claim,
        role_map=entry.role_map,
        default_roles=tuple(entry.default_roles),
        clock_skew_s=parse_duration(entry.clock_skew),
    )
