from engine._fast.jsonline cimport Line
from engine.pipeline.context cimport RequestContext
from engine.pipeline.meters cimport Meters
from engine.telemetry.audit cimport AuditWriter


cdef class _Clock:
    cdef bytes _prefix
    cdef long long _second

    cdef write(self, long long now_ns)


cdef dict _controls_texts
cdef Line _line
cdef _Clock _clock

cdef _text(bytes member, str text)
cdef bytes _controls(RequestContext ctx)

cpdef bytes audit_line(RequestContext ctx, double seconds)
cpdef record(RequestContext ctx, double seconds, AuditWriter audit, Meters meters)
