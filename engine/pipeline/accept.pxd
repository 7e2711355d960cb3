from engine.pipeline.context cimport RequestContext


cpdef accept(RequestContext ctx)
