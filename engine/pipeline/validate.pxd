from engine.pipeline.context cimport RequestContext


cpdef tuple validate(RequestContext ctx, bytes body)
cpdef check_media(RequestContext ctx)
