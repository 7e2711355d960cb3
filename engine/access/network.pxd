cdef class NetworkRules:
    cdef object _allow
    cdef object _deny
    cdef object _trusted

    cpdef bint permits(self, bytes address) except -1
    cpdef bint trusts(self, bytes address) except -1
