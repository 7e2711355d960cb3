from engine._fast.jsonmembers cimport Names, integers, last_member, member
from engine.pipeline.context cimport RequestContext, Reservation, Usage


cdef Names _TOKENS


cdef class UsageTap:
    cdef RequestContext _ctx
    cdef object _splitter
    cdef bint _counts
    cdef bint _strips
    cdef bint _ends
    cdef long long _covered
    cdef long long _waiting
    cdef list _uncounted

    cpdef bytes feed(self, bytes chunk)
    cpdef bytes finish(self)
    cpdef long long count(self)
    cdef _note(self, bytes data)
    cdef _check_room(self)


cpdef bytes ask_for_usage(RequestContext ctx, bytes body)
cpdef read_usage(RequestContext ctx, bytes body)
cpdef bint is_counted(RequestContext ctx) except -1
cdef bint _writes(RequestContext ctx) except -1
cdef _take_report(RequestContext ctx, bytes data)
