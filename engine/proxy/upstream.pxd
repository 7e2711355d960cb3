cimport cython

from engine._fast.plainhead cimport PlainHead, head_end, line_end, plain_status
from engine.policy.upstreams cimport UpstreamConfig
from engine.proxy.deadlines cimport Sweeper
from engine.proxy.relay cimport Exchange


cdef PlainHead _plain


cdef class UpstreamConnection:
    cdef public Pool pool
    cdef public Exchange exchange
    cdef public double deadline
    cdef public object transport
    cdef object _parser
    cdef dict _headers
    cdef list _body
    cdef bint _begun
    cdef bint _headed
    cdef bint _complete
    cdef bint _framed
    cdef bint _reusable
    cdef int _status
    cdef long long _received
    cdef int _informational

    cpdef send(self, Exchange exchange, bytes data)
    cpdef abort(self)
    cpdef close(self)
    cdef bint _take_plain(self, Exchange exchange, bytes data) except -1
    cdef _finish(self, Exchange exchange)
    cdef _fail(self, str reason)


cdef class Pool:
    cdef public UpstreamConfig config
    cdef object _loop
    cdef object _ssl
    cdef Sweeper _sweeper
    cdef double _keepalive
    cdef list _idle
    cdef object _waiting
    cdef set _connecting
    cdef long _total

    cpdef bint submit(self, Exchange exchange) except -1

    @cython.locals(connection=UpstreamConnection)
    cdef UpstreamConnection _take(self)
    cpdef release(self, UpstreamConnection connection)
    cpdef drop(self, UpstreamConnection connection)
    cpdef lost(self, UpstreamConnection connection)
    cdef _serve_waiting(self)
    cdef _connect(self, Exchange exchange)
    cdef _failed(self)
