cdef dict _LINES


cdef class Clock:
    cdef long long _second
    cdef readonly double deadline
    cdef readonly bytes line

    cpdef on_deadline(self, double now)


cpdef bytes status_line(int status)
