from engine.pipeline.authorize cimport refusal, take
from engine.pipeline.context cimport RequestContext, Reservation


cpdef Reservation admit(RequestContext ctx, bytes body)
