"""Which bytes of a text are neither printable ASCII nor the white space of lines: most texts have none.

Theory of operation
    The usual bytes are a kind, which is asked for 64 bytes at a time where the machine can (see kinds.h). Only where
    some of these are none is each looked at.

Guarantees
    Time is linear in the text.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t


cdef extern from "kinds.h":
    ctypedef struct Kind "tg_kind":
        uint8_t is_member[256]
    void kind_of "tg_kind_of"(Kind *kind, const uint8_t *members, size_t count)
    bint is_wide "tg_is_wide"() noexcept nogil

cdef extern from *:
    """
    #if TG_WIDE
    /* How many of the first bytes are all usual, in whole blocks. */
    TG_WIDELY static ptrdiff_t tg_usual_wide(const tg_kind *usual, const uint8_t *text, ptrdiff_t size)
    {
        const tg_tables tables = tg_tables_of(usual);
        ptrdiff_t at = 0;
        while (size - at >= TG_BLOCK && ~tg_members64(text + at, tables) == 0) at += TG_BLOCK;
        return at;
    }
    #endif

    static inline ptrdiff_t tg_usual(int wide, const tg_kind *usual, const uint8_t *text, ptrdiff_t size)
    {
    #if TG_WIDE
        if (wide && size >= TG_BLOCK) return tg_usual_wide(usual, text, size);
    #endif
        (void)wide;
        return 0;
    }
    """
    Py_ssize_t usual_blocks "tg_usual"(
        bint wide, const Kind *usual, const uint8_t *text, Py_ssize_t size
    ) noexcept nogil


cdef enum:
    BLOCK = 64

cdef Kind _usual
cdef bytes _members = bytes((9, 10, 13, *range(32, 127)))
kind_of(&_usual, <const uint8_t *>PyBytes_AS_STRING(_members), len(_members))
cdef bint _can_wide = is_wide()


def unusual(bytes text not None, Py_ssize_t start = 0, bint wide = True):
    """The unusual bytes of `text` from byte `start` on, as a number: bit 200 is set if the byte 200 is among them.

    Unusual are all but 32 to 126, tab, line feed and carriage return. `wide`: look at 64 bytes at a time, if the
    machine can; the same is found without.
    """
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef Py_ssize_t at = max(start, 0)
    cdef Py_ssize_t end
    cdef uint64_t[4] found
    found[0] = found[1] = found[2] = found[3] = 0
    while at < size:
        at += usual_blocks(wide and _can_wide, &_usual, data + at, size - at)
        end = min(at + BLOCK, size)
        while at < end:
            if not _usual.is_member[data[at]]:
                found[data[at] >> 6] |= <uint64_t>1 << (data[at] & 63)
            at += 1
    if not (found[0] | found[1] | found[2] | found[3]):
        return 0
    return found[0] | (<object>found[1] << 64) | (<object>found[2] << 128) | (<object>found[3] << 192)
