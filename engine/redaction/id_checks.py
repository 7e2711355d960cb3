"""Check digits of national numbers, by the rules of who gives them out. Each takes the value as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Final

from engine._fast import checksums
from engine._fast.checksums import digits, kinds
from engine.redaction.checks import luhn

Check = Callable[[str], bool]


def _sum(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isalnum()).upper()


# Three groups of three, as which all numbers are written.
_THREES: Final = re.compile(r"\D*\d{3}\D+\d{3}\D+\d{3}\D*")


def home_phone(text: str) -> bool:
    """A number with the zero that is dialled at home: no three groups of three."""
    return varied(text) and not _THREES.fullmatch(text)


def trunk_phone(text: str) -> bool:
    """`home_phone` of 9 to 12 digits, four kinds of them at least."""
    number = digits(text)
    return 9 <= len(number) <= 12 and len(set(number)) > 3 and home_phone(text)


def varied(text: str) -> bool:
    """At least three different digits: no placeholder."""
    return kinds(text) > 2


def lettered(text: str) -> bool:
    """At least five digits, of three kinds: no word and no year behind one."""
    return len(digits(text)) > 4 and varied(text)


def plate(text: str) -> bool:
    """Five to ten letters and digits, two digits and two letters at least."""
    letters = sum(map(str.isalpha, text))
    number = len(digits(text))
    return letters > 1 < number and 5 <= letters + number <= 10


_DATE: Final = re.compile(r"(?:19|20)\d\d([-/.])\d\d?\1\d\d?|\d\d?([-/.])\d\d?\2(?:19|20)\d\d")
_US_SHAPE: Final = re.compile(r"\d{3}([ -]?)\d{2}\1\d{4}")


def numbered(text: str) -> bool:
    """At least six digits, of three kinds, and no date: a number behind the name of one."""
    return len(digits(text)) > 5 and varied(text) and _DATE.fullmatch(text) is None


def social_number(text: str) -> bool:
    """The same, but for what has the form of a number of the United States."""
    return numbered(text) and _US_SHAPE.fullmatch(text) is None


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has this day, in a year in which somebody who lives may have been born."""
    try:
        return 1880 < date(year, month, day).year <= datetime.now(UTC).year
    except ValueError:
        return False


def _short_date(text: str) -> bool:
    """YYMMDD."""
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:6])
    return is_date(1900 + year, month, day) or is_date(2000 + year, month, day)


def _reversed_short_date(text: str) -> bool:
    """DDMMYY."""
    return _short_date(text[4:6] + text[2:4] + text[:2])


_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def spain(text: str) -> bool:
    """DNI and NIE: the letter is the number modulo 23."""
    value = _plain(text)
    return value[-1] == _DNI[int(value[:-1].translate(str.maketrans("XYZ", "012"))) % 23]


_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def italy(text: str) -> bool:
    """Codice fiscale (D.M. 23/12/1976): the last letter is a weighted sum of the others, modulo 26."""
    value = text.upper()
    total = sum(
        _ODD[character] if index % 2 == 0 else int(character) if character.isdigit() else ord(character) - 65
        for index, character in enumerate(value[:15])
    )
    return value[15] == chr(65 + total % 26)


def verhoeff(text: str) -> bool:
    """Verhoeff's check over the dihedral group D5, as in India's Aadhaar."""
    return varied(text) and checksums.verhoeff(text)


def brazil_cpf(text: str) -> bool:
    """CPF: two digits modulo 11."""
    number = digits(text)
    return len(set(number)) > 1 and all(
        int(number[size]) == _sum(number, range(size + 1, 1, -1)) * 10 % 11 % 10 for size in (9, 10)
    )


def brazil_cnpj(text: str) -> bool:
    """CNPJ: two digits modulo 11."""
    number = digits(text)
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return varied(text) and all(
        int(number[size]) == (_sum(number[:size], weights[13 - size :]) * 10 % 11) % 10 for size in (12, 13)
    )


def china(text: str) -> bool:
    """Resident number, GB 11643-1999: a date of birth, and ISO 7064 mod 11-2."""
    total = _sum(text[:17], [pow(2, 17 - index, 11) for index in range(17)])
    born = is_date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    return born and text[17].upper() == "10X98765432"[total % 11]


