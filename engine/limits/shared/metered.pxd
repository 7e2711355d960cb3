cimport cython

from engine.limits.shared.lease cimport Lease


cdef class SharedMetered:
    cdef public tuple limits
    cdef public bint counts_tokens
    cdef public bint ends_streams
    cdef public object spend_limit
    cdef public object mode
    cdef object _sizes
    cdef tuple _identities
    cdef list _leases
    cdef tuple _columns
    cdef object _keeper
    cdef object _local
    cdef dict _shares
    cdef long long _hosts
    cdef object _shown
    cdef tuple _calendars
    cdef long long _begin_ns
    cdef long long _end_ns

    @cython.locals(lease=Lease, clock="long long", index=int, amount="long long")
    cdef _reserve(self, long long now_ns, tuple amounts, object tariff, object is_default)
    cpdef turn(self, long long now_ns)

    @cython.locals(lease=Lease, index=int, amount="long long")
    cdef _take(self, long long clock_ns, tuple amounts, object without, object tariff, object local)
    cdef _without(self, long long now_ns, long long clock_ns, tuple amounts, object tariff, object is_default)
    cdef _by_mode(
        self, long long now_ns, long long clock_ns, tuple amounts, object tariff, object is_default, object missing
    )
    cdef _share(self, tuple indices)
    cpdef extend(self, list leases, list taken, tuple amounts)

    @cython.locals(lease=Lease, index=int, column=int, more="long long")
    cpdef note(self, list leases, list taken, tuple before, tuple used)

    @cython.locals(lease=Lease, index=int, amount="long long", spent="long long")
    cpdef release(self, list leases, list taken, tuple used)


cdef class SharedHeld:
    cdef public bint counts_tokens
    cdef public bint ends_streams
    cdef public object input
    cdef public object output
    cdef public object body
    cdef public object tariff
    cdef bint _closed
    cdef list _leases
    cdef object _local
    cdef SharedMetered _metered
    cdef tuple _noted
    cdef list _taken

    cdef tuple _amounts(self, object input, object output)
    cdef bint _close(self)
