from engine.pipeline.phases cimport Pipeline
from engine.policy.snapshot cimport Endpoint
from engine.policy.upstreams cimport UpstreamConfig
from engine.proxy.deadlines cimport Sweeper
from engine.proxy.headers cimport Clock

from engine.proxy.upstream cimport Pool


cdef class Pools:
    cdef object _loop
    cdef object _settings
    cdef Sweeper _sweeper
    cdef dict _pools

    cpdef Pool get(self, UpstreamConfig config)


cdef class Lane:
    cdef public object loop
    cdef public Pipeline pipeline
    cdef public object door
    cdef public Sweeper sweeper
    cdef public Pools pools
    cdef public Clock clock
    cdef public bint draining
    cdef public double idle_timeout
    cdef public double header_timeout
    cdef public double body_timeout
    cdef public double send_timeout
    cdef public long long max_header
    cdef public long long max_answer
    cdef public long long _max_connections
    cdef public bint client_certificates
    cdef public set connections
    cdef public set sockets
    cdef dict _hot
    cdef object _handed_over

    cpdef Endpoint endpoint(self, bytes line)
    cpdef bint has_room(self, long long more) except -1
    cpdef bint enter(self, connection) except -1
    cpdef leave(self, connection)
