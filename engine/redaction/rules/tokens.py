"""Tokens and addresses that carry a credential whoever gave it out."""

from engine.redaction.checks import jwt
from engine.redaction.rule import Rule

_HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
_CLAIMS = "eyJzdWIiOiIxMjM0NTY3ODkwIn0"

RULES = (
    Rule(
        "jwt",
        "secrets",
        r"\beyJ[A-Za-z0-9_-]{10,900}\.eyJ[A-Za-z0-9_-]{6,990}\.[A-Za-z0-9_-]{10,900}",
        2800,
        "[JWT]",
        (f"Bearer {_HEAD}.{_CLAIMS}.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",),
        (f"{_HEAD}.{_CLAIMS}", "eyJub3RoaW5n.eyJub3RoaW5n.c2lnbmF0dXJl"),
        ("eyJ",),
        jwt,
    ),
    Rule(
        "url_password",
        "secrets",
        r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:[^\s/@\"'<>]{1,200}@[A-Za-z0-9.\-\[\]:]{1,253}",
        600,
        "[URL_WITH_PASSWORD]",
        ("postgres://app:s3cret@db.example.com:5432/main", "https://user:pass1@example.com/"),
        ("https://example.com:8080/path", "mailto:someone", "http://[::1]:80/"),
        ("://",),
    ),
)
