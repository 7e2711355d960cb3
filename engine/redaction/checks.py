"""Checks that tell a number of a format from digits that only look like it."""

from __future__ import annotations

import base64
import binascii
import json
import socket
from typing import Final

from engine._fast import checksums
from engine._fast.checksums import digits, kinds


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B, over the digits of `text`; a number of one repeated digit is no number."""
    return kinds(text) > 1 and checksums.luhn(text)


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

# Newer countries of the registry with a length of their own that older lists lack, and a British one with an account
# number of seven digits: test data often has it, and what has it is meant for an IBAN.
_IBAN_OTHERS: Final = (("GB", 21), ("RU", 33), ("NI", 28), ("LY", 25), ("SD", 18), ("BI", 27), ("DJ", 27), ("MN", 20),
                       ("FK", 18), ("OM", 23), ("SO", 23), ("YE", 30), ("HN", 28))  # fmt: skip


# Lengths by the first digits: ISO/IEC 7812-1 and what the schemes publish. Maestro gives 12 digits out to few.
_CARD_LENGTHS: Final = (
    (("4",), (13, 16, 19)),
    (("34", "37"), (15,)),
    (("30", "36", "38", "39"), (14, 16)),
    (("1800", "2131"), (15,)),
    (("5018", "5020", "5038", "5893", "6304", "6390", "6759", "6761", "6762", "6763", "0604"), tuple(range(12, 20))),
    (("35", "50", "51", "52", "53", "54", "55"), (16,)),
    (("56", "57", "58"), (12, 16)),
    (("22", "23", "24", "25", "26", "27", "60", "62", "64", "65", "81", "97"), (16, 17, 18, 19)),
)  # fmt: skip


def card(text: str) -> bool:
    """Luhn, behind the first digits and with the length of a scheme that gives such numbers out."""
    if not luhn(text):
        return False
    number = digits(text)
    return any(len(number) in lengths and number.startswith(heads) for heads, lengths in _CARD_LENGTHS)


def iban_pattern() -> str:
    """An IBAN of each country's own length, in one run or in groups of four, so that no word behind it is taken in."""
    countries: dict[int, list[str]] = {}
    for country, length in (*_IBAN_LENGTHS.items(), *_IBAN_OTHERS):
        countries.setdefault(length, []).extend((country, country.lower()))
    forms = []
    for length, names in sorted(countries.items()):
        groups, rest = divmod(length - 4, 4)
        last = f"[ -]?[A-Za-z0-9]{{{rest}}}" if rest else ""
        forms.append(rf"(?:{'|'.join(names)})\d{{2}}(?:[ -]?[A-Za-z0-9]{{4}}){{{groups}}}{last}")
    return rf"\b(?:{'|'.join(forms)})\b"


def iban(text: str) -> bool:
    """ISO 13616: the country's length, and the remainder of 97 is 1."""
    length, remainder = checksums.mod_97(text)
    country = text[:2].upper()
    return remainder == 1 and (length == _IBAN_LENGTHS.get(country) or (country, length) in _IBAN_OTHERS)


def ssn(text: str) -> bool:
    """Numbers that the US Social Security Administration gives out: no part is zero, no area 666 or from 900."""
    number = digits(text)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


# What follows "@2x." and its like in the names of files.
_FILE_ENDINGS: Final = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "css", "js", "ts", "map", "json", "html")
)


def email(text: str) -> bool:
    """An address of somebody: no picture's name ("icon@2x.png"), no package ("left-pad@1.0.x-beta"), no git remote."""
    local, _, host = text.rpartition("@")
    if host[host.rfind(".") + 1 :].lower() in _FILE_ENDINGS:
        return False
    if host[0].isdigit():
        labels = host.split(".")
        if labels[0].isdigit() and labels[1][:1].isdigit():
            return False
    return local != "git" and ".." not in local


def ipv4(text: str) -> bool:
    """An address of a host: not this one, not of no one, no version number such as 1.2.3.4 with a leading zero."""
    parts = text.split(".")
    if len(parts) != 4 or any((len(part) > 1 and part[0] == "0") or int(part) > 255 for part in parts):
        return False
    if parts[1:] == ["0", "0", "0"]:
        return False
    # Of addresses drawn at random one in 16,000 ends in three parts of one digit, and one in 400 has no part of three
    # behind a first of one; of versions nearly all do.
    version = len(parts[0]) == 1 and max(map(len, parts)) < 3
    small = all(len(part) == 1 for part in parts[1:])
    if (version or (small and parts[0] not in ("10", "192"))) and len(set(parts)) > 2:
        return False
    return parts[0] not in ("0", "127", "255")


# The unspecified address and the host's own.
_NOBODY: Final = frozenset((bytes(16), bytes(15) + b"\1"))


def ipv6(text: str) -> bool:
    """An address by the system's own reading, with at least two groups and a digit: no `dead::beef` of a program."""
    if ("::" not in text and text.count(":") < 7) or not kinds(text):
        # A time of day, mostly.
        return False
    groups = [part for part in text.split(":") if part]
    # `[0::2]` takes every other item of a list.
    if len(groups) == 2 and all(len(group) < 3 for group in groups):
        return False
    if len(groups) < 2 or ("::" not in text and len(groups) < 8):
        return False
    try:
        address = socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return False
    return address not in _NOBODY


# E.164 country codes (ITU-T list), by their first one or two digits; those of three digits by the first two.
_COUNTRY_CODES: Final = frozenset((
    "7", "20", *(f"2{digit}" for digit in "12345679"), *map(str, range(30, 70)), *map(str, range(80, 100)),
)) - {"83", "89"}  # fmt: skip


def country_number(number: str) -> bool:
    """Digits of an E.164 number: 8 to 15, a country's code first; North America has ten behind its 1."""
    if number.startswith("1"):
        return len(number) == 11 and number[1] not in "01"
    return 8 <= len(number) <= 15 and (number[0] in _COUNTRY_CODES or number[:2] in _COUNTRY_CODES)


def phone(text: str) -> bool:
    """E.164 with the country's code, 10 or 11 digits in the national form of North America; with an extension."""
    if "x" in text or "X" in text:
        text = text.lower().partition("x")[0]
    number = digits(text)
    if kinds(number) < 3:
        return False
    if text.startswith(("+", "(+")):
        # "+44 (0)20": the zero is dialled at home only.
        return country_number(digits(text.replace("(0)", "")) if "(0)" in text else number)
    return len(number) in (10, 11) or (len(number) == 13 and number.startswith("001"))


def exit_code_phone(text: str) -> bool:
    """An E.164 number behind the 00 that most countries dial first; its groups are joined in one way."""
    number = digits(text)
    return (
        kinds(number) > 2
        and len(number) >= 11
        and country_number(number[2:])
        and (" " in text) + ("." in text) + ("-" in text) < 2
    )


def national_phone(text: str) -> bool:
    """7 to 13 digits, of three kinds at least: a number without its country's code."""
    number = digits(text)
    return 7 <= len(number) <= 13 and kinds(number) > 2


_BETWEEN: Final = frozenset(":-.")


def mac(text: str) -> bool:
    """An address of one device: neither all zero nor the broadcast, and between dots no version of three numbers."""
    if "." in text and not (any(c.isdigit() for c in text) and any(c.isalpha() for c in text)):
        return False
    return len(set(text.lower()) - _BETWEEN) > 2


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
