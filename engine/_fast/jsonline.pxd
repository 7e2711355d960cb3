cdef class Line:
    cdef char *buffer
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity

    cdef int _room(self, Py_ssize_t more) except -1
    cpdef int begin(self) except -1
    cpdef int raw(self, bytes piece) except -1
    cpdef bint text(self, str text) except -1
    cpdef int number(self, long long value, int width=*) except -1
    cpdef bytes take(self)
