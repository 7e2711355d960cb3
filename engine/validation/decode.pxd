cpdef guard(bytes body, object bounds)
cpdef decode(str endpoint, bytes body, object bounds)
cpdef tuple decode_named(bytes body, object bounds)
