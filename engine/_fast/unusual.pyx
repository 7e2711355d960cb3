"""Which bytes of a text are neither printable ASCII nor the white space of lines: most texts have none.

Theory of operation
    One question is asked of a whole block of bytes, which compilers turn into a few instructions for each 16 of them.
    Only where its answer is yes is each byte of a block looked at.

Guarantees
    Time is linear in the text.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t


cdef enum:
    BLOCK = 32


cdef inline bint _is_unusual(uint8_t byte) noexcept nogil:
    # Without branches, so that blocks are looked at as vectors.
    return (byte >= 127) | ((byte < 32) & (byte != 9) & (byte != 10) & (byte != 13))


def unusual(bytes text not None, Py_ssize_t start = 0):
    """The unusual bytes of `text` from byte `start` on, as a number: bit 200 is set if the byte 200 is among them.

    Unusual are all but 32 to 126, tab, line feed and carriage return.
    """
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef Py_ssize_t at = max(start, 0)
    cdef Py_ssize_t end, index
    cdef uint64_t[4] found
    cdef uint8_t any_in_block
    found[0] = found[1] = found[2] = found[3] = 0
    while at < size:
        end = at + BLOCK
        if end <= size:
            any_in_block = 0
            for index in range(BLOCK):
                any_in_block |= _is_unusual(data[at + index])
            if not any_in_block:
                at = end
                continue
        else:
            end = size
        for index in range(at, end):
            if _is_unusual(data[index]):
                found[data[index] >> 6] |= <uint64_t>1 << (data[index] & 63)
        at = end
    if not (found[0] | found[1] | found[2] | found[3]):
        return 0
    return found[0] | (<object>found[1] << 64) | (<object>found[2] << 128) | (<object>found[3] << 192)
