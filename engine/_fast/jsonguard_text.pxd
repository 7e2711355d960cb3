# The letters of JSON: what a reader asks about bytes, without any state.
#
# Every function may look at the byte behind the last one of its text: the zero that ends every bytes object. None needs
# a bound for a look-ahead that stops at the first byte that is not what it seeks.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy


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
    """
    const uint8_t *skip_plain "tg_skip_plain"(const uint8_t *p, const uint8_t *end) noexcept nogil


cdef enum:
    EXPONENT_CAP = 1000000000000000     # saturates far outside every text's length, far inside int64


cdef inline bint is_digit(uint8_t c) noexcept nogil:
    return 48 <= c <= 57


cdef inline const uint8_t *skip_space(const uint8_t *p) noexcept nogil:
    while p[0] == 32 or p[0] == 10 or p[0] == 13 or p[0] == 9:
        p += 1
    return p


cdef inline int hex_digit(uint8_t c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 0x20
    if 97 <= c <= 102:
        return c - 87
    return -1


cdef inline int hex4(const uint8_t *p) noexcept nogil:
    """Four hexadecimal digits, -1 when they are not. Stops at the terminating zero."""
    cdef int value = 0, digit, i
    for i in range(4):
        digit = hex_digit(p[i])
        if digit < 0:
            return -1
        value = value << 4 | digit
    return value


cdef inline const uint8_t *skip_sequence(const uint8_t *p) noexcept nogil:
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


cdef inline uint8_t *put_character(uint8_t *out, uint32_t c) noexcept nogil:
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


cdef inline uint8_t *unescape(const uint8_t *p, const uint8_t *end, uint8_t *out) noexcept nogil:
    """Write a checked string without its escapes; never longer than it was."""
    cdef const uint8_t *run
    cdef uint32_t unit
    cdef uint8_t c
    while p < end:
        run = p
        p = <const uint8_t *>memchr(run, 92, end - run)
        if p == NULL:
            p = end
        memcpy(out, run, p - run)
        out += p - run
        if p == end:
            break
        c = p[1]
        p += 2
        if c == 117:  # u
            unit = <uint32_t>hex4(p)
            p += 4
            if unit >> 10 == 0x36:  # the first half of a surrogate pair
                unit = 0x10000 + ((unit & 0x3FF) << 10) + (<uint32_t>hex4(p + 2) & 0x3FF)
                p += 6
            out = put_character(out, unit)
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


cdef inline bint overflows(
    const uint8_t *p, const uint8_t *end, const uint8_t *limit, uint64_t limit_size
) noexcept nogil:
    """Whether the well-formed number in [p, end) rounds to an infinite double.

    `limit` are the 309 digits of the smallest integer that does. Exact and linear: digits are compared, not computed.
    """
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
    while p < mantissa_end and i < limit_size:
        if p[0] != 46:
            if p[0] != limit[i]:
                return p[0] > limit[i]
            i += 1
        p += 1
    return i == limit_size
