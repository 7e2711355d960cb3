"""Encoded forms of what the other rules of a profile find. Off by default: every long token is decoded.

Here, without a profile, each finds whatever decodes to text.
"""

import base64

from engine.redaction.encoded import LONGEST, EncodedText, base_64, entities, hexadecimal, percent
from engine.redaction.rule import Detector, Rule

GROUP = "encoded"

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = b"0123456789"
_WORDS = _LETTERS + _DIGITS + b"._~+@-"
_MAIL = "jane.doe@example.com"


def _rule(
    id: str,
    detector: Detector,
    examples: tuple[str, ...],
    counterexamples: tuple[str, ...],
    keywords: tuple[str, ...] = (),
    digits: int = 0,
) -> Rule:
    return Rule(
        id, GROUP, "", LONGEST, "[ENCODED]", examples, counterexamples, keywords, detector=detector, digits=digits
    )


# An email address has six bytes at least, and more wherever it is anybody's.
RULES = (
    _rule(
        "encoded_percent",
        EncodedText(percent, _WORDS + b"%!*", 6, mark=b"%"),
        ("jane.doe%40example.com", "%6a%61%6e%65@example.com"),
        ("100% of it", "jane", "%ff%fe%fd%fc"),
        ("%",),
    ),
    _rule(
        "encoded_entity",
        EncodedText(entities, _WORDS + b"&#;", 6, mark=b"&"),
        ("jane.doe&#64;example.com", "jane.doe&#x40;example.com", "jane&commat;example.com"),
        ("R&D", "salt & pepper", "&unknown;"),
        ("&",),
    ),
    _rule(
        "encoded_base64",
        EncodedText(base_64, _LETTERS + _DIGITS + b"+/_-", 12, ending=b"="),
        (base64.b64encode(_MAIL.encode()).decode(), base64.urlsafe_b64encode(f"me: {_MAIL}".encode()).decode().rstrip("=")),
        ("the authentication of users", "9f86d081884c7d659a2feaa0c55ad015", "/usr/local/bin"),
    ),
    _rule(
        "encoded_hex",
        EncodedText(hexadecimal, _DIGITS + b"abcdefABCDEFx\\", 12),
        (_MAIL.encode().hex(), "".join(f"\\x{byte:02x}" for byte in _MAIL.encode()), f"0x{_MAIL.encode().hex().upper()}"),
        ("9f86d081884c7d659a2feaa0c55ad015", "deadbeef"),
        # Each printable character of ASCII has a digit from 2 to 7 first.
        digits=6,
    ),
)  # fmt: skip
