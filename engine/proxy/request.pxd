from engine._fast.plainhead cimport PlainHead
from engine.proxy.heads cimport check_head, check_host

cdef PlainHead _plain


cdef class RequestReader:
    cdef readonly dict headers
    cdef public bytes rest
    cdef readonly bint complete
    cdef readonly bint closes
    cdef readonly bint is_http10
    cdef object _parser
    cdef list _parts
    cdef long long _size
    cdef long long _length
    cdef long long _seen
    cdef long _begun
    cdef long _fields
    cdef bint _chunked
    cdef bint _headed
    cdef bint _plain

    cdef _reset(self)
    cpdef bytes take_body(self)
    cpdef bint take_plain(self, bytes line, bytes data, Py_ssize_t end) except -1
    cpdef take(self, bytes line, bytes data, Py_ssize_t end)
    cpdef feed(self, bytes data)
    cpdef check(self, long long most)
    cpdef check_body(self, long long most)
    cdef _keep_rest(self, bytes data, Py_ssize_t size)
