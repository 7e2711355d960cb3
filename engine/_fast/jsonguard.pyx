"""One strict pass over a JSON text (RFC 8259): is there exactly one way to read it?

Theory of operation
    A reader without recursion walks the bytes once. Open arrays and objects stand on an explicit stack of frames, which
    begins on the C stack and moves to the heap when it grows. Runs of plain characters inside a string are skipped 16
    bytes at a time (SSE2; 8 at a time in a general register elsewhere); everything else is looked at byte by byte.

    The keys of all open objects stand on a second stack. An object of up to 16 keys
    compares a new key with each earlier one (length and first eight bytes, then the rest), which beats any hash at that
    size. From the 17th key on it gets an open-addressing table of SipHash-2-4 values under a key drawn at import, so
    that a sender cannot choose keys that collide; the table doubles at half load. Keys are compared as they read after
    unescaping, and bytes are compared whenever hashes agree: a duplicate is never guessed.

Guarantees
    - Refused, with the reason, the byte offset and the path: text that is not RFC 8259 JSON; a byte order mark; bytes
      after the value; NaN and Infinity; invalid UTF-8 (overlong forms, encoded surrogates, beyond U+10FFFF); control
      characters in a string; an escape that is an unpaired surrogate; the same key twice in one object; nesting deeper
      than the bound; a number, integers too, whose nearest double is infinite.
    - Time is linear in the length of the text. So is memory: below 16 times the length of the text, which only an
      object of very many short keys comes near, and 120 bytes for each level of nesting.
    - No global state is written after import: safe from several threads.

Not handled
    Precision (1e-400 is zero to a double, 2**53 + 1 is not itself) is the consumer's business. Texts of 4 GiB and more
    are refused. Unicode normalization is not applied: two keys that differ in bytes are two keys (RFC 8259, 8.3).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from engine._fast.jsonguard_keys cimport (
    KEY_ADDED,
    KEY_DUPLICATE,
    Frame,
    KeyStatus,
    Stacks,
    add_key,
    begin_stacks,
    close_frame,
    open_frame,
    path_of,
    release_stacks,
)
from engine._fast.jsonguard_text cimport hex4, is_digit, overflows, skip_plain, skip_sequence, skip_space, unescape

from os import urandom


cdef extern from "Python.h":
    # Declared over raw pointers: a resize may move the object and wants the only reference.
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *data_of "PyBytes_AS_STRING"(PyObject *data)
    int resize_bytes "_PyBytes_Resize"(PyObject **data, Py_ssize_t size) except -1
    void Py_XDECREF(PyObject *data)

cdef enum:
    SEPARATOR_SIZE = 3
    MOST_NAMES = 8

cdef enum Fault:
    NO_FAULT
    NO_MEMORY
    EMPTY
    MARK
    TRUNCATED
    TRAILING
    NOT_FINITE
    LEADING_ZERO
    NUMBER
    OVERFLOW
    DEPTH
    DUPLICATE
    UTF8
    CONTROL
    ESCAPE
    SURROGATE
    KEY_EXPECTED
    COLON_EXPECTED
    COMMA_EXPECTED
    VALUE_EXPECTED
    TOO_LONG

_REASONS = {
    EMPTY: "the body is empty",
    MARK: "byte order mark",
    TRUNCATED: "unexpected end of the body",
    TRAILING: "trailing bytes after the value",
    NOT_FINITE: "NaN and Infinity are not JSON",
    LEADING_ZERO: "number with a leading zero",
    NUMBER: "malformed number",
    OVERFLOW: "number out of the range of a double",
    DEPTH: "nested too deeply",
    DUPLICATE: "duplicate key",
    UTF8: "invalid UTF-8",
    CONTROL: "unescaped control character in a string",
    ESCAPE: "malformed escape sequence",
    SURROGATE: "unpaired surrogate escape",
    KEY_EXPECTED: "expected a key in double quotes",
    COLON_EXPECTED: "expected a colon",
    COMMA_EXPECTED: "expected a comma or a closing bracket",
    VALUE_EXPECTED: "expected a value",
    TOO_LONG: "longer than 4 GiB",
}


cdef struct Names:
    const uint8_t *texts[MOST_NAMES]
    int64_t sizes[MOST_NAMES]
    int64_t count
    uint64_t found              # a bit for each


cdef struct Reader:
    const uint8_t *start
    const uint8_t *end          # the byte here is the zero that ends every bytes object
    const uint8_t *at           # on a fault: where
    Fault fault
    bint escaped                # the string just read has a backslash
    uint64_t max_depth
    uint8_t *out                # texts(): where the next string goes
    Names *names                # texts(): the keys that are asked for, or NULL
    Stacks stacks


cdef uint64_t _hash_key[2]
cdef bytes _entropy = urandom(16)
memcpy(_hash_key, PyBytes_AS_STRING(_entropy), 16)

# The smallest number that rounds to infinity: half a unit above the largest double. A tie goes to the even, 2**1024.
cdef bytes _OVERFLOW_DIGITS = str((1 << 1024) - (1 << 970)).encode()
cdef const uint8_t *_overflow_digits = <const uint8_t *>PyBytes_AS_STRING(_OVERFLOW_DIGITS)
cdef uint64_t _overflow_size = <uint64_t>PyBytes_GET_SIZE(_OVERFLOW_DIGITS)


class GuardError(ValueError):
    """The text has no single strict reading.

    reason: what is wrong, one of a fixed set of phrases without any text of the body.
    offset: byte offset into the body.
    path: keys (str) and indexes (int) that lead to the place; where the reason is a duplicate key, it ends in that key.
    """

    def __init__(self, reason: str, offset: int, path: tuple = ()):
        super().__init__(f"{reason} at byte {offset}")
        self.reason = reason
        self.offset = offset
        self.path = path

    def __reduce__(self):
        return type(self), (self.reason, self.offset, self.path)


cdef inline const uint8_t *_fail(Reader *r, Fault fault, const uint8_t *at) noexcept nogil:
    r.fault = fault
    r.at = at
    return NULL


cdef inline const uint8_t *_fail_at(Reader *r, Fault fault, const uint8_t *at) noexcept nogil:
    """A fault where something else was expected: at the end of the body that is truncation."""
    return _fail(r, TRUNCATED if at >= r.end else fault, at)


cdef const uint8_t *_skip_escape(Reader *r, const uint8_t *p) noexcept nogil:
    """Past the escape sequence at the backslash `p`; a surrogate pair counts as one."""
    cdef int unit, second
    cdef uint8_t c = p[1]
    if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:  # "\/bfnrt
        return p + 2
    if c != 117:  # u
        return _fail_at(r, ESCAPE, p if p + 1 < r.end else r.end)
    unit = hex4(p + 2)
    if unit < 0:
        return _fail(r, ESCAPE, p)
    if unit < 0xD800 or unit > 0xDFFF:
        return p + 6
    if unit > 0xDBFF or p[6] != 92 or p[7] != 117:
        return _fail(r, SURROGATE, p)
    second = hex4(p + 8)
    if second < 0xDC00 or second > 0xDFFF:
        return _fail(r, SURROGATE, p)
    return p + 12


cdef const uint8_t *_read_string(Reader *r, const uint8_t *p) noexcept nogil:
    """Check the string whose opening quote is before `p`; the result is past its closing quote."""
    cdef uint8_t c
    cdef const uint8_t *next_
    r.escaped = False
    while True:
        p = skip_plain(p, r.end)
        c = p[0]
        if c == 34:
            return p + 1
        if c == 92:
            r.escaped = True
            p = _skip_escape(r, p)
            if p == NULL:
                return NULL
        elif c >= 0x80:
            # A text that is not English rarely has one such character alone.
            while c >= 0x80:
                next_ = skip_sequence(p)
                if next_ == NULL:
                    return _fail(r, UTF8, p)
                p = next_
                c = p[0]
        else:
            return _fail_at(r, CONTROL, p)


cdef const uint8_t *_read_number(Reader *r, const uint8_t *p) noexcept nogil:
    """Past the number that begins at `p` (a digit or a minus sign)."""
    cdef const uint8_t *start = p
    cdef bint exponent = False
    if p[0] == 45:
        p += 1
        if not is_digit(p[0]):
            return _fail_at(r, NOT_FINITE if p[0] == 73 else NUMBER, p)
    if p[0] == 48:
        p += 1
        if is_digit(p[0]):
            return _fail(r, LEADING_ZERO, start)
    else:
        while is_digit(p[0]):
            p += 1
    if p[0] == 46:
        p += 1
        if not is_digit(p[0]):
            return _fail_at(r, NUMBER, p)
        while is_digit(p[0]):
            p += 1
    if p[0] | 0x20 == 101:
        exponent = True
        p += 1
        if p[0] == 43 or p[0] == 45:
            p += 1
        if not is_digit(p[0]):
            return _fail_at(r, NUMBER, p)
        while is_digit(p[0]):
            p += 1
    # Without an exponent it takes 309 digits to reach the largest double.
    if (exponent or p - start > 308) and overflows(start, p, _overflow_digits, _overflow_size):
        return _fail(r, OVERFLOW, start)
    return p


cdef inline void _emit(Reader *r, const uint8_t *p, const uint8_t *end) noexcept nogil:
    """texts(): write the checked string in [p, end) and the separator."""
    if r.escaped:
        r.out = unescape(p, end, r.out)
    else:
        memcpy(r.out, p, end - p)
        r.out += end - p
    r.out[0] = 10
    r.out[1] = 0
    r.out[2] = 10
    r.out += SEPARATOR_SIZE


cdef inline void _note_name(Names *names, const uint8_t *key, int64_t size) noexcept nogil:
    cdef int64_t index
    for index in range(names.count):
        if names.sizes[index] == size and memcmp(names.texts[index], key, size) == 0:
            names.found |= <uint64_t>1 << index


cdef inline bint _names_a_count(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Whether a key names a token count: lower-case letters and "_", "_tokens" or "_tokens_details" last."""
    cdef const uint8_t *last = end
    if end - p > 8 and end[-1] == 115 and memcmp(end - 8, b"_details", 8) == 0:
        last = end - 8
    if last - p < 7 or memcmp(last - 7, b"_tokens", 7) != 0:
        return False
    while p < last:
        if not (97 <= p[0] <= 122 or p[0] == 95):
            return False
        p += 1
    return True


