"""One strict pass over a JSON text (RFC 8259): is there exactly one way to read it?

Theory of operation
    A reader without recursion walks the bytes once. Open arrays and objects stand on an explicit stack of frames, which
    begins on the C stack and moves to the heap when it grows. Runs of plain characters inside a string are skipped 16
    bytes at a time (SSE2; 8 at a time in a general register elsewhere); everything else is looked at byte by byte.

    The keys of all open objects stand on one second stack: a nested object pushes its keys above those of its parent
    and is gone before the parent continues, so the keys of an object are always contiguous. An object of up to 16 keys
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
    are refused. Unicode normalization is not applied: two keys that differ in bytes are two keys, as RFC 8259 8.3 has it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from os import urandom


cdef extern from "Python.h":
    # Declared over raw pointers: a resize may move the object and wants the only reference.
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *data_of "PyBytes_AS_STRING"(PyObject *data)
    int resize_bytes "_PyBytes_Resize"(PyObject **data, Py_ssize_t size) except -1

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif

    /* The first byte in [p, end) that a string cannot simply contain: a quote, a backslash, a control character or a
       byte of a longer UTF-8 sequence. `end` when there is none. */
    static inline const uint8_t *tg_skip_plain(const uint8_t *p, const uint8_t *end)
    {
    #if defined(__SSE2__)
        /* As signed bytes, "below 0x20" is both the control characters and everything from 0x80 up. */
        const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\\\');
        while (end - p >= 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)p);
            __m128i stop = _mm_or_si128(_mm_cmplt_epi8(block, space),
                                        _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
            int mask = _mm_movemask_epi8(stop);
            if (mask) return p + __builtin_ctz((unsigned)mask);
            p += 16;
        }
    #else
        const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
        while (end - p >= 8) {
            uint64_t block, quote, backslash;
            memcpy(&block, p, 8);
            quote = block ^ (ones * '"');
            backslash = block ^ (ones * '\\\\');
            /* A borrow can only mark a byte above one that is itself marked: "is there any" is exact. */
            if (((block - ones * 0x20) | (quote - ones) | (backslash - ones) | block) & highs) break;
            p += 8;
        }
    #endif
        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\\\') p++;
        return p;
    }

    /* The first eight bytes of a key, zero-filled: exact for keys of up to eight bytes, a filter for longer ones. */
    static inline uint64_t tg_head(const uint8_t *p, uint64_t size)
    {
        uint64_t word = 0;
        memcpy(&word, p, size < 8 ? size : 8);
        return word;
    }

    #define TG_ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
    #define TG_SIPROUND do { \
        v0 += v1; v1 = TG_ROTL(v1, 13); v1 ^= v0; v0 = TG_ROTL(v0, 32); \
        v2 += v3; v3 = TG_ROTL(v3, 16); v3 ^= v2; \
        v0 += v3; v3 = TG_ROTL(v3, 21); v3 ^= v0; \
        v2 += v1; v1 = TG_ROTL(v1, 17); v1 ^= v2; v2 = TG_ROTL(v2, 32); } while (0)

    /* SipHash-2-4 (Aumasson, Bernstein 2012). Words are taken in the machine's order: the value never leaves it. */
    static uint64_t tg_siphash(const uint8_t *p, uint64_t size, const uint64_t key[2])
    {
        uint64_t v0 = key[0] ^ 0x736f6d6570736575u, v1 = key[1] ^ 0x646f72616e646f6du;
        uint64_t v2 = key[0] ^ 0x6c7967656e657261u, v3 = key[1] ^ 0x7465646279746573u;
        uint64_t left = size, word;
        for (; left >= 8; p += 8, left -= 8) {
            memcpy(&word, p, 8);
            v3 ^= word; TG_SIPROUND; TG_SIPROUND; v0 ^= word;
        }
        word = tg_head(p, left) ^ (size << 56);
        v3 ^= word; TG_SIPROUND; TG_SIPROUND; v0 ^= word;
        v2 ^= 0xff;
        TG_SIPROUND; TG_SIPROUND; TG_SIPROUND; TG_SIPROUND;
        return v0 ^ v1 ^ v2 ^ v3;
    }
    """
    const uint8_t *skip_plain "tg_skip_plain"(const uint8_t *p, const uint8_t *end) noexcept nogil
    uint64_t head_of "tg_head"(const uint8_t *p, uint64_t size) noexcept nogil
    uint64_t siphash "tg_siphash"(const uint8_t *p, uint64_t size, const uint64_t *key) noexcept nogil


