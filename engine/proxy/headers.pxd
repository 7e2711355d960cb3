cdef class Clock:
    cdef bytes _line
    cdef long long _second

    cpdef bytes line(self)


cpdef bytes status_line(int status)
