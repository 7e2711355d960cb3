cpdef Py_ssize_t line_end(bytes data) noexcept
cpdef Py_ssize_t head_end(bytes data) noexcept
cpdef dict plain_fields(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef Py_ssize_t plain_length(dict fields) except -2
cpdef int plain_status(bytes data, Py_ssize_t start) noexcept
