from engine.identity.principal cimport Principal
from engine.policy.snapshot cimport Endpoint, Permit, Snapshot


cdef class Reservation:
    cdef public tuple taken
    cdef public bint closed
    cdef public object held
    cdef public bint answered
    cdef public bint asked_usage
    cdef public long long counted
    cdef public object tap

    cpdef give_back(self, long long now_ns)
    cpdef keep(self)


cdef class Usage:
    cdef public long long input
    cdef public long long output

    cpdef merge(self, long long input, long long output)


cdef class RequestContext:
    cdef public str id
    cdef public Snapshot snapshot
    cdef public str method
    cdef public str path
    cdef public Endpoint endpoint
    cdef public dict headers
    cdef public bytes address
    cdef public str address_text
    cdef public long long now_ns
    cdef public double started
    cdef public object certificate
    cdef public Principal principal
    cdef public object bound
    cdef public object late
    cdef public Permit permit
    cdef public object profile
    cdef public Reservation reservation
    cdef public object shape
    cdef public object request
    cdef public str model
    cdef public bint stream
    cdef public bint validated
    cdef public Usage usage
    cdef public dict findings
    cdef public long long generation
    cdef public str redaction
    cdef public str blocked_by
    cdef public str limited_by
    cdef public str limits_mode
    cdef public int turns
    cdef public str reason
    cdef public int status
    cdef public long long request_bytes
    cdef public long long answer_bytes
    cdef public bint closed
