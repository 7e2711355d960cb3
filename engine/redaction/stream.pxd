from engine.redaction.answers cimport Walker
from engine.redaction.incremental cimport Incremental


cdef class RedactedStream:
    cdef Walker _walker
    cdef long long _max
    cdef long long _size
    cdef object _splitter
    cdef object _waiting
    cdef dict _channels
    cdef object _template
    cdef _Channel _templated
    cdef _Channel _unlike
    cdef dict _repeated

    cpdef bytes feed(self, bytes chunk)
    cpdef bytes finish(self)
    cdef bint _add_like(self, object event) except -1
    cdef _learn(self, _Waiting waiting)
    cdef _add(self, object event)
    cdef _Channel _channel(self, object piece)
    cdef _redact_rest(self, _Waiting waiting)
    cdef _end(self, tuple begin)
    cdef _check_block(self)
    cdef _release(self, list out)
    cdef _refuse_findings(self, bytes raw)


cdef class _Channel:
    cdef Walker _walker
    cdef dict _repeated
    cdef str _kind
    cdef readonly long long size
    cdef readonly bint ended
    cdef Incremental _text
    cdef list _held
    cdef readonly long long settled
    cdef readonly object edits

    cpdef feed(self, bytes data)
    cpdef end(self)
    cdef _note(self, Incremental text)
    cpdef bytes take(self, bytes data, long long left, long long right)


cdef class _Waiting:
    cdef readonly object event
    cdef public object value
    cdef readonly list pieces
    cdef public bint changed
    cdef public bint bare
    cdef public _Channel channel
    cdef public bytes text
    cdef public long long right

    cpdef bint settled(self) except -1
    cpdef bytes written(self)
    cdef bytes _like_written(self, _Channel channel)


cdef class _Apart:
    cdef readonly object value
