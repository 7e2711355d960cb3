"""What a policy says of client certificates, as `engine.identity` needs it."""

from __future__ import annotations

from engine.access.globs import Glob
from engine.identity.certificate import CertificateRule, NameKind
from engine.policy.model import ClientCertificate


def compile_certificates(entries: list[ClientCertificate]) -> tuple[CertificateRule, ...]:
    """The entries of a checked policy, in its order."""
    return tuple(map(_rule, entries))


def _rule(entry: ClientCertificate) -> CertificateRule:
    names: dict[NameKind, str | None] = {
        "subject": entry.subject_dn,
        "dns": entry.dns,
        "uri": entry.uri,
        "email": entry.email,
    }
    kind, pattern = next((kind, pattern) for kind, pattern in names.items() if pattern is not None)
    return CertificateRule(kind, Glob(pattern).matches, entry.subject, entry.team, tuple(dict.fromkeys(entry.roles)))
