"""Client certificates: who a connection belongs to, where TLS has verified one (mutual TLS).

Rules. The chain, the dates at the handshake and the purpose are OpenSSL's to verify, against TIDEGATE_TLS_CLIENT_CA;
here a certificate that passed is only read. A name in it becomes a principal by the first entry of the policy that it
matches; one that no entry matches is nobody's, as if none had been shown. Names are compared as they stand: a subject
as RFC 4514 writes it (`CN=batch,OU=jobs,O=Example`), of the alternative names DNS names in lower case, URIs and e-mail
addresses. A certificate that ends while its connection lives is refused from then on.

What is read is kept with the connection: its requests cost a look, whatever the number of entries.

Source: RFC 5280 (certificates), RFC 8705 (mutual TLS and bound tokens).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from engine.identity.errors import InvalidToken
from engine.identity.principal import Principal
from engine.identity.text import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Certificate", "CertificateRule", "NameKind"]

NameKind = Literal["subject", "dns", "uri", "email"]

# Of one kind in one certificate; what has more was not made to name somebody.
_MAX_NAMES: Final = 100


@dataclass(frozen=True, slots=True)
class CertificateRule:
    """One entry of the policy: whose certificates have a name of a kind that `matches`. `subject`: None is the name."""

    kind: NameKind
    matches: Callable[[str], bool]
    subject: str | None
    team: str | None
    roles: tuple[str, ...]


class Certificate:
    """A certificate that a client has shown, verified. `thumbprint`: SHA-256 of it, as RFC 8705 calls it."""

    __slots__ = ("_encoded", "_names", "_principal", "_rules", "thumbprint")

    def __init__(self, encoded: bytes) -> None:
        """`encoded`: as DER."""
        self._encoded = encoded
        self.thumbprint = sha256(encoded).digest()
        self._names: tuple[dict[str, list[str]], float] | None = None
        self._rules: Sequence[CertificateRule] | None = None
        self._principal: Principal | None = None

    def principal(self, rules: Sequence[CertificateRule], now_s: float) -> Principal | None:
        """Whose it is by these rules, None where no rule says; `now_s`: seconds since the epoch.

        Raises InvalidToken for a certificate that has ended.
        """
        if rules is not self._rules:
            # A policy is another object when it has changed.
            self._principal = self._find(rules)
            self._rules = rules
        found = self._principal
        if found is not None and found.expires_at is not None and now_s >= found.expires_at:
            raise InvalidToken("The client certificate has expired.")
        return found

    def _find(self, rules: Sequence[CertificateRule]) -> Principal | None:
        if not rules:
            return None
        if self._names is None:
            self._names = _read(self._encoded)
        names, ends = self._names
        for rule in rules:
            for name in names[rule.kind]:
                if rule.matches(name):
                    return Principal(
                        subject=rule.subject if rule.subject is not None else name,
                        key_id="",
                        team=rule.team,
                        roles=rule.roles,
                        expires_at=ends,
                        source="certificate",
                    )
        return None


def _read(encoded: bytes) -> tuple[dict[str, list[str]], float]:
    """The names in a certificate that can name somebody, and when it ends. One that cannot be read has no names."""
    # Not at the top: a gateway without mutual TLS does not pay for the import.
    from cryptography import x509

    names: dict[str, list[str]] = {"subject": [], "dns": [], "uri": [], "email": []}
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        ends = certificate.not_valid_after_utc.timestamp()
        found = [("subject", certificate.subject.rfc4514_string())]
        try:
            alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            alternative = None
        if alternative is not None:
            found += [("dns", name.lower()) for name in alternative.get_values_for_type(x509.DNSName)]
            found += [("uri", name) for name in alternative.get_values_for_type(x509.UniformResourceIdentifier)]
            found += [("email", name) for name in alternative.get_values_for_type(x509.RFC822Name)]
    except ValueError:
        return names, 0.0
    for kind, name in found:
        try:
            check_text("name", name)
        except ValueError:
            continue
        if len(names[kind]) < _MAX_NAMES:
            names[kind].append(name)
    return names, ends
