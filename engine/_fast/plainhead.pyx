"""HTTP/1.1 heads of the plain kind, read in one pass (RFC 9112, RFC 9110 section 5).

Theory of operation
    Nearly every head on a busy connection is plain: fields of a token, a colon and visible text, none of them twice,
    the body framed by a Content-Length. A general parser spends most of its time on telling its user about the pieces.
    This kernel reads plain heads into a dict at once, and says None to everything else: its caller then asks llhttp,
    which stays the judge of all that is not plain. Names that are often seen are taken from a table of objects that
    are there already.

Guarantees
    - What is accepted here is accepted by llhttp in its strict mode too, with the same fields and the same body: this
      is a subset of its grammar, never another one. Tests hold the two against each other.
    - No byte outside of `data` is read. Time and memory are linear in the head.

Not handled, and therefore given to llhttp
    Folded lines, bare CR or LF, space before a colon, bytes beyond ASCII, a field that comes twice, Transfer-Encoding,
    Upgrade, Expect, Trailer, a Connection other than keep-alive, more than MOST_FIELDS fields, a status without a body.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Size
from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp, memset

cdef enum:
    MOST_FIELDS = 64
    LONGEST_NAME = 64
    KNOWN_SLOTS = 256
    # A length of more digits is nobody's body, and 15 of them fit into a signed word of 64 bits.
    MOST_DIGITS = 15

# By byte: what it is in a name, in lower case; 0 where it may not stand there (RFC 9110, section 5.6.2).
cdef uint8_t[256] _token
# By byte: whether it may stand in a plain value: visible ASCII, SP, HTAB (section 5.5, without obs-text).
cdef uint8_t[256] _text

cdef const char *KEEP_ALIVE = b"keep-alive"

cdef list _known_names = [
    b"accept", b"accept-encoding", b"accept-language", b"accept-ranges", b"access-control-expose-headers",
    b"alt-svc", b"anthropic-beta", b"anthropic-organization-id", b"anthropic-version", b"api-key", b"authorization",
    b"cache-control", b"cf-cache-status", b"cf-ray", b"connection", b"content-length", b"content-type", b"cookie",
    b"date", b"forwarded", b"host", b"idempotency-key", b"openai-beta", b"openai-organization",
    b"openai-processing-ms", b"openai-project", b"openai-version", b"origin", b"pragma", b"referer", b"request-id",
    b"retry-after", b"server", b"set-cookie", b"strict-transport-security", b"traceparent", b"tracestate",
    b"user-agent", b"vary", b"via", b"x-api-key", b"x-content-type-options", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-proto", b"x-ratelimit-limit-requests", b"x-ratelimit-limit-tokens",
    b"x-ratelimit-remaining-requests", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-requests",
    b"x-ratelimit-reset-tokens", b"x-real-ip", b"x-request-id", b"x-stainless-arch", b"x-stainless-async",
    b"x-stainless-lang", b"x-stainless-os", b"x-stainless-package-version", b"x-stainless-raw-response",
    b"x-stainless-read-timeout", b"x-stainless-retry-count", b"x-stainless-runtime",
    b"x-stainless-runtime-version", b"x-stainless-timeout",
]
# The same by a hash that is no secret: names that are not here cost an object, nothing else.
cdef PyObject *_slots[KNOWN_SLOTS]

cdef inline unsigned int _slot(const uint8_t *name, Py_ssize_t size) noexcept nogil:
    return (<unsigned int>size * 37 + name[0] * 5 + name[size - 1] * 11 + name[size >> 1] * 3) & (KNOWN_SLOTS - 1)


cdef void _fill_tables() noexcept:
    cdef int c
    cdef bytes name
    for c in range(256):
        _token[c] = 0
        _text[c] = c == 9 or 32 <= c < 127
    for c in b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz":
        _token[c] = <uint8_t>c
    for c in range(65, 91):
        _token[c] = <uint8_t>(c + 32)
    memset(_slots, 0, sizeof(_slots))
    for name in _known_names:
        # Of two names with one slot the later one has it; `_known_names` keeps all of them alive.
        _slots[_slot(<const uint8_t *>PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name))] = <PyObject *>name


_fill_tables()


cdef inline bytes _name(const uint8_t *lower, Py_ssize_t size):
    cdef PyObject *known = _slots[_slot(lower, size)]
    if known != NULL and PyBytes_GET_SIZE(<bytes>known) == size:
        if memcmp(PyBytes_AS_STRING(<bytes>known), lower, size) == 0:
            return <bytes>known
    return PyBytes_FromStringAndSize(<const char *>lower, size)


cpdef Py_ssize_t line_end(bytes data) noexcept:
    """Where the first CR LF stands, -1 where there is none."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef const char *end = start + PyBytes_GET_SIZE(data)
    cdef const char *p = start
    while p < end:
        p = <const char *>memchr(p, 13, end - p)
        if p == NULL:
            return -1
        # The byte behind the last one is the zero that ends every bytes object.
        if p[1] == 10:
            return p - start
        p += 1
    return -1


