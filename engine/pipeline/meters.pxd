cimport cython

from engine._fast.counters cimport Counters, Histogram
from engine.pipeline.context cimport RequestContext


cdef class Meters:
    cdef dict _durations
    cdef dict _findings
    cdef long _input
    cdef object _metrics
    cdef long _output
    cdef dict _reasons
    cdef dict _requests
    cdef Counters _words

    @cython.locals(histogram=Histogram)
    cpdef request(self, RequestContext ctx, double seconds)
    cpdef upstream_error(self, str upstream, str reason)
    cdef _index(self, dict known, str family, str label, str value)
