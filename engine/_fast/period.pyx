"""Where a text repeats itself: blocks of it that have a short period.

Theory of operation
    A period is how far a text can be moved along itself and still be the same where both are. So the first eight bytes
    of a block come again one period later; only there are the block and itself, so far moved, compared. In ordinary
    text eight bytes do not come again so soon, and all that is read of a block is its beginning.

Guarantees
    Time is linear in the text: a block of `size` bytes is read up to `longest` times.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    HEAD = 8


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
        for period in range(1, longest + 1):
            memcpy(&there, block + period, HEAD)
            if there == head and memcmp(block, block + period, size - period) == 0:
                return at, period
        if stride > last - at:
            break
        at += stride
    return None