cdef enum:
    INLINE_FRAMES = 32      # deeper than any request of an SDK; beyond it the stack moves to the heap
    INLINE_KEYS = 96        # keys of all open objects at once, likewise
    PAIRWISE_KEYS = 16      # up to here comparing with every earlier key is cheaper than hashing
    FIRST_TABLE = 64        # slots of a fresh table: the 17 keys that made it necessary, at a quarter load
    SEPARATOR_SIZE = 3
    EXPONENT_CAP = 1000000000000000     # saturates far outside every text's length, far inside int64

cdef enum Fault:
    NO_FAULT
    NO_MEMORY
    EMPTY
    MARK
    TRUNCATED
    CHARACTER
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
    CHARACTER: "unexpected character",
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


cdef struct Key:
    const uint8_t *text         # unescaped, in the body or in the arena
    uint64_t size
    uint64_t mark               # first eight bytes, or the SipHash once the object has a table

cdef struct Frame:
    uint64_t base               # object: index of its first key
    uint64_t count              # array: index of the element being read
    uint32_t *table             # object with many keys: 1 + (index - base), 0 is free
    uint64_t mask               # slots of the table - 1
    bint is_object

cdef struct Reader:
    const uint8_t *start
    const uint8_t *end          # the byte here is the zero that ends every bytes object: no look-ahead needs a bound
    const uint8_t *at           # on a fault: where
    Fault fault
    bint escaped                # the string just read has a backslash
    uint64_t max_depth
    Frame *frames
    uint64_t depth
    uint64_t frame_room
    Key *keys
    uint64_t key_count
    uint64_t key_room
    uint8_t *arena              # unescaped keys; as long as the body, made when the first is met
    uint8_t *arena_next
    uint8_t *out                # texts(): where the next string goes
    Frame inline_frames[INLINE_FRAMES]
    Key inline_keys[INLINE_KEYS]


cdef uint64_t _hash_key[2]
cdef bytes _entropy = urandom(16)
memcpy(_hash_key, PyBytes_AS_STRING(_entropy), 16)

# The smallest number that rounds to infinity: half a unit above the largest double, which ties to even, which is 2**1024.
cdef bytes _OVERFLOW_DIGITS = str((1 << 1024) - (1 << 970)).encode()
cdef const uint8_t *_overflow_digits = <const uint8_t *>PyBytes_AS_STRING(_OVERFLOW_DIGITS)
cdef uint64_t _overflow_size = <uint64_t>PyBytes_GET_SIZE(_OVERFLOW_DIGITS)


