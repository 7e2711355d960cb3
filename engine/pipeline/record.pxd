from engine.pipeline.context cimport RequestContext


cdef class _Clock:
    cdef str _prefix
    cdef long long _second

    cpdef str text(self, long long now_ns)


cdef dict _quoted_texts
cdef dict _controls_texts
cdef _Clock _clock

cdef str _quoted(str text)
cdef str _controls(RequestContext ctx)

cpdef bytes audit_line(RequestContext ctx, double seconds)
cpdef record(RequestContext ctx, double seconds, object audit, object meters)
