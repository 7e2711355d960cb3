from engine.identity.principal cimport Principal
from engine.pipeline.context cimport RequestContext


cpdef take(RequestContext ctx, object bound, long long now_ns)
cpdef refusal(RequestContext ctx, object denied)
cpdef authorize(RequestContext ctx, Principal principal)
cpdef count_unauthenticated(RequestContext ctx)
cpdef tuple count_failure(RequestContext ctx, object failures, object refusal)
