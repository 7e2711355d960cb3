from engine.pipeline.context cimport RequestContext


cdef class Meters:
    cdef object _add
    cdef dict _durations
    cdef dict _findings
    cdef object _input
    cdef object _metrics
    cdef object _output
    cdef dict _reasons
    cdef dict _requests

    cpdef request(self, RequestContext ctx, double seconds)
    cpdef upstream_error(self, str upstream, str reason)
    cdef _index(self, dict known, str family, str label, str value)
