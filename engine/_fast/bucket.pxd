# What other kernels and the limits need of the table; see bucket.pyx.

cimport cython
from libc.stdint cimport int64_t, uint64_t

from engine._fast.bucket_slots cimport Slot, Slots


cdef class Table:
    cdef Py_buffer view
    cdef Slots slots
    cdef uint64_t k0, k1


cdef struct Entry:
    uint64_t fingerprint
    int64_t interval
    int64_t tolerance
    int64_t capacity
    int64_t tat  # as last read or written
    Slot *slot   # where it was last found: a hint, checked on every use


@cython.final
cdef class Plan:
    cdef readonly Table table
    cdef Entry *entries
    cdef int count
    cdef int _refused
    cdef int64_t now
    cdef int64_t _wait_ns

    cpdef int take(self, int64_t now_ns, int64_t cost=*) except -3
    cpdef bytes render(self, int64_t now_ns, tuple templates)
    cdef int check_index(self, int index) except -1
    cdef int64_t debt(self, const Entry *entry) noexcept nogil
    cdef int64_t left(self, const Entry *entry) noexcept nogil
    cdef int find_tightest(self) noexcept nogil
    cdef void locate(self, Entry *entry) noexcept nogil
    cdef void read(self, Entry *entry, int64_t now) noexcept nogil
    cdef int charge(self, Entry *entry, int64_t now, int64_t amount) noexcept nogil
    cdef void refund(self, Entry *entry, int64_t amount) noexcept nogil
