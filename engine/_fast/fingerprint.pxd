from libc.stdint cimport uint64_t


cdef class Fingerprint:
    cdef uint64_t[4] keys

    cpdef bytes of(self, bytes data)