class GuardError(ValueError):
    """The text has no single strict reading.

    reason: what is wrong, one of a fixed set of phrases without any text of the body.
    offset: byte offset into the body.
    path: keys (str) and indexes (int) that lead to the place; its last item is the duplicate key, where that is the reason.
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


cdef inline bint _is_digit(uint8_t c) noexcept nogil:
    return 48 <= c <= 57


cdef inline int _hex_digit(uint8_t c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 0x20
    if 97 <= c <= 102:
        return c - 87
    return -1


cdef int _hex4(const uint8_t *p) noexcept nogil:
    """Four hexadecimal digits, -1 when they are not. Stops at the terminating zero."""
    cdef int value = 0, digit, i
    for i in range(4):
        digit = _hex_digit(p[i])
        if digit < 0:
            return -1
        value = value << 4 | digit
    return value


cdef const uint8_t *_skip_sequence(const uint8_t *p) noexcept nogil:
    """Past one well-formed UTF-8 sequence of two to four bytes (Unicode 16, table 3-7); NULL when it is not one."""
    cdef uint8_t c = p[0]
    cdef uint8_t low = 0x80, high = 0xBF
    if c < 0xC2 or c > 0xF4:
        return NULL
    if c < 0xE0:
        return p + 2 if p[1] & 0xC0 == 0x80 else NULL
    if c == 0xE0:
        low = 0xA0      # no overlong forms
    elif c == 0xED:
        high = 0x9F     # no surrogates
    elif c == 0xF0:
        low = 0x90      # no overlong forms
    elif c == 0xF4:
        high = 0x8F     # nothing beyond U+10FFFF
    if p[1] < low or p[1] > high or p[2] & 0xC0 != 0x80:
        return NULL
    if c < 0xF0:
        return p + 3
    return p + 4 if p[3] & 0xC0 == 0x80 else NULL


cdef const uint8_t *_skip_escape(Reader *r, const uint8_t *p) noexcept nogil:
    """Past the escape sequence at the backslash `p`; a surrogate pair counts as one."""
    cdef int unit, second
    cdef uint8_t c = p[1]
    if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:  # "\/bfnrt
        return p + 2
    if c != 117:  # u
        return _fail_at(r, ESCAPE, p if p + 1 < r.end else r.end)
    unit = _hex4(p + 2)
    if unit < 0:
        return _fail(r, ESCAPE, p)
    if unit < 0xD800 or unit > 0xDFFF:
        return p + 6
    if unit > 0xDBFF or p[6] != 92 or p[7] != 117:
        return _fail(r, SURROGATE, p)
    second = _hex4(p + 8)
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
                next_ = _skip_sequence(p)
                if next_ == NULL:
                    return _fail(r, UTF8, p)
                p = next_
                c = p[0]
        else:
            return _fail_at(r, CONTROL, p)


cdef uint8_t *_put_character(uint8_t *out, uint32_t c) noexcept nogil:
    """The character as UTF-8."""
    if c < 0x80:
        out[0] = <uint8_t>c
        return out + 1
    if c < 0x800:
        out[0] = <uint8_t>(0xC0 | c >> 6)
        out[1] = <uint8_t>(0x80 | c & 0x3F)
        return out + 2
    if c < 0x10000:
        out[0] = <uint8_t>(0xE0 | c >> 12)
        out[1] = <uint8_t>(0x80 | c >> 6 & 0x3F)
        out[2] = <uint8_t>(0x80 | c & 0x3F)
        return out + 3
    out[0] = <uint8_t>(0xF0 | c >> 18)
    out[1] = <uint8_t>(0x80 | c >> 12 & 0x3F)
    out[2] = <uint8_t>(0x80 | c >> 6 & 0x3F)
    out[3] = <uint8_t>(0x80 | c & 0x3F)
    return out + 4


cdef uint8_t *_unescape(const uint8_t *p, const uint8_t *end, uint8_t *out) noexcept nogil:
    """Write a checked string without its escapes; never longer than it was."""
    cdef const uint8_t *run
    cdef uint32_t unit
    cdef uint8_t c
    while p < end:
        run = p
        while p < end and p[0] != 92:
            p += 1
        memcpy(out, run, p - run)
        out += p - run
        if p == end:
            break
        c = p[1]
        p += 2
        if c == 117:  # u
            unit = <uint32_t>_hex4(p)
            p += 4
            if unit >> 10 == 0x36:  # the first half of a surrogate pair
                unit = 0x10000 + ((unit & 0x3FF) << 10) + (<uint32_t>_hex4(p + 2) & 0x3FF)
                p += 6
            out = _put_character(out, unit)
            continue
        if c == 98:
            c = 8
        elif c == 102:
            c = 12
        elif c == 110:
            c = 10
        elif c == 114:
            c = 13
        elif c == 116:
            c = 9
        out[0] = c
        out += 1
    return out


cdef bint _overflows(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Whether the well-formed number in [p, end) rounds to an infinite double. Exact, linear, no arithmetic on digits."""
    cdef const uint8_t *first = NULL
    cdef const uint8_t *mantissa_end
    cdef int64_t magnitude = -1         # decimal exponent of the first digit that counts
    cdef int64_t exponent = 0
    cdef bint fraction = False, negative = False
    cdef uint64_t i = 0
    while p < end and p[0] | 0x20 != 101:  # e
        if p[0] == 46:
            fraction = True
        elif first != NULL:
            magnitude += not fraction
        elif 49 <= p[0] <= 57:
            first = p
            magnitude += not fraction
        elif fraction:
            magnitude -= 1
        p += 1
    if first == NULL:
        return False                    # zero, whatever its exponent
    mantissa_end = p
    if p < end:
        p += 1
        negative = p[0] == 45
        if p[0] == 45 or p[0] == 43:
            p += 1
        while p < end:
            exponent = min(exponent * 10 + (p[0] - 48), <int64_t>EXPONENT_CAP)
            p += 1
    magnitude += -exponent if negative else exponent
    if magnitude != 308:
        return magnitude > 308
    p = first
    while p < mantissa_end and i < _overflow_size:
        if p[0] != 46:
            if p[0] != _overflow_digits[i]:
                return p[0] > _overflow_digits[i]
            i += 1
        p += 1
    return i == _overflow_size


