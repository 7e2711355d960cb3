"""Where a text repeats itself: blocks of it that have a short period.

Theory of operation
    A period is how far a text can be moved along itself and still be the same where both are. So the first eight bytes
    of a block come again one period later; only there are the block and itself, so far moved, compared. In ordinary
    text eight bytes do not come again so soon, and all that is read of a block is its beginning: for where the first
    two of them are, at 16 places at a time.

Guarantees
    Time is linear in the text: a block of `size` bytes is read up to `longest` times.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    HEAD = 8

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif

    /* The first place in [from, to] at which the first two bytes of a block come again, or more than `to`. Nothing is
       read from `end` on. */
    static inline ptrdiff_t tg_next_pair(const uint8_t *block, ptrdiff_t from, ptrdiff_t to, ptrdiff_t end)
    {
    #if defined(__SSE2__)
        const __m128i first = _mm_set1_epi8((char)block[0]), second = _mm_set1_epi8((char)block[1]);
        for (; from <= to && from + 17 <= end; from += 16) {
            const __m128i here = _mm_loadu_si128((const __m128i *)(block + from));
            const __m128i next = _mm_loadu_si128((const __m128i *)(block + from + 1));
            const __m128i same = _mm_and_si128(_mm_cmpeq_epi8(here, first), _mm_cmpeq_epi8(next, second));
            const int both = _mm_movemask_epi8(same);
            if (both) return from + __builtin_ctz((unsigned)both);
        }
    #endif
        while (from <= to && (block[from] != block[0] || block[from + 1] != block[1])) from++;
        return from;
    }
    """
    Py_ssize_t next_pair "tg_next_pair"(
        const uint8_t *block, Py_ssize_t start, Py_ssize_t last, Py_ssize_t end
    ) noexcept nogil


def periodic_block(bytes text not None, Py_ssize_t start, Py_ssize_t stride, Py_ssize_t size, Py_ssize_t longest):
    """The first whole block of `size` bytes, of those at `start`, `start + stride` and so on, that has a period.

    As (where it begins, its smallest period in bytes), if this is at most `longest`; None where there is no such block.
    Raises ValueError for a `start` or `stride` out of range, and for blocks without room for two periods and eight
    bytes.
    """
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef const uint8_t *block
    cdef Py_ssize_t last = PyBytes_GET_SIZE(text) - size
    cdef Py_ssize_t at = start
    cdef Py_ssize_t period
    cdef uint64_t head, there
    if start < 0 or stride < 1 or longest < 1 or size < 2 * longest or size < longest + HEAD:
        raise ValueError("blocks out of range")
    while at <= last:
        block = data + at
        memcpy(&head, block, HEAD)
        period = next_pair(block, 1, longest, size)
        while period <= longest:
            memcpy(&there, block + period, HEAD)
            if there == head and memcmp(block, block + period, size - period) == 0:
                return at, period
            period = next_pair(block, period + 1, longest, size)
        if stride > last - at:
            break
        at += stride
    return None
