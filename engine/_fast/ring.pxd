from libc.stdint cimport uint8_t, uint64_t


cdef class Ring:
    cdef Py_buffer view
    cdef bint exported
    cdef uint8_t *data
    cdef uint64_t *head
    cdef uint64_t *tail
    cdef uint64_t *lost_count
    cdef uint64_t *noted
    cdef uint64_t size
    cdef uint64_t mask
    cdef uint64_t open_limit
    cdef uint64_t known_tail
    cdef uint64_t peeked_end
    cdef uint64_t peeked_length
    cdef bytes ending
    cdef uint64_t ending_length

    cdef int check_open(self) except -1
    cpdef bint put(self, bytes record) except -1
    cpdef bint has_room(self) except -1
    cdef void copy_in(self, uint64_t at, const char *source, uint64_t length) noexcept
    cdef void copy_out(self, char *target, uint64_t at, uint64_t length) noexcept
