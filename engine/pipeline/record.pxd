from engine.pipeline.context cimport RequestContext


cpdef bytes audit_line(RequestContext ctx, double seconds)
cpdef record(RequestContext ctx, double seconds, object audit, object meters)
