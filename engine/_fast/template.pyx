"""An event that is like an earlier one but for a string: what nearly all events of a stream are.

Theory of operation
    A model's answer comes in events that differ in one JSON string, the next few characters of its text, and at most in
    a running number and a padding beside it. A template is an event's bytes without these: what has the same bytes
    around the inside of a string, or around digits, reads as the same JSON with another string or number. So only what
    stands in these places is read.

Guarantees
    - `text` gives a text only where a strict reader (RFC 8259, as `jsonguard` is one) reads the event as it read the
      template's, with other values in the places that differ. Whatever is not plainly so gives None.
    - Time is linear in the event.

Not handled
    Strings with an escaped character outside of the Basic Multilingual Plane: they give None.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp

from engine._fast.jsonguard_text cimport hex4, is_digit, skip_plain, skip_sequence, unescape

cdef enum:
    MOST_PLACES = 4
    A_TEXT = 0
    A_PADDING
    A_NUMBER

TEXT, PADDING, NUMBER = A_TEXT, A_PADDING, A_NUMBER


cdef const uint8_t *_string_end(const uint8_t *p, const uint8_t *end, bint *escaped) noexcept nogil:
    """Where the string that goes on at `p` ends, at a quote or at `end`; NULL where it is not surely a valid one."""
    cdef uint8_t c
    cdef int unit
    while True:
        p = skip_plain(p, end)
        if p == end or p[0] == 34:
            return p
        c = p[0]
        if c == 92:
            escaped[0] = True
            c = p[1]
            if c == 117:  # u
                unit = hex4(p + 2)
                if unit < 0 or 0xD800 <= unit <= 0xDFFF or end - p < 6:
                    return NULL
                p += 6
                continue
            if end - p < 2 or memchr(b'"\\/bfnrt', c, 8) == NULL:
                return NULL
            p += 2
        elif c >= 0x80:
            p = skip_sequence(p)
            if p == NULL or p > end:
                return NULL
        else:
            return NULL


cdef bytes _unescaped(const uint8_t *p, const uint8_t *end, bint escaped):
    cdef bytes text = PyBytes_FromStringAndSize(<const char *>p, end - p)
    cdef uint8_t *out
    if not escaped:
        return text
    # Never longer than it was.
    out = <uint8_t *>PyBytes_AS_STRING(text)
    return text[:unescape(p, end, out) - out]


def find_text(bytes raw not None, bytes text not None):
    """Where the only JSON string of `raw` stands that reads as `text` (UTF-8): the offsets of its inside, or None."""
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(raw)
    cdef const uint8_t *end = data + PyBytes_GET_SIZE(raw)
    cdef const uint8_t *p = data
    cdef const uint8_t *start
    cdef bint escaped
    found = None
    while True:
        p = <const uint8_t *>memchr(p, 34, end - p)
        if p == NULL:
            return found
        start = p + 1
        escaped = False
        p = _string_end(start, end, &escaped)
        if p == NULL or p == end:
            return None
        if _unescaped(start, p, escaped) == text:
            if found is not None:
                return None
            found = (start - data, p - data)
        p += 1


cdef struct Place:
    int kind
    Py_ssize_t size             # of the bytes before it, as the template has them


cdef class Template:
    """The event `raw` without what stands in `places`: left, right and kind of each, ascending and apart.

    Kinds: TEXT, the inside of a string, exactly one; PADDING, the same, at most one; NUMBER, an integer's digits.
    `padding`: what the last event had in that place (UTF-8); empty where there is none. Raises ValueError for too many.
    """

    cdef bytes _raw                         # all bytes that must be the same, one after the other
    cdef Place _places[MOST_PLACES]
    cdef Py_ssize_t _count
    cdef readonly bytes padding

    def __cinit__(self, bytes raw not None, places):
        cdef Py_ssize_t at = 0
        if len(places) > MOST_PLACES:
            raise ValueError(f"at most {MOST_PLACES} places")
        parts = []
        for left, right, kind in places:
            parts.append(raw[at:left])
            self._places[self._count].kind = kind
            self._places[self._count].size = left - at
            self._count += 1
            at = right
        parts.append(raw[at:])
        self._raw = b"".join(parts)
        self.padding = b""

    def text(self, bytes raw not None):
        """The text (UTF-8) that `raw` has in the template's place, or None where it is not like the template."""
        cdef const uint8_t *p = <const uint8_t *>PyBytes_AS_STRING(raw)
        cdef const uint8_t *end = p + PyBytes_GET_SIZE(raw)
        cdef const uint8_t *same = <const uint8_t *>PyBytes_AS_STRING(self._raw)
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self._raw)
        cdef const uint8_t *start
        cdef Py_ssize_t index, size
        cdef bint escaped
        cdef bytes text = None
        cdef bytes padding = b""
        for index in range(self._count):
            size = self._places[index].size
            if end - p < size or memcmp(p, same, size) != 0:
                return None
            p += size
            same += size
            left -= size
            start = p
            if self._places[index].kind == A_NUMBER:
                while p < end and is_digit(p[0]):
                    p += 1
                # More digits are more than any double holds; none, or a zero before others, are no number.
                if p == start or p - start > 18 or (start[0] == 48 and p - start > 1):
                    return None
                continue
            escaped = False
            p = _string_end(p, end, &escaped)
            if p == NULL:
                return None
            if self._places[index].kind == A_TEXT:
                text = _unescaped(start, p, escaped)
            else:
                padding = _unescaped(start, p, escaped)
        if end - p != left or memcmp(p, same, left) != 0:
            return None
        self.padding = padding
        return text
