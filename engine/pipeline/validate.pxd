from engine.pipeline.context cimport RequestContext
from engine.policy.snapshot cimport Permit
from engine.validation.decode cimport decode, decode_named, guard


cpdef tuple validate(RequestContext ctx, bytes body)
cpdef check_media(RequestContext ctx)
cpdef Permit settle_permit(RequestContext ctx, Permit permit)
cdef bytes _settle_parameters(Permit permit, bytes body)
