cdef set _valid_hosts

cpdef check_head(dict headers, long fields, bint is_http10)
cpdef check_host(dict headers, bint is_http10)
