"""Check digits over the ASCII digits of a text, or its letters too, and how many kinds of digits there are.

A text full of numbers, such as a table, has a candidate every few bytes, nearly all of which end here.

Guarantees
    Characters that are no ASCII digits (for `mod_97` no letters either) make no difference. Time is linear in the text.
"""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport uint8_t

# The dihedral group D5 and Verhoeff's permutation, applied as often as a digit's place says (Verhoeff 1969, "Error
# Detecting Decimal Codes").
cdef uint8_t[10][10] _group
cdef uint8_t[8][10] _permuted
cdef uint8_t[10] _step
for _a in range(10):
    for _b in range(10):
        _group[<int>_a][<int>_b] = (
            ((_a + _b) % 5 if _b < 5 else (_a + _b) % 5 + 5) if _a < 5
            else ((_a - _b) % 5 + 5 if _b < 5 else (_a - _b) % 5)
        )
for _a, _b in enumerate((1, 5, 7, 6, 2, 8, 3, 0, 9, 4)):
    _step[<int>_a] = _b
    _permuted[0][<int>_a] = _a
for _a in range(1, 8):
    for _b in range(10):
        _permuted[<int>_a][<int>_b] = _step[_permuted[<int>_a - 1][<int>_b]]


cdef inline int _digit(int kind, const void *data, Py_ssize_t at) noexcept:
    """The digit at a place, or -1."""
    cdef Py_UCS4 character = PyUnicode_READ(kind, data, at)
    return <int>character - 48 if 48 <= character <= 57 else -1


def digits(str text not None):
    """The ASCII digits of a text, as a text."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    cdef Py_ssize_t at
    cdef Py_ssize_t count = 0
    cdef int digit
    cdef char[64] found
    if size > 64:
        return "".join([each for each in text if "0" <= each <= "9"])
    for at in range(size):
        digit = _digit(kind, data, at)
        if digit >= 0:
            found[count] = <char>(48 + digit)
            count += 1
    return text if count == size else found[:count].decode("ascii")


def kinds(str text not None):
    """How many different digits are in a text, from 0 to 10."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t at
    cdef int digit
    cdef int seen = 0
    cdef int count = 0
    for at in range(PyUnicode_GET_LENGTH(text)):
        digit = _digit(kind, data, at)
        if digit >= 0 and not seen >> digit & 1:
            seen |= 1 << digit
            count += 1
    return count


def luhn(str text not None):
    """Whether the last digit of a text is the check digit of those before (ISO/IEC 7812-1, annex B).

    Texts without digits, and of zeros alone, fit.
    """
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t at
    cdef int digit
    cdef int total = 0
    cdef bint doubled = False
    for at in range(PyUnicode_GET_LENGTH(text) - 1, -1, -1):
        digit = _digit(kind, data, at)
        if digit >= 0:
            if doubled:
                digit = 2 * digit - 9 if digit > 4 else 2 * digit
            total = (total + digit) % 10
            doubled = not doubled
    return total == 0


def verhoeff(str text not None):
    """Whether the last digit of a text is Verhoeff's check digit of those before. Texts without digits fit."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t at
    cdef int digit
    cdef int total = 0
    cdef int place = 0
    for at in range(PyUnicode_GET_LENGTH(text) - 1, -1, -1):
        digit = _digit(kind, data, at)
        if digit >= 0:
            total = _group[total][_permuted[place & 7][digit]]
            place += 1
    return total == 0


def mod_97(str text not None):
    """(characters, remainder) of a number with letters and two check digits behind its first two characters, as ISO
    13616 writes accounts: the remainder of 97 is 1 where they fit (ISO/IEC 7064, MOD 97-10).

    Only ASCII letters and digits count, at most 64 of them; of more the remainder is 0.
    """
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t at
    cdef Py_UCS4 character
    cdef int[64] values
    cdef int count = 0
    cdef int remainder = 0
    cdef int value
    for at in range(PyUnicode_GET_LENGTH(text)):
        character = PyUnicode_READ(kind, data, at)
        if 48 <= character <= 57:
            value = <int>character - 48
        elif 97 <= character <= 122:
            value = <int>character - 87
        elif 65 <= character <= 90:
            value = <int>character - 55
        else:
            continue
        if count < 64:
            values[count] = value
        count += 1
    if count > 64:
        return count, 0
    # The country and the check digits come last.
    for at in range(count):
        value = values[(at + 4) % count if count > 4 else at]
        remainder = (remainder * (100 if value > 9 else 10) + value) % 97
    return count, remainder