cpdef Py_ssize_t head_end(bytes data) noexcept:
    """Where the first CR LF CR LF stands, -1 where there is none."""
    cdef const char *start = PyBytes_AS_STRING(data)
    cdef const char *end = start + PyBytes_GET_SIZE(data)
    cdef const char *p = start
    while p < end:
        p = <const char *>memchr(p, 13, end - p)
        if p == NULL or end - p < 4:
            return -1
        if p[1] == 10 and p[2] == 13 and p[3] == 10:
            return p - start
        p += 1
    return -1


cdef class PlainHead:
    """The fields of one head at a time: `fields` by lower-case name, and `length`, the Content-Length among them."""

    def __cinit__(self):
        self.fields = {}
        self.length = -1

    cpdef bint read(self, bytes data, Py_ssize_t start, Py_ssize_t end) except -1:
        """Read what stands between `start`, behind the first line, and `end`, where CR LF CR LF stands.

        False: the head is not plain, or `start` and `end` do not lie within `data`; `fields` are of no use then.
        """
        cdef const uint8_t *base = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef const uint8_t *p
        cdef const uint8_t *stop
        cdef const uint8_t *value
        cdef const uint8_t *value_end
        cdef uint8_t[LONGEST_NAME] lower
        cdef uint8_t c
        cdef Py_ssize_t size, count = 0
        cdef dict fields = {}
        self.length = -1
        if start < 0 or end < start or end + 4 > PyBytes_GET_SIZE(data):
            return False
        p, stop = base + start, base + end
        # The last line's CR is at `stop`, so every loop below meets a byte that ends it within `data`.
        while p < stop:
            count += 1
            if count > MOST_FIELDS:
                return False
            size = 0
            while True:
                c = _token[p[0]]
                if c == 0:
                    break
                if size == LONGEST_NAME:
                    return False
                lower[size] = c
                size += 1
                p += 1
            if size == 0 or p[0] != 58:
                return False
            p += 1
            while p[0] == 32 or p[0] == 9:
                p += 1
            value = p
            while _text[p[0]]:
                p += 1
            if p > stop or p[0] != 13 or p[1] != 10:
                return False
            value_end = p
            while value_end > value and (value_end[-1] == 32 or value_end[-1] == 9):
                value_end -= 1
            p += 2
            if not self._frames(lower, size, value, value_end - value):
                return False
            fields[_name(lower, size)] = PyBytes_FromStringAndSize(<const char *>value, value_end - value)
        self.fields = fields
        # Fewer than came: one of them came twice.
        return self.length >= 0 and PyDict_Size(fields) == count

    cdef bint _frames(self, const uint8_t *name, Py_ssize_t size, const uint8_t *value, Py_ssize_t value_size) noexcept:
        """Take note of a field that frames the body. False: one that only llhttp is to judge."""
        cdef Py_ssize_t index, length = 0
        # Few names begin with one of these letters, so that most are passed by at the first look.
        if name[0] == 99:
            if size == 14 and memcmp(name, b"content-length", 14) == 0:
                if value_size == 0 or value_size > MOST_DIGITS:
                    return False
                for index in range(value_size):
                    if not 48 <= value[index] <= 57:
                        return False
                    length = length * 10 + value[index] - 48
                self.length = length
            elif size == 10 and memcmp(name, b"connection", 10) == 0:
                if value_size != 10:
                    return False
                for index in range(10):
                    if (value[index] | 0x20 if 65 <= value[index] <= 90 else value[index]) != KEEP_ALIVE[index]:
                        return False
        elif name[0] == 116:
            return not (size == 17 and memcmp(name, b"transfer-encoding", 17) == 0
                        or size == 7 and memcmp(name, b"trailer", 7) == 0)
        elif name[0] == 117:
            return not (size == 7 and memcmp(name, b"upgrade", 7) == 0)
        elif name[0] == 101:
            return not (size == 6 and memcmp(name, b"expect", 6) == 0)
        elif name[0] == 112:
            return not (size == 16 and memcmp(name, b"proxy-connection", 16) == 0)
        return True


cpdef int plain_status(bytes data, Py_ssize_t start) noexcept:
    """The status in an answer's first line, `start` bytes long with its CR LF; 0 where only llhttp is to judge.

    Only a status whose answer has a body is plain: not 1xx, 204, 205, 304.
    """
    cdef const uint8_t *p = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t i
    cdef int status
    if start < 15 or start > PyBytes_GET_SIZE(data) or memcmp(p, b"HTTP/1.1 ", 9) != 0:
        return 0
    if not (50 <= p[9] <= 53 and 48 <= p[10] <= 57 and 48 <= p[11] <= 57 and p[12] == 32):
        return 0
    for i in range(13, start - 2):
        # The reason phrase: visible ASCII and spaces.
        if p[i] < 32 or p[i] > 126:
            return 0
    status = (p[9] - 48) * 100 + (p[10] - 48) * 10 + p[11] - 48
    return 0 if status == 204 or status == 205 or status == 304 else status
