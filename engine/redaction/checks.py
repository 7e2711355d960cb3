"""Checks that tell a number of a format from digits that only look like it."""

from __future__ import annotations

import base64
import binascii
import json


def digits(text: str) -> str:
    """The ASCII digits of a text."""
    return "".join(character for character in text if "0" <= character <= "9")


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B, over the digits of `text`; a number of one repeated digit is no number."""
    number = digits(text)
    if len(set(number)) < 2:
        return False
    total = 0
    for index, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# Lengths by country: SWIFT's IBAN registry.
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def iban(text: str) -> bool:
    """ISO 13616: the country's length, and the remainder of 97 is 1."""
    compact = "".join(text.split()).upper()
    if len(compact) != _IBAN_LENGTHS.get(compact[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """Numbers that the US Social Security Administration gives out: no part is zero, no area 666 or from 900."""
    number = digits(text)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def ipv4(text: str) -> bool:
    """An address of a host: not this one, not of no one, no version number such as 1.2.3.4 with a leading zero."""
    parts = text.split(".")
    if any((len(part) > 1 and part[0] == "0") or int(part) > 255 for part in parts):
        return False
    return parts[0] not in ("0", "127", "255")


def ipv6(text: str) -> bool:
    """An address by the system's own reading, with at least two groups that say something."""
    from ipaddress import IPv6Address

    try:
        address = IPv6Address(text)
    except ValueError:
        return False
    return (
        not address.is_loopback and not address.is_unspecified and len([part for part in text.split(":") if part]) > 1
    )


def phone(text: str) -> bool:
    """E.164: 8 to 15 digits with the country's code, 10 or 11 in the national form of North America."""
    number = digits(text)
    if len(set(number)) < 3:
        return False
    return 8 <= len(number) <= 15 if text.lstrip("(").startswith("+") else len(number) in (10, 11)


def national_phone(text: str) -> bool:
    """7 to 13 digits, of three kinds at least: a number without its country's code."""
    number = digits(text)
    return 7 <= len(number) <= 13 and len(set(number)) > 2


def mac(text: str) -> bool:
    """An address of one device: neither all zero nor the broadcast."""
    return len(set(text.lower()) - {":", "-"}) > 2


def jwt(text: str) -> bool:
    """RFC 7519: the first part is a JSON object in base64url that names an algorithm."""
    head = text.split(".", 1)[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(value, dict) and "alg" in value


def mixed(text: str) -> bool:
    """At least a digit and a letter, and no run of one character: a secret, not a word or a placeholder."""
    return (
        any(character.isdigit() for character in text)
        and any(character.isalpha() for character in text)
        and len(set(text)) >= 8
    )
