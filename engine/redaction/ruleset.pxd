from engine.redaction.rule cimport Rule


cpdef bint accepts(Rule rule, bytes match, bytes value) except -1
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
cdef bint _has_keyword(Rule rule, bytes match) except -1


cdef class _Words:
    cdef readonly str pattern
    cdef readonly tuple keywords
    cdef readonly list by_size
    cdef readonly bint implied
