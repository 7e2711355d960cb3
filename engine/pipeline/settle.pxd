from engine.pipeline.context cimport RequestContext, Usage


cdef class UsageTap:
    cdef RequestContext _ctx
    cdef object _splitter

    cpdef feed(self, bytes chunk)


cpdef read_usage(RequestContext ctx, bytes data)
cpdef settle(RequestContext ctx, bint sent)
