from engine.pipeline.context cimport RequestContext
from engine.pipeline.forward cimport Outgoing
from engine.pipeline.phases cimport Pipeline
from engine.pipeline.sanitize cimport check_answer, feed_stream, must_be_whole, open_stream
from engine.pipeline.usage cimport UsageTap, is_counted, read_usage
from engine.proxy.deadlines cimport Sweeper


cdef class Exchange:
    cdef Pipeline _pipeline
    cdef RequestContext _ctx
    cdef Outgoing _out
    cdef object _pool
    cdef object _sink
    cdef Sweeper _sweeper
    cdef public long long max_answer
    cdef public double deadline
    cdef public bint done
    cdef object _connection
    cdef bint _sent
    cdef bint _begun
    cdef bint _paused
    cdef int _status
    cdef long long _size
    cdef bytes _media
    cdef bytes _answer_headers
    cdef list _chunks
    cdef object _stream
    cdef UsageTap _tap
    cdef object _decoder

    cpdef start(self)
    cpdef on_connection(self, connection)
    cpdef on_connect_timeout(self)
    cpdef on_unreachable(self)
    cpdef on_deadline(self, double now)
    cpdef cancel(self)
    cpdef end(self, object refusal)
    cpdef pause(self)
    cpdef resume(self)
    cpdef on_head(self, int status, dict headers)
    cpdef on_data(self, bytes chunk)
    cpdef flush(self)
    cdef _collect(self, bytes chunk)
    cdef bytes _decode(self, object decoder, bytes chunk)
    cpdef on_end(self)
    cpdef on_broken(self, str reason)
    cdef _broken(self, str reason)
    cdef _begin(self, bytes extra)
    cdef _write(self, bytes data)
    cdef _refuse(self, object refusal, object upstream_error=*)
    cdef _drop_connection(self)
    cdef _close(self, int status)
