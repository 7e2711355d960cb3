cdef class Limiter:
    cdef public tuple limits
    cdef object _table
    cdef object _journal
    cdef tuple _reserved
    cdef object _sharing
    cdef tuple _late
    cdef tuple _early
    cdef tuple _first
    cdef dict _globs
    cdef bint _by_ip
    cdef bint _by_route
    cdef object _early_bounds
    cdef object _late_bounds
    cdef object _first_bounds
    cdef object _templates
    cdef object _nothing

    cpdef early(self, str key_id, str user, str team, tuple roles, bytes ip, str route=*)
    cpdef late(self, str key_id, str user, str team, tuple roles, bytes ip, str model, str route=*)
