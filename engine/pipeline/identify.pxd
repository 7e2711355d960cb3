from engine.pipeline.context cimport RequestContext


cpdef credential(RequestContext ctx)
cpdef identify(RequestContext ctx, object keys, object tokens)
cdef _by_key(RequestContext ctx, object keys, bytes token, double now_s, bint alone)
cdef _by_certificate(RequestContext ctx, object certificate)
cdef _admit(RequestContext ctx, object principal)
