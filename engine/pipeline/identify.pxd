from engine.pipeline.context cimport RequestContext


cpdef credential(object headers)
cpdef identify(RequestContext ctx, object keys)
