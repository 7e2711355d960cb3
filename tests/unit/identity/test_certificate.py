"""Client certificates become principals, by the policy's entries in their order; bound tokens say to what."""

from __future__ import annotations

import datetime
import hashlib
import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from engine.identity.certificate import Certificate
from engine.identity.claims import ClaimRules, to_principal
from engine.identity.errors import InvalidToken
from engine.policy.certificates import compile_certificates
from engine.policy.model import ClientCertificate
from tests.unit.identity import forge

NOW = time.time()
KEY = forge.EC["256"]


def certificate(*alternative: x509.GeneralName, dn: str = "CN=batch,O=Example", days: int = 1) -> Certificate:
    name = x509.Name.from_rfc4514_string(dn)
    start = datetime.datetime.fromtimestamp(NOW, datetime.UTC) - datetime.timedelta(days=10)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=10 + days))
    )
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return Certificate(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))


def rules(*entries: dict[str, Any]) -> Any:
    return compile_certificates([ClientCertificate(**{"roles": ["user"], **entry}) for entry in entries])


SPIFFE = x509.UniformResourceIdentifier("spiffe://example.com/batch")
DNS = x509.DNSName("Batch.Example.com")
EMAIL = x509.RFC822Name("batch@example.com")


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        ({"subject_dn": "CN=batch,O=Example"}, "CN=batch,O=Example"),
        ({"subject_dn": "CN=*,O=Example", "subject": "jobs"}, "jobs"),
        ({"uri": "spiffe://example.com/*"}, "spiffe://example.com/batch"),
        ({"dns": "batch.example.com"}, "batch.example.com"),
        ({"email": "*@example.com"}, "batch@example.com"),
        ({"subject_dn": "cn=batch,o=example"}, None),
        ({"subject_dn": "batch"}, None),
        ({"uri": "spiffe://example.com"}, None),
        ({"uri": "spiffe://example.com/batch/"}, None),
        ({"dns": "*.example.org"}, None),
        # A name of one kind is none of another.
        ({"dns": "spiffe://example.com/batch"}, None),
        ({"email": "batch.example.com"}, None),
    ],
)
def test_whose_a_certificate_is(entry: dict[str, Any], subject: str | None) -> None:
    found = certificate(SPIFFE, DNS, EMAIL).principal(rules(entry), NOW)
    assert (found.subject if found is not None else None) == subject


def test_the_first_entry_decides_and_another_policy_decides_anew() -> None:
    shown = certificate(SPIFFE)
    first = rules(
        {"uri": "spiffe://other/*", "roles": ["other"]},
        {"uri": "spiffe://example.com/*", "roles": ["first", "more", "first"], "team": "t"},
        {"subject_dn": "*", "roles": ["second"]},
    )
    found = shown.principal(first, NOW)
    assert found is not None
    assert (found.roles, found.team, found.source, found.key_id) == (("first", "more"), "t", "certificate", "")
    assert shown.principal(first, NOW) is found
    assert shown.principal((), NOW) is None
    again = shown.principal(rules({"subject_dn": "*", "roles": ["second"]}), NOW)
    assert again is not None
    assert again.roles == ("second",)


def test_a_certificate_that_ends_while_its_connection_lives() -> None:
    shown, known = certificate(SPIFFE, days=1), rules({"uri": "*"})
    assert shown.principal(known, NOW) is not None
    with pytest.raises(InvalidToken, match="expired"):
        shown.principal(known, NOW + 2 * 86400)
    # Nobody's certificate says nothing, ended or not.
    assert shown.principal(rules({"uri": "other"}), NOW + 2 * 86400) is None


def test_names_that_could_be_taken_for_others_are_no_names() -> None:
    for dn in ("CN=batch\\0Axx,O=Example", "CN=ba\u200btch,O=Example", "CN=" + "x" * 300):
        try:
            shown = certificate(dn=dn)
        except ValueError:
            continue
        assert shown.principal(rules({"subject_dn": "*"}), NOW) is None
    assert Certificate(b"garbage").principal(rules({"subject_dn": "*"}), NOW) is None


CLAIMS = ClaimRules(frozenset(), frozenset(("user",)))


def test_a_bound_token_says_to_what() -> None:
    shown = certificate(SPIFFE)
    text = forge.b64(shown.thumbprint).decode()
    found = to_principal(forge.claims(cnf={"x5t#S256": text}), CLAIMS, None, "jwt")
    assert found.certificate == shown.thumbprint == hashlib.sha256(shown._encoded).digest()
    assert to_principal(forge.claims(), CLAIMS, None, "jwt").certificate is None


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        {},
        "x",
        [],
        {"jkt": "x"},
        {"x5t#S256": "x"},
        {"x5t#S256": ""},
        {"x5t#S256": None},
        {"x5t#S256": forge.b64(bytes(31)).decode()},
        {"x5t#S256": forge.b64(bytes(32)).decode() + "="},
        {"x5t#S256": forge.b64(bytes(32)).decode()[:-1] + "B"},
        {"x5t#S256": forge.b64(bytes(32)).decode(), "jkt": "x"},
        {"x5t#S256": bytes(32).hex()},
        {"x5t#s256": forge.b64(bytes(32)).decode()},
    ],
)
def test_a_binding_that_cannot_be_checked_is_refused(cnf: Any) -> None:
    with pytest.raises(InvalidToken):
        to_principal(forge.claims(cnf=cnf), CLAIMS, None, "jwt")
