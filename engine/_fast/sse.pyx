"""Server-sent events, cut out of a stream byte for byte (WHATWG HTML, section 9.2).

Theory of operation
    Bytes are kept until an event is whole: with the empty line that ends it. Lines end in CR LF, LF or CR. Of an event
    both are given: its raw bytes, which joined over all events and the rest are the stream again, and the value
    of its `data` lines, joined by LF, and of its last `event` line.

Guarantees
    - However the stream is cut, the events are the same.
    - A byte is looked at once, plus once for each call in which its line is not whole: bounded by
      `max_event` for each call.
    - Of one event never more than `max_event` bytes are kept; a longer one raises EventTooLong.

Not handled
    A CR that is the last byte so far may be half of a CR LF, so the event that it might end waits for the next byte.
"""


from cpython.bytes cimport PyBytes_FromStringAndSize


class EventTooLong(ValueError):
    """An event longer than the bound."""


cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif

    /* The first CR or LF in [p, end), or end. */
    static inline const unsigned char *tg_line_end(const unsigned char *p, const unsigned char *end)
    {
    #if defined(__SSE2__)
        const __m128i cr = _mm_set1_epi8('\\r'), lf = _mm_set1_epi8('\\n');
        while (end - p >= 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)p);
            int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf)));
            if (mask) return p + __builtin_ctz((unsigned)mask);
            p += 16;
        }
    #endif
        while (p < end && *p != '\\r' && *p != '\\n') p++;
        return p;
    }
    """
    const unsigned char *line_end "tg_line_end"(const unsigned char *p, const unsigned char *end) noexcept nogil


cdef class Event:
    """One event. `data` and `event` are None where there is no such line; other fields are in `raw` only.

    Its lines are read when they are asked for: most events of a stream are passed on for their bytes alone.
    """

    cdef readonly bytes raw
    cdef bytes _data
    cdef bytes _event
    cdef bint _first
    cdef bint _is_read

    def __cinit__(self, bytes raw, bint first):
        self.raw = raw
        self._first = first

    @property
    def data(self) -> bytes | None:
        if not self._is_read:
            self._read()
        return self._data

    @property
    def event(self) -> bytes | None:
        if not self._is_read:
            self._read()
        return self._event

    cdef int _read(self) except -1:
        cdef bytes text = self.raw
        cdef bytes value
        self._is_read = True
        if self._first and text[:3] == b"\xef\xbb\xbf":
            text = text[3:]
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for line in text.split(b"\n"):
            if line[:4] == b"data" and line[4:5] in (b":", b""):
                value = _value(line, 5)
                self._data = value if self._data is None else self._data + b"\n" + value
            elif line[:5] == b"event" and line[5:6] in (b":", b""):
                self._event = _value(line, 6)
        return 0


cdef class Splitter:
    """Cuts one stream. `max_event`: bytes."""

    cdef bytes _rest
    cdef Py_ssize_t _scanned
    cdef Py_ssize_t _max
    cdef bint _first

    def __cinit__(self, Py_ssize_t max_event):
        if max_event < 1:
            raise ValueError("max_event: at least 1")
        self._rest = b""
        self._scanned = 0
        self._max = max_event
        self._first = True

    def feed(self, bytes chunk not None) -> list:
        """The events that `chunk` completes. Raises EventTooLong."""
        cdef bytes buffer = self._rest + chunk if self._rest else chunk
        cdef bytes raw
        cdef const unsigned char* data = buffer
        cdef Py_ssize_t size = len(buffer)
        cdef Py_ssize_t begin = 0
        cdef Py_ssize_t line = self._scanned
        cdef Py_ssize_t at = line
        cdef Py_ssize_t end
        events = []
        while True:
            at = line_end(data + at, data + size) - data
            if at == size:
                break
            if data[at] == 13:
                if at + 1 == size:
                    break
                end = at + 2 if data[at + 1] == 10 else at + 1
            else:
                end = at + 1
            if at == line:
                if end - begin > self._max:
                    raise EventTooLong(f"an event of {end - begin} bytes; at most {self._max}")
                # Mostly one event comes in one read.
                raw = buffer if begin == 0 and end == size else PyBytes_FromStringAndSize(<const char *>data + begin, end - begin)
                events.append(self._event(raw))
                begin = end
            line = at = end
        if size - begin > self._max:
            raise EventTooLong(f"an event of more than {self._max} bytes")
        self._rest = b"" if begin == size else buffer[begin:]
        self._scanned = line - begin
        return events

    def finish(self) -> bytes:
        """What is left at the end of the stream: an event that was not ended."""
        rest, self._rest = self._rest, b""
        self._scanned = 0
        return rest

    cdef Event _event(self, bytes raw):
        first, self._first = self._first, False
        return Event(raw, first)


cdef bytes _value(bytes line, Py_ssize_t at):
    if line[at:at + 1] == b" ":
        at += 1
    return line[at:]


def parse(bytes raw not None) -> Event:
    """One event from its raw bytes, which may lack the empty line at its end."""
    return Event(raw, True)
