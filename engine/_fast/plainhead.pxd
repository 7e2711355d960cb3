from libc.stdint cimport uint8_t


cdef class PlainHead:
    cdef readonly dict fields
    cdef readonly Py_ssize_t length

    cpdef bint read(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1
    cdef bint _frames(self, const uint8_t *name, Py_ssize_t size, const uint8_t *value, Py_ssize_t value_size) noexcept


cpdef Py_ssize_t line_end(bytes data) noexcept
cpdef Py_ssize_t head_end(bytes data) noexcept
cpdef int plain_status(bytes data, Py_ssize_t start) noexcept
