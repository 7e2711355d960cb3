"""How the families of secrets write their rules.

Two shapes cover nearly all of them. `token` is for formats that carry their vendor's mark: the pattern is the format.
`named` is for bodies that look like any other hash or id: the vendor's name and a word such as "key" have to stand in
front, close by, and only the body is the finding.

Lengths are taken a little wider than the vendors give them, and where a body may hold "-" its end is left open: what
is longer than the format is hidden whole instead of in part.

Examples are made up, in pieces, so that no scanner of source code takes them for real ones.
"""

from __future__ import annotations

from engine.redaction.rule import Check, Rule
from engine.redaction.secret_checks import plausible

# Bodies for examples, of no meaning: letters and digits, hexadecimal, capitals, the alphabet of base32.
ALNUM = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0o1P2q3R4s5T6u7V8w9X0" * 2
LOWER = ALNUM.lower()
UPPER = ALNUM.upper()
HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9" * 3
DIGITS = "27182818284590452353602874713527"
UUID = "3f2b8c1a-9d4e-4f6a-8b7c-5e1d0a9f2c3b"

UUID_PATTERN = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

# What may stand between a vendor's name and the word that says what follows, and between that word and the body.
_NAME_GAP = r"[\w .\-]{0,20}?"
_CREDENTIAL = r"(?:key|token|secret|passw|auth|credential|access|licen[sc]e|\bpat\b)"
_BODY_GAP = r"[\w .:=,>|\"'`*()\[\]\\\-]{0,24}?"
# The bytes that the gaps and the longest credential word may take.
_GAPS = 20 + 14 + 24


def heads(prefix: str) -> tuple[str, ...]:
    """Keywords for a prefix that a hexadecimal digit follows."""
    return tuple(prefix + digit for digit in "0123456789abcdef")


def token(
    id: str,
    pattern: str,
    max_len: int,
    keywords: tuple[str, ...],
    samples: tuple[str, ...],
    near: tuple[str, ...] = (),
    check: Check | None = plausible,
) -> Rule:
    """A rule for a format that is its own mark. `samples` are tokens; `near` are texts in which nothing may be found,
    by default the first half of the first sample."""
    first, *rest = samples
    return Rule(
        id,
        "secrets",
        pattern,
        max_len,
        f"[{id.upper()}]",
        (f"the key is {first} now", f'{{"value": "{first}"}}', *rest),
        near or (f"the key is {first[: len(first) // 2]} now",),
        keywords,
        check,
    )


def named(
    id: str,
    names: str,
    body: str,
    body_len: int,
    keywords: tuple[str, ...],
    sample: tuple[str, str],
    near: tuple[str, ...] = (),
    check: Check | None = plausible,
) -> Rule:
    """A rule for a body that only its context gives away. `names` is a pattern of the vendor's names, `keywords` their
    literals, `sample` a name and a body; by default nothing may be found in the body alone or in half of it."""
    name, value = sample
    # Blind to case, "k" and "s" may take three bytes.
    longest = 3 * max(len(keyword) for keyword in keywords) + 40
    return Rule(
        id,
        "secrets",
        rf"(?i:(?:{names}){_NAME_GAP}{_CREDENTIAL}){_BODY_GAP}\b({body})",
        longest + _GAPS + body_len,
        f"[{id.upper()}]",
        (
            f"{name.upper()}_API_KEY={value}",
            f"my {name} api key is {value}.",
            f'{{"{name}_secret_key": "{value}"}}',
        ),
        near or (f"the digest {value} of a file", f"{name}_api_key={value[: len(value) // 2]}"),
        keywords,
        check,
    )
