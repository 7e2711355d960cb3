cdef class Wholes:
    cdef tuple _patterns
    cdef list _scanners

    cpdef tail(self, long rule, bytes text, long start)


cdef class Ahead:
    cdef readonly object joint
    cdef readonly Wholes wholes
    cdef readonly tuple bounds
    cdef readonly object literals

    cpdef Py_ssize_t live_from(self, bytes text, Py_ssize_t start) except -1
    cdef _whole(self, object rules, bytes text, Py_ssize_t start, object live)


cdef class Alike:
    cdef readonly tuple rules
    cdef object _together

    cpdef list regions(self, bytes text, list spans)


cdef class Search:
    cdef readonly object prefilter
    cdef readonly object scanner
    cdef readonly Alike numbered
    cdef readonly Alike others
    cdef readonly tuple is_other
    cdef readonly Ahead ahead
    cdef readonly dict edged
    cdef readonly object at_lines
    cdef readonly tuple unusual

    cpdef list candidates(self, bytes text, Py_ssize_t start=*)
    cpdef list occurring(self, bytes text, list regions)


cdef bint _has_folded(bytes text) except -1
cdef Py_ssize_t _behind(bytes text, Py_ssize_t at) except -1
