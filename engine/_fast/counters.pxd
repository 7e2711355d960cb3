from libc.stdint cimport int64_t

cdef enum:
    # Two dozen bounds are usual; linear search stays within a couple of cache lines.
    C_MAX_BOUNDS = 64


cdef class Counters:
    cdef Py_buffer view
    cdef bint exported
    cdef int64_t *words
    cdef Py_ssize_t size

    cdef int64_t *word(self, Py_ssize_t index) except NULL
    cpdef void add(self, Py_ssize_t index, int64_t n=*) except *


cdef class Histogram:
    cdef Counters counters
    cdef int64_t *words
    cdef int count
    cdef double[C_MAX_BOUNDS] bounds_

    cpdef void observe(self, double value) except *
