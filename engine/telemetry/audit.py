"""The worker's end of the audit log.

Concept. A request's line is copied into the worker's ring, a few tens of nanoseconds, and is from then on safe from the
death of the worker and of the supervisor, which writes it to the file (`engine.telemetry.sink`).

Rules. A line is one JSON object as UTF-8 without a newline, which the ring adds. Before a request is admitted
`has_room` is asked; it turns False while half of the ring is still free, so that the requests under way keep their
records.

Failure modes. When the file cannot be written the ring fills, `has_room` turns False and new requests must be refused:
the log fails closed. A line that finds no room at all is lost, `write` says so by False, and it is counted in the ring
and shown as `tidegate_audit_lost_total`.
"""

from __future__ import annotations

from engine._fast.ring import Ring
from engine.telemetry.rings import attach_producer


class AuditWriter:
    """Writes lines to a ring whose ending is a newline."""

    __slots__ = ("_ring",)

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    @classmethod
    def attach(cls, fd: int) -> AuditWriter:
        """The writer on the ring file of an inherited descriptor, which must stay open. Raises RingError."""
        return cls(attach_producer(fd))

    def write(self, line: bytes) -> bool:
        """Writes a line. False: no room, it is lost and counted. ValueError: above 1 MiB."""
        return self._ring.put(line)

    def has_room(self) -> bool:
        """Whether a new request may be admitted."""
        return self._ring.has_room()
