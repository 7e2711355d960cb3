"""Private keys in PEM (RFC 7468), OpenSSH and OpenPGP armor. A group of its own: there is no masking half a key.

The end line is not asked for: an answer that stops before it has leaked the key all the same. The body is bounded at
what RE2 counts to, the head is the finding.
"""

from engine.redaction.rule import Rule

_BODY = "MIIEpAIBAAKCAQEAtidegate0example0body"

RULES = (
    Rule(
        "private_key",
        "private_key",
        r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=:,\-\s]{0,990}(?:-----END [A-Z ]{0,40}-----)?)?",
        1100,
        "[PRIVATE_KEY]",
        (
            f"-----BEGIN RSA PRIVATE KEY-----\n{_BODY}\n-----END RSA PRIVATE KEY-----",
            f"-----BEGIN PRIVATE KEY-----\n{_BODY}",
            f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_BODY}",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        ),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "the BEGIN PRIVATE KEY line"),
        ("PRIVATE KEY",),
    ),
)
