cdef class UpstreamConfig:
    cdef readonly str name
    cdef readonly str scheme
    cdef readonly str host
    cdef readonly long port
    cdef readonly bytes authority
    cdef readonly bytes path_prefix
    cdef readonly str dialect
    cdef readonly str api_key
    cdef readonly double connect_timeout
    cdef readonly double first_byte_timeout
    cdef readonly double idle_timeout
    cdef readonly long max_connections
    cdef readonly object ca_file
    cdef readonly bytes fixed_fields


cdef class ModelTarget:
    cdef readonly str name
    cdef readonly UpstreamConfig upstream
    cdef readonly object price
    cdef readonly object tariff
    cdef readonly long long default_output


cdef class ModelTable:
    cdef readonly tuple names
    cdef readonly dict _known
    cdef list _globs

    cpdef ModelTarget find(self, str name)
