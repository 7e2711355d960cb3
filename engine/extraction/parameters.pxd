from engine._fast.jsonmembers cimport Names, pick


cdef class _Check:
    cdef readonly str name
    cdef readonly tuple spelling
    cdef readonly object maximum
    cdef readonly bint lowers


cdef class ParameterRules:
    cdef tuple _checks
    cdef object _content
    cdef Names _fields
    cdef readonly frozenset caps
    cdef readonly frozenset strips

    cpdef check(self, bytes body)


cdef _judge(_Check check, object value)
