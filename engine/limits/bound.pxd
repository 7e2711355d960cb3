cdef class Bound:
    cdef public tuple limits
    cdef public tuple told
    cdef public object metered
    cdef public object mode
    cdef object _plan
    cdef object _take
    cdef object _shown
    cdef tuple _templates

    cpdef take(self, long long now_ns)
    cpdef bytes headers(self, long long now_ns, str dialect=*)
