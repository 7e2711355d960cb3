from engine.pipeline.context cimport RequestContext
from engine.pipeline.usage cimport is_counted
from engine.redaction.answers cimport redact_answer


cpdef bint must_be_whole(RequestContext ctx) except -1
cpdef check_answer(RequestContext ctx, bytes body)
cpdef bytes sanitize(RequestContext ctx, bytes media, bytes body)
cpdef tuple sanitize_error(RequestContext ctx, int status, bytes media, bytes body)
cpdef open_stream(RequestContext ctx, long long max_bytes)
cpdef bytes feed_stream(RequestContext ctx, object stream, bytes chunk)
cdef _note(RequestContext ctx, dict findings, str blocked, bytes ahead=*)