cdef const uint8_t *_read_number(Reader *r, const uint8_t *p) noexcept nogil:
    """Past the number that begins at `p` (a digit or a minus sign)."""
    cdef const uint8_t *start = p
    cdef bint exponent = False
    if p[0] == 45:
        p += 1
        if not _is_digit(p[0]):
            return _fail_at(r, NOT_FINITE if p[0] == 73 else NUMBER, p)
    if p[0] == 48:
        p += 1
        if _is_digit(p[0]):
            return _fail(r, LEADING_ZERO, start)
    else:
        while _is_digit(p[0]):
            p += 1
    if p[0] == 46:
        p += 1
        if not _is_digit(p[0]):
            return _fail_at(r, NUMBER, p)
        while _is_digit(p[0]):
            p += 1
    if p[0] | 0x20 == 101:
        exponent = True
        p += 1
        if p[0] == 43 or p[0] == 45:
            p += 1
        if not _is_digit(p[0]):
            return _fail_at(r, NUMBER, p)
        while _is_digit(p[0]):
            p += 1
    # Without an exponent it takes 309 digits to reach the largest double.
    if (exponent or p - start > 308) and _overflows(start, p):
        return _fail(r, OVERFLOW, start)
    return p


cdef bint _open(Reader *r, bint is_object) noexcept nogil:
    """Push a frame; false when there is no memory."""
    cdef Frame *grown
    cdef Frame *frame
    if r.depth == r.frame_room:
        grown = <Frame *>PyMem_RawRealloc(
            NULL if r.frames == r.inline_frames else r.frames, 2 * r.frame_room * sizeof(Frame)
        )
        if grown == NULL:
            return False
        if r.frames == r.inline_frames:
            memcpy(grown, r.inline_frames, r.depth * sizeof(Frame))
        r.frames = grown
        r.frame_room *= 2
    frame = r.frames + r.depth
    frame.base = r.key_count
    frame.count = 0
    frame.table = NULL
    frame.mask = 0
    frame.is_object = is_object
    r.depth += 1
    return True


cdef inline void _close(Reader *r) noexcept nogil:
    """Pop the innermost frame with its keys."""
    cdef Frame *frame
    r.depth -= 1
    frame = r.frames + r.depth
    if frame.table != NULL:
        PyMem_RawFree(frame.table)
    r.key_count = frame.base


cdef bint _new_table(Reader *r, Frame *frame, uint64_t slots) noexcept nogil:
    """Give the object a table of `slots` over the keys it has."""
    cdef uint32_t *table = <uint32_t *>PyMem_RawCalloc(slots, sizeof(uint32_t))
    cdef uint64_t index, slot
    if table == NULL:
        return False
    for index in range(frame.base, r.key_count):
        slot = r.keys[index].mark & (slots - 1)
        while table[slot]:
            slot = (slot + 1) & (slots - 1)
        table[slot] = <uint32_t>(index - frame.base + 1)
    PyMem_RawFree(frame.table)
    frame.table = table
    frame.mask = slots - 1
    return True


cdef Fault _find_or_hash(Reader *r, Frame *frame, Key *key) noexcept nogil:
    """The way of an object with many keys: look the key up in the table and enter it there."""
    cdef uint64_t count = r.key_count - frame.base
    cdef uint64_t index, slot
    cdef Key *other
    if frame.table == NULL:
        for index in range(frame.base, r.key_count):
            r.keys[index].mark = siphash(r.keys[index].text, r.keys[index].size, _hash_key)
        if not _new_table(r, frame, FIRST_TABLE):
            return NO_MEMORY
    elif 2 * count > frame.mask and not _new_table(r, frame, 2 * (frame.mask + 1)):
        return NO_MEMORY
    key.mark = siphash(key.text, key.size, _hash_key)
    slot = key.mark & frame.mask
    while frame.table[slot]:
        other = r.keys + frame.base + frame.table[slot] - 1
        if other.mark == key.mark and other.size == key.size and memcmp(other.text, key.text, key.size) == 0:
            return DUPLICATE
        slot = (slot + 1) & frame.mask
    frame.table[slot] = <uint32_t>(count + 1)
    return NO_FAULT


