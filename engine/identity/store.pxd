cimport cython

from engine._fast.fingerprint cimport Fingerprint
from engine.identity.principal cimport Principal


cdef class KeyCache:
    cdef object _connection
    cdef object _data_version
    cdef object _file
    cdef Fingerprint _fingerprint
    cdef object _folder
    cdef readonly dict _known
    cdef object _revision
    cdef unsigned long long _seen
    cdef bint _shared
    cdef bint _trusted
    cdef readonly set _unknown
    cdef set _used
    cdef const unsigned long long[:] _word
    cdef readonly long long generation

    @cython.locals(principal=Principal)
    cpdef Principal lookup(self, object token, double now_s)
    cpdef long long follow(self) except -1
    cpdef _forget(self)
    cdef Principal _read(self, bytes token, bytes known_by)
