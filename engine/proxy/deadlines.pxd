cdef class Sweeper:
    cdef object _handle
    cdef object _loop
    cdef public set items
    cdef public double now
