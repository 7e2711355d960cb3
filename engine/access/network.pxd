from engine._fast.cidr cimport Prefixes


cdef class NetworkRules:
    cdef Prefixes _allow
    cdef Prefixes _deny
    cdef Prefixes _trusted

    cpdef bint permits(self, bytes address) except -1
    cpdef bint trusts(self, bytes address) except -1
