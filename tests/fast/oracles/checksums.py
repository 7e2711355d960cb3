"""Check digits by the books, a digit at a time."""

from __future__ import annotations


def digits(text: str) -> str:
    return "".join(character for character in text if "0" <= character <= "9")


def kinds(text: str) -> int:
    return len(set(digits(text)))


def luhn(text: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits(text))):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _product(one: int, other: int) -> int:
    """In D5: rotations are 0 to 4, reflections 5 to 9."""
    turned = one - other if one > 4 else one + other
    return turned % 5 + (5 if (one > 4) != (other > 4) else 0)


_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(text: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits(text))):
        value = int(digit)
        for _ in range(index % 8):
            value = _STEP[value]
        total = _product(total, value)
    return total == 0


def mod_97(text: str) -> tuple[int, int]:
    """How many ASCII letters and digits there are; the remainder of 97, letters as numbers from 10, the first four
    last."""
    counted = [each for each in text if each.isascii() and each.isalnum()]
    if len(counted) > 64:
        return len(counted), 0
    return len(counted), int("".join(str(int(each, 36)) for each in counted[4:] + counted[:4]) or "0") % 97
