# What other kernels need of the table; see bucket.pyx.

from libc.stdint cimport uint64_t

from engine._fast.bucket_slots cimport Slots


cdef class Table:
    cdef Py_buffer view
    cdef Slots slots
    cdef uint64_t k0, k1
