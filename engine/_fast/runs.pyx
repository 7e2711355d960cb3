"""Where characters of one kind stand in a row, long enough to matter: tokens of an encoding.

Theory of operation
    What is no run of `least` members has a byte that is none in every `least` bytes. So the last of the next `least`
    bytes is looked at first, and from there back to the last byte that is no member, behind which the search goes on.
    Of ordinary text, with its short words, a fraction is read.

Guarantees
    Time is linear in the text: a byte is looked at twice at most.

Not handled
    Members outside of ASCII: each byte is by itself.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t


cdef class Runs:
    """Runs of `least` or more of the bytes in `members`. Raises ValueError for `least` below 1."""

    cdef bint[256] _is_member
    cdef Py_ssize_t _least

    def __cinit__(self, bytes members not None, Py_ssize_t least):
        cdef uint8_t member
        if least < 1:
            raise ValueError("least: at least 1")
        self._least = least
        for member in members:
            self._is_member[member] = True

    def find(self, bytes text not None, Py_ssize_t start = 0):
        """Start and end of the first run in `text` from byte `start` on, where one may begin that goes on; or None."""
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t at = max(start, 0)
        cdef Py_ssize_t back
        while size - at >= self._least:
            back = at + self._least
            while back > at and self._is_member[data[back - 1]]:
                back -= 1
            if back > at:
                at = back
                continue
            back = at + self._least
            while back < size and self._is_member[data[back]]:
                back += 1
            return at, back
        return None
