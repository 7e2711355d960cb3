cdef class EncodedText:
    cdef object _decode
    cdef bytes _alphabet
    cdef Py_ssize_t _least
    cdef bytes _ending
    cdef bytes _mark
    cdef object _finds
    cdef frozenset _members
    cdef object _tokens

    cpdef find(self, bytes text, Py_ssize_t at, Py_ssize_t before)
    cpdef Py_ssize_t tail(self, bytes text, Py_ssize_t start) except -1
    cdef bint _hides(self, bytes token) except -1
