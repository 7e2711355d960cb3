from engine._fast.bucket cimport Plan


cdef class Bound:
    cdef public tuple limits
    cdef public tuple told
    cdef public object metered
    cdef public object mode
    cdef Plan _plan
    cdef Plan _shown
    cdef tuple _templates

    cpdef take(self, long long now_ns)
    cpdef bytes headers(self, long long now_ns, str dialect=*)
