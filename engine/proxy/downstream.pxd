from engine._fast.message cimport message
from engine._fast.plainhead cimport head_end, line_end
from engine.pipeline.context cimport RequestContext
from engine.pipeline.forward cimport Outgoing
from engine.policy.snapshot cimport Endpoint
from engine.proxy.headers cimport status_line
from engine.proxy.lane cimport Lane
from engine.proxy.relay cimport Exchange
from engine.proxy.request cimport RequestReader


cdef class Downstream:
    cdef bytes _address
    cdef str _address_text
    cdef bytearray _ahead
    cdef object _certificate
    cdef bint _close
    cdef RequestContext _ctx
    cdef Exchange _exchange
    cdef list _held
    cdef Lane _lane
    cdef bytearray _partial
    cdef bint _paused
    cdef bytes _query
    cdef RequestReader _request
    cdef long long _seen
    cdef int _stage
    cdef object _told
    cdef object _transport
    cdef object _waiting
    cdef public double deadline

    cdef _hold(self, bytes data)
    cdef _head(self, bytes data)
    cdef _await_head(self)
    cdef _hand_over(self, bytes data, Py_ssize_t end)
    cdef _begin(self, bytes line, Endpoint endpoint, bytes data, Py_ssize_t end)
    cdef _decide(self, RequestContext ctx)
    cdef _keep_rest(self)
    cdef _wait(self, object rest)
    cdef _await_body(self)
    cdef _feed(self, bytes data)
    cdef _submit(self, RequestContext ctx)
    cdef _start(self, RequestContext ctx, Outgoing out)
    cdef _refuse_early(self, object refusal)
    cdef _fail(self, RequestContext ctx)
    cdef _refuse(self, RequestContext ctx, object refusal, bint close)
    cpdef reply(self, int status, bytes headers, bytes body)
    cdef _write_reply(self, int status, bytes headers, bytes body)
    cpdef begin(self, int status, bytes headers)
    cpdef write(self, bytes data)
    cpdef flush(self)
    cpdef end(self)
    cdef _finish(self)