cdef const uint8_t *_read_key(Reader *r, const uint8_t *p) noexcept nogil:
    """Read a key, from its opening quote, and the colon; the result is where its value may begin."""
    cdef const uint8_t *start = p + 1
    cdef const uint8_t *written
    cdef KeyStatus status
    if p[0] != 34:
        return _fail_at(r, KEY_EXPECTED, p)
    p = _read_string(r, start)
    if p == NULL:
        return NULL
    status = add_key(&r.stacks, start, p - 1, r.escaped)
    if status != KEY_ADDED:
        return _fail(r, DUPLICATE if status == KEY_DUPLICATE else NO_MEMORY, start - 1)
    if r.out != NULL and not _names_a_count(start, p - 1):
        written = r.out
        _emit(r, start, p - 1)
        if r.names != NULL:
            _note_name(r.names, written, r.out - written - SEPARATOR_SIZE)
    if p[0] != 58:
        p = skip_space(p)
        if p[0] != 58:
            return _fail_at(r, COLON_EXPECTED, p)
    return p + 1


cdef inline const uint8_t *_read_word(Reader *r, const uint8_t *p, const char *word, int64_t size) noexcept nogil:
    if r.end - p >= size and memcmp(p, word, size) == 0:
        return p + size
    return _fail(r, VALUE_EXPECTED, p)


