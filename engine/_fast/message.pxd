cpdef bytes message(tuple parts, bytes body, bint closes)
