cdef class Repetition:
    cpdef find(self, bytes text, Py_ssize_t at, Py_ssize_t before)
    cpdef Py_ssize_t tail(self, bytes text, Py_ssize_t start) except -1


cdef Py_ssize_t _left(bytes text, Py_ssize_t at, Py_ssize_t period, Py_ssize_t least) except -1
cdef Py_ssize_t _right(bytes text, Py_ssize_t at, Py_ssize_t period, Py_ssize_t most) except -1
cdef Py_ssize_t _behind(bytes text, Py_ssize_t at) except -1
cdef Py_ssize_t _before(bytes text, Py_ssize_t at) except -1
