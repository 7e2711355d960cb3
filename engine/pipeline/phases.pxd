from engine.identity.store cimport KeyCache
from engine.pipeline.accept cimport accept
from engine.pipeline.admit cimport admit
from engine.pipeline.authorize cimport authorize, count_failure, count_unauthenticated
from engine.pipeline.context cimport RequestContext, Reservation
from engine.pipeline.forward cimport forward
from engine.pipeline.identify cimport identify
from engine.pipeline.meters cimport Meters
from engine.pipeline.record cimport record
from engine.pipeline.sanitize cimport sanitize
from engine.pipeline.settle cimport settle
from engine.pipeline.usage cimport ask_for_usage
from engine.pipeline.validate cimport settle_permit, validate
from engine.policy.snapshot cimport Endpoint, Permit, Snapshot
from engine.telemetry.audit cimport AuditWriter


cdef class Pipeline:
    cdef public Snapshot snapshot
    cdef public KeyCache keys
    cdef public object tokens
    cdef public object failures
    cdef public AuditWriter audit
    cdef public Meters meters
    cdef str _prefix
    cdef long _count

    cpdef RequestContext open(
        self, str method, str path, Endpoint endpoint, dict headers, bytes address, str address_text
    )
    cpdef anyone(self, RequestContext ctx)
    cpdef head(self, RequestContext ctx)
    cpdef body(self, RequestContext ctx, bytes body, bytes query=*)
    cdef _check_revoked(self, RequestContext ctx)
    cpdef bytes answer(self, RequestContext ctx, bytes media, bytes body)
    cpdef bytes headers(self, RequestContext ctx, bytes content_type)
    cpdef refuse(self, RequestContext ctx, object refusal)
    cpdef bytes error_event(self, RequestContext ctx, object refusal)
    cpdef close(self, RequestContext ctx, int status, bint sent, long long answer_bytes=*)


cdef _forwarded(RequestContext ctx, Permit permit, Reservation reservation, bytes body, bytes query)
