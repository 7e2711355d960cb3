from engine.pipeline.context cimport RequestContext


cpdef bytes sanitize(RequestContext ctx, bytes media, bytes body)
cpdef open_stream(RequestContext ctx, long long max_bytes)
cpdef bytes feed_stream(RequestContext ctx, object stream, bytes chunk)
