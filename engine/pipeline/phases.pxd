from engine.pipeline.context cimport RequestContext
from engine.pipeline.meters cimport Meters


cdef class Pipeline:
    cdef public object snapshot
    cdef public object keys
    cdef public object tokens
    cdef public object failures
    cdef public object audit
    cdef public Meters meters
    cdef str _prefix
    cdef long _count

    cpdef RequestContext open(
        self, str method, str path, object endpoint, dict headers, bytes address, str address_text
    )
    cpdef anyone(self, RequestContext ctx)
    cpdef head(self, RequestContext ctx)
    cpdef body(self, RequestContext ctx, bytes body, bytes query=*)
    cdef _check_revoked(self, RequestContext ctx)
    cpdef bytes answer(self, RequestContext ctx, bytes media, bytes body)
    cpdef bytes headers(self, RequestContext ctx, bytes content_type)
    cpdef refuse(self, RequestContext ctx, object refusal)
    cpdef bytes error_event(self, RequestContext ctx, object refusal)
    cpdef close(self, RequestContext ctx, int status, bint sent, long long answer_bytes=*)
