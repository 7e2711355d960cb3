from engine.identity.principal cimport Principal
from engine.identity.store cimport KeyCache
from engine.pipeline.context cimport RequestContext


cpdef bytes credential(RequestContext ctx)
cpdef identify(RequestContext ctx, KeyCache keys, object tokens)
cdef Principal _by_key(RequestContext ctx, KeyCache keys, bytes token, double now_s, bint alone)
cdef Principal _by_certificate(RequestContext ctx, object certificate)
cdef Principal _admit(RequestContext ctx, Principal principal)