cdef const uint8_t *_read(Reader *r) noexcept nogil:
    """Read the one value that the body is. NULL on a fault."""
    cdef const uint8_t *p = r.start
    cdef const uint8_t *start
    cdef bint may_close = False     # after "[": an element or the end may follow
    cdef uint8_t c
    cdef Frame *frame
    if r.end - p >= 3 and p[0] == 0xEF and p[1] == 0xBB and p[2] == 0xBF:
        return _fail(r, MARK, p)
    if skip_space(p) == r.end:
        return _fail(r, EMPTY, p)
    while True:
        # A value.
        p = skip_space(p)
        c = p[0]
        if c == 34:
            start = p + 1
            p = _read_string(r, start)
            if p != NULL and r.out != NULL:
                _emit(r, start, p - 1)
        elif c == 123 or c == 91:
            if r.stacks.depth >= r.max_depth:
                return _fail(r, DEPTH, p)
            if not open_frame(&r.stacks, c == 123):
                return _fail(r, NO_MEMORY, p)
            may_close = c == 91
            p += 1
            if not may_close:
                p = skip_space(p)
                if p[0] != 125:
                    p = _read_key(r, p)
                    if p == NULL:
                        return NULL
                    continue
                close_frame(&r.stacks)
                p += 1
            else:
                continue
        elif c == 45 or is_digit(c):
            p = _read_number(r, p)
        elif c == 116:
            p = _read_word(r, p, "true", 4)
        elif c == 102:
            p = _read_word(r, p, "false", 5)
        elif c == 110:
            p = _read_word(r, p, "null", 4)
        elif c == 93 and may_close:
            close_frame(&r.stacks)
            p += 1
        elif c == 78 or c == 73:  # NaN, Infinity
            return _fail(r, NOT_FINITE, p)
        else:
            return _fail_at(r, VALUE_EXPECTED, p)
        if p == NULL:
            return NULL
        may_close = False
        # What follows a value: the ends of the containers that it completes, then a comma or the end of the body.
        while True:
            p = skip_space(p)
            if r.stacks.depth == 0:
                return p if p == r.end else _fail(r, TRAILING, p)
            c = p[0]
            frame = r.stacks.frames + r.stacks.depth - 1
            if c == 44:
                p += 1
                if frame.is_object:
                    p = _read_key(r, skip_space(p))
                    if p == NULL:
                        return NULL
                else:
                    frame.count += 1
                break
            if c != (125 if frame.is_object else 93):
                return _fail_at(r, COMMA_EXPECTED, p)
            close_frame(&r.stacks)
            p += 1