cdef Fault _add_key(Reader *r, const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Enter the key in [p, end), as it stands in the body, into the innermost object."""
    cdef Frame *frame = r.frames + r.depth - 1
    cdef Key key
    cdef Key *grown
    cdef Key *other
    cdef Fault fault = NO_FAULT
    if r.escaped:
        if r.arena == NULL:
            r.arena = <uint8_t *>PyMem_RawMalloc(r.end - r.start)
            r.arena_next = r.arena
            if r.arena == NULL:
                return NO_MEMORY
        key.text = r.arena_next
        r.arena_next = _unescape(p, end, r.arena_next)
        key.size = r.arena_next - key.text
    else:
        key.text = p
        key.size = end - p
    if r.key_count == r.key_room:
        grown = <Key *>PyMem_RawRealloc(NULL if r.keys == r.inline_keys else r.keys, 2 * r.key_room * sizeof(Key))
        if grown == NULL:
            return NO_MEMORY
        if r.keys == r.inline_keys:
            memcpy(grown, r.inline_keys, r.key_count * sizeof(Key))
        r.keys = grown
        r.key_room *= 2
    if frame.table == NULL and r.key_count - frame.base < PAIRWISE_KEYS:
        key.mark = head_of(key.text, key.size)
        other = r.keys + frame.base
        while other < r.keys + r.key_count:
            if (
                other.mark == key.mark and other.size == key.size
                and (key.size <= 8 or memcmp(other.text, key.text, key.size) == 0)
            ):
                fault = DUPLICATE
                break
            other += 1
    else:
        fault = _find_or_hash(r, frame, &key)
    # A duplicate is entered too: it is the last step of the path that the error names.
    r.keys[r.key_count] = key
    r.key_count += 1
    return fault


cdef inline void _emit(Reader *r, const uint8_t *p, const uint8_t *end) noexcept nogil:
    """texts(): write the checked string in [p, end) and the separator."""
    if r.escaped:
        r.out = _unescape(p, end, r.out)
    else:
        memcpy(r.out, p, end - p)
        r.out += end - p
    r.out[0] = 10
    r.out[1] = 0
    r.out[2] = 10
    r.out += SEPARATOR_SIZE


cdef inline const uint8_t *_skip_space(const uint8_t *p) noexcept nogil:
    while p[0] == 32 or p[0] == 10 or p[0] == 13 or p[0] == 9:
        p += 1
    return p


cdef const uint8_t *_read_key(Reader *r, const uint8_t *p) noexcept nogil:
    """Read a key, from its opening quote, and the colon; the result is where its value may begin."""
    cdef const uint8_t *start = p + 1
    cdef Fault fault
    if p[0] != 34:
        return _fail_at(r, KEY_EXPECTED, p)
    p = _read_string(r, start)
    if p == NULL:
        return NULL
    fault = _add_key(r, start, p - 1)
    if fault != NO_FAULT:
        return _fail(r, fault, start - 1)
    if r.out != NULL:
        _emit(r, start, p - 1)
    if p[0] != 58:
        p = _skip_space(p)
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
    if _skip_space(p) == r.end:
        return _fail(r, EMPTY, p)
    while True:
        # A value.
        p = _skip_space(p)
        c = p[0]
        if c == 34:
            start = p + 1
            p = _read_string(r, start)
            if p != NULL and r.out != NULL:
                _emit(r, start, p - 1)
        elif c == 123 or c == 91:
            if r.depth >= r.max_depth:
                return _fail(r, DEPTH, p)
            if not _open(r, c == 123):
                return _fail(r, NO_MEMORY, p)
            may_close = c == 91
            p += 1
            if not may_close:
                p = _skip_space(p)
                if p[0] != 125:
                    p = _read_key(r, p)
                    if p == NULL:
                        return NULL
                    continue
                _close(r)
                p += 1
            else:
                continue
        elif c == 45 or _is_digit(c):
            p = _read_number(r, p)
        elif c == 116:
            p = _read_word(r, p, "true", 4)
        elif c == 102:
            p = _read_word(r, p, "false", 5)
        elif c == 110:
            p = _read_word(r, p, "null", 4)
        elif c == 93 and may_close:
            _close(r)
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
            p = _skip_space(p)
            if r.depth == 0:
                return p if p == r.end else _fail(r, TRAILING, p)
            c = p[0]
            frame = r.frames + r.depth - 1
            if c == 44:
                p += 1
                if frame.is_object:
                    p = _read_key(r, _skip_space(p))
                    if p == NULL:
                        return NULL
                else:
                    frame.count += 1
                break
            if c != (125 if frame.is_object else 93):
                return _fail_at(r, COMMA_EXPECTED, p)
            _close(r)
            p += 1


cdef void _begin(Reader *r, bytes body, uint64_t max_depth) noexcept:
    r.start = <const uint8_t *>PyBytes_AS_STRING(body)
    r.end = r.start + PyBytes_GET_SIZE(body)
    r.at = NULL
    r.fault = NO_FAULT
    r.escaped = False
    r.max_depth = max_depth
    r.frames = r.inline_frames
    r.depth = 0
    r.frame_room = INLINE_FRAMES
    r.keys = r.inline_keys
    r.key_count = 0
    r.key_room = INLINE_KEYS
    r.arena = NULL
    r.arena_next = NULL
    r.out = NULL


cdef void _release(Reader *r) noexcept:
    while r.depth:
        _close(r)
    if r.frames != r.inline_frames:
        PyMem_RawFree(r.frames)
    if r.keys != r.inline_keys:
        PyMem_RawFree(r.keys)
    PyMem_RawFree(r.arena)


cdef object _error(Reader *r):
    """The exception of the fault, with the path that the stacks still hold."""
    cdef uint64_t i, last
    cdef Frame *frame
    if r.fault == NO_MEMORY:
        return MemoryError()
    path = []
    for i in range(r.depth):
        frame = r.frames + i
        if not frame.is_object:
            path.append(frame.count)
            continue
        # The keys of the next object begin where those of this one, up to the key being read, end.
        last = r.frames[i + 1].base if i + 1 < r.depth else r.key_count
        if last > frame.base:
            path.append((<const char *>r.keys[last - 1].text)[:r.keys[last - 1].size].decode())
    return GuardError(_REASONS[r.fault], r.at - r.start, tuple(path))


cdef object _too_long(bytes body):
    return GuardError(_REASONS[TOO_LONG], 0) if PyBytes_GET_SIZE(body) > 0xFFFFFFFF else None


def check(bytes body not None, Py_ssize_t max_depth):
    """Raise GuardError unless `body` is one strict JSON text (RFC 8259) nested at most `max_depth` arrays and objects deep.

    A scalar has depth 0. Also refused: what the head of this module lists under its guarantees.
    """
    cdef Reader r
    cdef object error
    if max_depth < 0:
        raise ValueError("max_depth must not be negative")
    error = _too_long(body)
    if error is not None:
        raise error
    _begin(&r, body, max_depth)
    if _read(&r) == NULL:
        error = _error(&r)
    _release(&r)
    if error is not None:
        raise error


def texts(bytes body not None, Py_ssize_t max_depth=1024):
    """Every string of `body`, keys too, unescaped, as UTF-8, in their order, each followed by b"\\n\\0\\n".

    The reading is that of `check`, with the same errors. The default depth is where orjson ends too. The separator
    stands between any two strings so that no search finds a match that runs from one into the next by chance; a
    string may contain it, so it is no framing.
    """
    cdef Reader r
    cdef object error
    cdef PyObject *found
    if max_depth < 0:
        raise ValueError("max_depth must not be negative")
    error = _too_long(body)
    if error is not None:
        raise error
    _begin(&r, body, max_depth)
    # A string takes two quotes and, but for one alone, a comma, colon or bracket: never less than its separator.
    found = new_bytes(NULL, PyBytes_GET_SIZE(body) + SEPARATOR_SIZE)
    r.out = <uint8_t *>data_of(found)
    if _read(&r) == NULL:
        error = _error(&r)
    _release(&r)
    if error is not None:
        Py_DECREF(<object>found)
        raise error
    resize_bytes(&found, r.out - <uint8_t *>data_of(found))
    result = <object>found
    Py_DECREF(result)  # the cast took a reference of its own
    return result
