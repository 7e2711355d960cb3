from engine.pipeline.context cimport RequestContext, Reservation


cpdef forward(RequestContext ctx, object permit, Reservation reservation, bytes body, bytes target_query=*)
cpdef bytes request_head(RequestContext ctx, object permit, bytes method, bytes target_query)