cdef int _begin(Reader *r, bytes body, Py_ssize_t max_depth) except -1:
    if max_depth < 0:
        raise ValueError("max_depth must not be negative")
    if PyBytes_GET_SIZE(body) > 0xFFFFFFFF:  # the tables of keys hold 32-bit indexes
        raise GuardError(_REASONS[TOO_LONG], 0)
    r.start = <const uint8_t *>PyBytes_AS_STRING(body)
    r.end = r.start + PyBytes_GET_SIZE(body)
    r.at = NULL
    r.fault = NO_FAULT
    r.escaped = False
    r.max_depth = max_depth
    r.out = NULL
    r.names = NULL
    begin_stacks(&r.stacks, PyBytes_GET_SIZE(body), _hash_key[0], _hash_key[1])
    return 0


cdef object _error(Reader *r):
    """The exception of the fault, with the path that the stacks still hold."""
    if r.fault == NO_MEMORY:
        return MemoryError()
    return GuardError(_REASONS[r.fault], r.at - r.start, tuple(path_of(&r.stacks)))


def check(bytes body not None, Py_ssize_t max_depth):
    """Raise GuardError unless `body` is one strict JSON text (RFC 8259), nested no deeper than `max_depth`.

    Depth counts arrays and objects: a scalar has 0, ``[]`` has 1. What else is refused stands in the head of this
    module, under its guarantees.
    """
    cdef Reader r
    _begin(&r, body, max_depth)
    try:
        if _read(&r) == NULL:
            raise _error(&r)
    finally:
        release_stacks(&r.stacks)


def texts(bytes body not None, Py_ssize_t max_depth=1024):
    """Every string of `body`, keys too, unescaped, as UTF-8, in their order, each followed by b"\n\0\n".

    Left out are keys of lower-case letters and "_" that end in "_tokens" or "_tokens_details": every dialect counts
    under such names in every answer, and "token" is a word that searches for secrets stop at.

    The reading is that of `check`, with the same errors. The default depth is where orjson ends too. The separator
    stands between any two strings so that no search finds a match that runs from one into the next by chance; a
    string may contain it, so it is no framing.
    """
    return _texts(body, max_depth, NULL)


def texts_and_names(bytes body not None, Py_ssize_t max_depth, tuple names not None):
    """`texts`, and which of up to eight `names` (bytes) are keys of `body`: a bit for each, the first one lowest."""
    cdef Names asked
    cdef Py_ssize_t index
    if len(names) > MOST_NAMES:
        raise ValueError(f"at most {MOST_NAMES} names")
    asked.count = len(names)
    asked.found = 0
    for index in range(asked.count):
        name = <bytes?>names[index]
        asked.texts[index] = <const uint8_t *>PyBytes_AS_STRING(name)
        asked.sizes[index] = PyBytes_GET_SIZE(name)
    found = _texts(body, max_depth, &asked)
    return found, asked.found


cdef bytes _texts(bytes body, Py_ssize_t max_depth, Names *names):
    cdef Reader r
    cdef PyObject *found
    _begin(&r, body, max_depth)
    r.names = names
    # A string takes two quotes and, but for one alone, a comma, colon or bracket: never less than its separator.
    found = new_bytes(NULL, PyBytes_GET_SIZE(body) + SEPARATOR_SIZE)
    try:
        r.out = <uint8_t *>data_of(found)
        if _read(&r) == NULL:
            raise _error(&r)
        resize_bytes(&found, r.out - <uint8_t *>data_of(found))
        return <object>found
    finally:
        release_stacks(&r.stacks)
        Py_XDECREF(found)  # the result has a reference of its own; a failed resize leaves NULL
