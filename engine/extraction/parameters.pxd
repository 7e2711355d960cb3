from engine._fast.jsonmembers cimport pick


cdef class ParameterRules:
    cdef dict _checks
    cdef object _content
    cdef readonly frozenset caps
    cdef readonly frozenset strips

    cpdef check(self, bytes body)
