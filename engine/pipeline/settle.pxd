from engine.pipeline.context cimport RequestContext


cpdef settle(RequestContext ctx, bint sent)