def france(text: str) -> bool:
    """NIR: the key is 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    value = _plain(text).replace("2A", "19").replace("2B", "18")
    return value.isdigit() and 97 - int(value[:13]) % 97 == int(value[13:])


def mod_11_10(text: str) -> bool:
    """ISO 7064 mod 11,10, as in Germany's tax number; some digit comes twice in it, none first is 0."""
    number = digits(text)
    product = 10
    for digit in number[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(number[-1]) and number[0] != "0" and len(set(number[:-1])) < len(number) - 1


def iso_11_10(text: str) -> bool:
    """ISO 7064 mod 11,10, as in Croatia's OIB."""
    number = digits(text)
    product = 10
    for digit in number[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[-1]) and varied(text)


def estonia(text: str) -> bool:
    """Isikukood, and Lithuania's asmens kodas: weights, modulo 11, a second time with others where it is 10."""
    number = digits(text)
    rest = _sum(number, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = _sum(number, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return _short_date(number[1:7]) and rest == int(number[10])


def austria(text: str) -> bool:
    """Sozialversicherungsnummer: four digits and a date; who has no known one gets a month beyond the twelfth."""
    number = digits(text)
    return 1 <= int(number[4:6]) <= 31 and 1 <= int(number[6:8]) <= 15 and varied(text)


def netherlands(text: str) -> bool:
    """BSN: the test of eleven."""
    number = digits(text)
    return varied(text) and (_sum(number[:8], range(9, 1, -1)) - int(number[8])) % 11 == 0


def belgium(text: str) -> bool:
    """National number: 97 less the number modulo 97, with a 2 before it for who was born from 2000 on."""
    number = digits(text)
    return any(97 - int(lead + number[:9]) % 97 == int(number[9:]) for lead in ("", "2"))


def poland(text: str) -> bool:
    """PESEL: weights 1, 3, 7, 9; the century is in the month."""
    number = digits(text)
    month = int(number[2:4]) % 20
    return 1 <= month <= 12 and 1 <= int(number[4:6]) <= 31 and _sum(number, (1, 3, 7, 9) * 2 + (1, 3, 1)) % 10 == 0


def sweden(text: str) -> bool:
    """Personnummer: a date, for coordination numbers 60 days later, and Luhn over the last ten digits."""
    number = digits(text)[-10:]
    day = int(number[4:6])
    return luhn(number) and _short_date(number[:4] + f"{day - 60 if day > 60 else day:02}")


def norway(text: str) -> bool:
    """Fødselsnummer: two digits modulo 11."""
    number = digits(text)
    return (
        varied(text)
        and _sum(number, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and _sum(number, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def denmark(text: str) -> bool:
    """CPR: a date; its check digit is no longer kept."""
    return _reversed_short_date(digits(text))


def finland(text: str) -> bool:
    """Henkilötunnus: a date, and the number modulo 31 as a character."""
    value = text.upper()
    number = int(value[:6] + value[7:10])
    return _reversed_short_date(value) and value[10] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31]


def australia_tfn(text: str) -> bool:
    """Tax file number: a weighted sum, modulo 11."""
    return varied(text) and _sum(digits(text), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def australia_abn(text: str) -> bool:
    """Business number: 1 less in the first digit, modulo 89."""
    number = digits(text)
    return (_sum(number, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def australia_medicare(text: str) -> bool:
    """Medicare card: the ninth digit, modulo 10."""
    number = digits(text)
    return _sum(number[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(number[8])


def ean13(text: str) -> bool:
    """The check digit of EAN-13, as in Switzerland's AHV number."""
    return varied(text) and _sum(digits(text), (1, 3) * 6 + (1,)) % 10 == 0


def singapore(text: str) -> bool:
    """NRIC and FIN: a letter by weights, modulo 11."""
    value = text.upper()
    offset = {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}[value[0]]
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    remainder = (_sum(value[1:8], (2, 7, 6, 5, 4, 3, 2)) + offset) % 11
    return value[8] == letters[value[0]][10 - remainder if value[0] == "M" else remainder]


def korea(text: str) -> bool:
    """Resident registration number: a date; its check digit is no longer kept."""
    return _short_date(text)


def japan(text: str) -> bool:
    """My Number: modulo 11."""
    number = digits(text)
    remainder = _sum(number, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return varied(text) and int(number[11]) == (0 if remainder <= 1 else 11 - remainder)


def south_africa(text: str) -> bool:
    """Identity number: a date, and Luhn."""
    return luhn(text) and _short_date(digits(text))


_CURP: Final = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def mexico(text: str) -> bool:
    """CURP: the last digit is a weighted sum, modulo 10."""
    value = text.upper()
    total = sum(_CURP.index(character) * (18 - index) for index, character in enumerate(value[:17]))
    return str((10 - total % 10) % 10) == value[17]


def turkey(text: str) -> bool:
    """T.C. Kimlik No: two digits modulo 10."""
    number = [int(digit) for digit in digits(text)]
    tenth = (sum(number[0:9:2]) * 7 - sum(number[1:8:2])) % 10
    return number[0] != 0 and number[9] == tenth and number[10] == sum(number[:10]) % 10


_TAIWAN: Final = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def taiwan(text: str) -> bool:
    """Identity card: the letter is a number from 10 on, weights modulo 10."""
    area = _TAIWAN.index(text[0]) + 10
    return (area // 10 + area % 10 * 9 + _sum(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hong_kong(text: str) -> bool:
    """Identity card: weights 9 to 2 and the digit in brackets, modulo 11."""
    value = _plain(text)
    head = value[:-7].rjust(2, "\0")
    total = sum(weight * (36 if c == "\0" else ord(c) - 55) for weight, c in zip((9, 8), head, strict=True))
    total += _sum(value[-7:-1], range(7, 1, -1)) + (10 if value[-1] == "A" else int(value[-1]))
    return total % 11 == 0


def thailand(text: str) -> bool:
    """Identity number: weights 13 to 2, modulo 11."""
    number = digits(text)
    return varied(text) and (11 - _sum(number[:12], range(13, 1, -1)) % 11) % 10 == int(number[12])


def romania(text: str) -> bool:
    """CNP: weights, modulo 11, where 10 is written 1; a date in it."""
    number = digits(text)
    remainder = _sum(number, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return _short_date(number[1:7]) and int(number[12]) == (1 if remainder == 10 else remainder)


def bulgaria(text: str) -> bool:
    """EGN: weights, modulo 11, where 10 is written 0."""
    number = digits(text)
    return varied(text) and _sum(number, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(number[9])


def czechia(text: str) -> bool:
    """Rodné číslo: a date, 50 months later for women, and ten digits are a multiple of 11."""
    number = digits(text)
    month = int(number[2:4])
    months = (month, month - 20, month - 50, month - 70)
    dated = any(_short_date(f"{number[:2]}{value:02}{number[4:6]}") for value in months if value > 0)
    return dated and (len(number) == 9 or int(number) % 11 == 0)


def portugal(text: str) -> bool:
    """NIF: weights 9 to 2, modulo 11."""
    number = digits(text)
    remainder = _sum(number[:8], range(9, 1, -1)) % 11
    return varied(text) and int(number[8]) == (0 if remainder < 2 else 11 - remainder)


def ireland(text: str) -> bool:
    """PPS number: weights 8 to 2, and 9 for a second letter, modulo 23."""
    value = _plain(text)
    total = _sum(value[:7], range(8, 1, -1)) + (9 * (ord(value[8]) - 64) if len(value) > 8 and value[8] != "W" else 0)
    return value[7] == "WABCDEFGHIJKLMNOPQRSTUV"[total % 23]


def argentina(text: str) -> bool:
    """CUIT and CUIL: weights, modulo 11."""
    number = digits(text)
    return (11 - _sum(number[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11) % 11 == int(number[10])


def chile(text: str) -> bool:
    """RUT: weights 2 to 7 from the right, modulo 11, where 10 is written K."""
    value = _plain(text)
    total = _sum(value[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3, 4))
    return value[-1] == "0123456789K0"[11 - total % 11]


def nhs(text: str) -> bool:
    """NHS number: weights 10 to 2, modulo 11."""
    number = digits(text)
    return varied(text) and (11 - _sum(number[:9], range(10, 1, -1)) % 11) % 11 == int(number[9])


def routing(text: str) -> bool:
    """ABA routing number: weights 3, 7, 1, modulo 10."""
    return varied(text) and _sum(digits(text), (3, 7, 1) * 3) % 10 == 0


def npi(text: str) -> bool:
    """US National Provider Identifier: Luhn with 80840 before it (45 CFR 162.406)."""
    return luhn("80840" + digits(text))


_VIN: Final = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True))  # fmt: skip  # noqa: E501


def vin(text: str) -> bool:
    """Vehicle identification number: 49 CFR 565.15, weights modulo 11 in the ninth place."""
    value = text.upper()
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum((int(c) if c.isdigit() else _VIN.get(c, 0)) * weight for c, weight in zip(value, weights, strict=True))
    return value[8] == "0123456789X"[total % 11]


def born(text: str) -> bool:
    """A date in one of its common forms, all of digits or with the name of a month."""
    text = text.partition("T")[0] if text[:1].isdigit() and "T" in text[8:11] else text
    if any(character.isalpha() for character in text):
        return True
    parts = [int(part) for part in text.replace("/", "-").replace(".", "-").split("-")]
    if parts[0] > 31:
        return is_date(parts[0], parts[1], parts[2])
    year = parts[2] if parts[2] > 99 else 1900 + parts[2]
    return is_date(year, parts[1], parts[0]) or is_date(year, parts[0], parts[1])


def drug_registration(text: str) -> bool:
    """A registration number of the Drug Enforcement Administration of the United States."""
    odd, even = text[2:7:2], text[3:8:2]
    return (sum(map(int, odd)) + 2 * sum(map(int, even))) % 10 == int(text[8])


_GSTIN_SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def india_gstin(text: str) -> bool:
    """The last of fifteen signs, by the Luhn algorithm modulo 36."""
    total = 0
    for place, sign in enumerate(text[:14]):
        product = _GSTIN_SIGNS.index(sign) * (1 + place % 2)
        total += product // 36 + product % 36
    return _GSTIN_SIGNS[-total % 36] == text[14]
