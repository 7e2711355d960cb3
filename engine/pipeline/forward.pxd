from engine._fast.message cimport message
from engine.pipeline.context cimport RequestContext, Reservation
from engine.policy.snapshot cimport Permit
from engine.policy.upstreams cimport UpstreamConfig


cdef class Outgoing:
    cdef readonly UpstreamConfig upstream
    cdef readonly bytes data
    cdef readonly Reservation reservation


cpdef Outgoing forward(RequestContext ctx, Permit permit, Reservation reservation, bytes body, bytes target_query=*)
cpdef tuple request_head(RequestContext ctx, Permit permit, bytes method, bytes target_query)
