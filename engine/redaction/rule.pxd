cdef class Rule:
    cdef readonly str id
    cdef readonly str group
    cdef readonly str pattern
    cdef readonly Py_ssize_t max_len
    cdef readonly str replacement
    cdef readonly tuple examples
    cdef readonly tuple counterexamples
    cdef readonly tuple keywords
    cdef readonly object check
    cdef readonly str not_after
    cdef readonly object detector
    cdef readonly Py_ssize_t digits
