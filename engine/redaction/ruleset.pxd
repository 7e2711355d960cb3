cimport cython

from engine.redaction.rule cimport Rule


cdef class _Words:
    cdef readonly str pattern
    cdef readonly tuple keywords
    cdef readonly list by_size
    cdef readonly bint implied


cpdef bint accepts(Rule rule, bytes match, bytes value) except -1


@cython.locals(start=Py_ssize_t, stop=Py_ssize_t, left=Py_ssize_t, right=Py_ssize_t, place=tuple)
cpdef next_place(
    Rule rule,
    object scanner,
    Py_ssize_t index,
    bytes text,
    Py_ssize_t at,
    Py_ssize_t before,
    Py_ssize_t end=*,
    tuple first=*
)


@cython.locals(words=_Words, lower=bytes, at=Py_ssize_t)
cdef bint _has_keyword(Rule rule, bytes match) except -1
