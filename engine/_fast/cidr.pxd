from libc.stdint cimport int32_t, uint32_t, uint64_t


cdef class Prefixes:
    cdef uint32_t *starts4
    cdef int32_t *values4
    cdef size_t count4
    cdef void *starts6          # 128-bit words, for which there is no name here
    cdef int32_t *values6
    cdef size_t count6
    cdef size_t given

    cdef _add(self, bytes packed, length, value, list found4, list found6)
    cpdef int32_t match(self, bytes address) except -2
    cdef int32_t _match4(self, uint32_t address) noexcept nogil
    cdef int32_t _match6(self, uint64_t high, uint64_t low) noexcept nogil
