from engine.pipeline.context cimport RequestContext


cpdef take(RequestContext ctx, object bound, long long now_ns)
cpdef refusal(RequestContext ctx, object denied)
cpdef authorize(RequestContext ctx, object principal)
cpdef count_unauthenticated(RequestContext ctx)
cpdef double count_failure(RequestContext ctx, object failures) except -1
