cimport cython

from engine.limits.shared.lease cimport Lease


cdef class SharedBound:
    cdef public tuple limits
    cdef public tuple told
    cdef public object metered
    cdef public object mode
    cdef tuple _leases
    cdef tuple _shown
    cdef tuple _templates
    cdef object _keeper
    cdef object _local
    cdef dict _plans
    cdef long long _hosts

    @cython.locals(lease=Lease, clock="long long")
    cpdef take(self, long long now_ns)
    cpdef bytes headers(self, long long now_ns, str dialect=*)
    cdef bytes _requests(self, long long now_ns, str dialect)

    @cython.locals(lease=Lease)
    cdef _spend(self, long long clock_ns)
    cdef _without(self, long long now_ns, long long clock_ns)
    cdef _by_mode(self, object missing, long long now_ns, long long clock_ns)
    cdef _share(self, int index)
