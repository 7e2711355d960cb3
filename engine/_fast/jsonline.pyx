"""A line of JSON, put together from pieces in one buffer that is kept.

Theory of operation
    A record of a request has the same members again and again: what is new are a few numbers and short texts. The
    caller writes the fixed parts as they are, and the rest through here, into a buffer that grows to the longest line
    there was and is used for the next one. No object is made but the line.

Guarantees
    - `text` writes a text as a JSON string only where it needs no escape: ASCII without control characters, quote and
      backslash. Else it writes nothing and says so, and the caller has an encoder write it.
    - `number` writes any 64-bit number.

Not handled
    Whether the pieces make JSON together; more than one thread.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from engine._fast.jsonguard_text cimport skip_plain

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    # An audit line of an ordinary request takes 500 bytes.
    FIRST_CAPACITY = 1024
    MOST_DIGITS = 20


cdef class Line:
    """A line under construction: `begin`, its pieces, `take`."""

    def __cinit__(self):
        self.buffer = NULL
        self.size = self.capacity = 0

    def __dealloc__(self):
        PyMem_Free(self.buffer)

    cdef int _room(self, Py_ssize_t more) except -1:
        """Make room for so many bytes more. MemoryError."""
        cdef Py_ssize_t wanted
        cdef char *grown
        if self.capacity - self.size >= more:
            return 0
        wanted = max(FIRST_CAPACITY, 2 * self.capacity, self.size + more)
        grown = <char *>PyMem_Realloc(self.buffer, wanted)
        if grown == NULL:
            raise MemoryError()
        self.buffer = grown
        self.capacity = wanted
        return 0

    cpdef int begin(self) except -1:
        """Forget what was written: the line before may have been left half done."""
        self.size = 0
        return 0

    cpdef int raw(self, bytes piece) except -1:
        """Write bytes as they are."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
        self._room(size)
        memcpy(self.buffer + self.size, PyBytes_AS_STRING(piece), size)
        self.size += size
        return 0

    cpdef bint text(self, str text) except -1:
        """Write a text as a JSON string. False: it needs escapes, and nothing was written."""
        cdef const uint8_t *data
        cdef Py_ssize_t size
        if not PyUnicode_IS_COMPACT_ASCII(text):
            return False
        data = <const uint8_t *>PyUnicode_DATA(text)
        size = PyUnicode_GET_LENGTH(text)
        if skip_plain(data, data + size) != data + size:
            return False
        self._room(size + 2)
        self.buffer[self.size] = 34
        memcpy(self.buffer + self.size + 1, data, size)
        self.buffer[self.size + size + 1] = 34
        self.size += size + 2
        return True

    cpdef int number(self, long long value, int width=1) except -1:
        """Write a number; one that is not below zero with so many digits (1 to 20) at least."""
        cdef char[MOST_DIGITS] digits
        cdef int at = MOST_DIGITS
        cdef unsigned long long rest = <unsigned long long>value
        if not 1 <= width <= MOST_DIGITS:
            raise ValueError(f"{width} digits: not within 1 and {MOST_DIGITS}")
        self._room(MOST_DIGITS + 1)
        if value < 0:
            rest = -rest
            self.buffer[self.size] = 45
            self.size += 1
        while rest or at > MOST_DIGITS - width:
            at -= 1
            digits[at] = <char>(48 + rest % 10)
            rest = rest // 10
        memcpy(self.buffer + self.size, digits + at, MOST_DIGITS - at)
        self.size += MOST_DIGITS - at
        return 0

    cpdef bytes take(self):
        """What was written since `begin`."""
        return PyBytes_FromStringAndSize(self.buffer, self.size)
