from libc.stdint cimport uint8_t


cdef struct Member:
    const uint8_t *key          # between the quotes
    const uint8_t *key_end
    const uint8_t *value
    const uint8_t *value_end


cdef class Names:
    cdef tuple names
    cdef tuple values
    cdef Py_ssize_t count
    cdef uint8_t[64] lengths

    cdef Py_ssize_t place(self, Member *found) except -2


cpdef bytes member(bytes text, bytes name)
cpdef bytes last_member(bytes text, bytes name)
cpdef list integers(bytes text, Names names)
cpdef list pick(bytes text, Names wanted)
