from engine._fast.message cimport message
from engine._fast.plainhead cimport PlainHead, head_end, line_end
from engine.pipeline.context cimport RequestContext
from engine.pipeline.forward cimport Outgoing
from engine.policy.snapshot cimport Endpoint
from engine.proxy.headers cimport status_line
from engine.proxy.heads cimport check_head, check_host
from engine.proxy.lane cimport Lane
from engine.proxy.relay cimport Exchange


cdef PlainHead _plain


cdef class Downstream:
    cdef bytes _address
    cdef str _address_text
    cdef bytearray _ahead
    cdef long _begun
    cdef list _body
    cdef long long _body_size
    cdef object _certificate
    cdef bint _chunked
    cdef bint _close
    cdef bint _complete
    cdef RequestContext _ctx
    cdef Exchange _exchange
    cdef long _fields
    cdef bint _headed
    cdef dict _headers
    cdef bint _http10
    cdef Lane _lane
    cdef long long _length
    cdef bytearray _partial
    cdef bint _paused
    cdef bint _plain
    cdef bytes _query
    cdef long long _seen
    cdef int _stage
    cdef object _told
    cdef object _transport
    cdef object _waiting
    cdef public double deadline
    cdef public object parser

    cdef _hold(self, bytes data)
    cdef _head(self, bytes data)
    cdef _await_head(self)
    cdef _hand_over(self, bytes data, Py_ssize_t end)
    cdef _begin(self, bytes line, Endpoint endpoint, bytes data, Py_ssize_t end)
    cdef bint _take_plain(self, bytes line, bytes data, Py_ssize_t end) except -1
    cdef _decide(self, RequestContext ctx)
    cdef _check_head(self, RequestContext ctx)
    cdef _frame(self, bytes line, bytes data, Py_ssize_t end)
    cdef _keep_rest(self, bytes data, Py_ssize_t size)
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
    cpdef end(self)
    cdef _finish(self)
