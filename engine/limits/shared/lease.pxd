cdef class Lease:
    cdef object __weakref__
    cdef public object counter
    cdef public bint forgiving
    cdef public long long held
    cdef public long long busy
    cdef public long long low
    cdef public long long spent
    cdef public long long sent
    cdef public long long sent_busy
    cdef public long long acknowledged
    cdef public long long swept
    cdef public long long end_ns
    cdef public long long sent_ns
    cdef public long long answered_ns
    cdef public long long denied_until_ns
    cdef public long long denied
    cdef public long long back_ns
    cdef public long long heard_us
    cdef public double pace
    cdef public long long unit
    cdef public long long owners
    cdef public long long free
    cdef public long long known
    cdef public long long known_rest
    cdef public long long life
    cdef public bint asked
    cdef public bint unsure
    cdef public long long waiting
    cdef public long long need
    cdef public long long noted
    cdef public object cells
    cdef public int idle
    cdef public object ready

    cpdef bint is_tight(self) except -1
    cpdef spend(self)
    cpdef note(self, long long more)
    cpdef take(self, long long amount)
    cpdef release(self, long long amount, long long used)
    cpdef long long wait_ns(self, long long clock_ns, long long amount) except -1
