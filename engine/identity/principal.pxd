cdef class Principal:
    cdef readonly str subject
    cdef readonly str key_id
    cdef readonly str team
    cdef readonly tuple roles
    cdef readonly object expires_at
    cdef readonly str source
    cdef readonly tuple models
    cdef readonly tuple addresses
    cdef readonly bytes certificate
    cdef readonly tuple limits
