from engine._fast.ring cimport Ring


cdef class AuditWriter:
    cdef Ring _ring

    cpdef bint write(self, bytes line) except -1
    cpdef bint has_room(self) except -1
