"""Tokens of an encoding: characters of one kind in a row, long enough to matter.

Theory of operation
    Where the machine can, 64 bytes at a time become a word with a bit for each that is of the kind, and runs of enough
    bits are found in it by moving it along itself. Elsewhere: what is no run of `least` members has a byte that is none
    in every `least` bytes, so of ordinary text, with its short words, a fraction is read.

    Most long words could be base64, but decode to no text, which a byte or two tell.

Guarantees
    Time is linear in the text: a byte is looked at a few times at most.

Not handled
    Members outside of ASCII: each byte is by itself.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memchr


cdef extern from "runs_scan.h":
    ctypedef struct Kind "tg_kind":
        uint8_t is_member[256]
    ctypedef struct Row "tg_row":
        Kind kind
    void row_of "tg_row_of"(Row *row, const uint8_t *members, size_t count, Py_ssize_t least)
    bint is_wide "tg_is_wide"() noexcept nogil
    Py_ssize_t next_run "tg_run"(
        bint wide, const Row *row, const uint8_t *text, Py_ssize_t at, Py_ssize_t size
    ) noexcept nogil
    bint may_be_text "tg_may_be_text"(const uint8_t *text, Py_ssize_t size) noexcept nogil


cdef enum:
    NO_MARK = -1


cdef class Tokens:
    """Runs of the bytes in `members`, each as long as it goes, with those of `ending` that follow it.

    Wanted are those of `least` to `longest` bytes, of which at most two are of `ending`: with `mark` only those in
    whose run this byte stands, with `base64` only what may be base64 (RFC 4648) of text: UTF-8 without control
    characters. Raises ValueError for a `least` that leaves no member, and for a mark that is none. `wide`: look at 64
    bytes at a time, if the machine can; the same is found without.
    """

    cdef Row _row
    cdef bint[256] _is_ending
    cdef Py_ssize_t _least
    cdef Py_ssize_t _longest
    cdef int _mark
    cdef bint _base64
    cdef bint _wide

    def __cinit__(
        self, bytes members not None, Py_ssize_t least, Py_ssize_t longest, bytes ending not None = b"",
        bytes mark not None = b"", bint base64 = False, bint wide = True
    ):
        cdef uint8_t each
        cdef Py_ssize_t run = least - 2 if ending else least
        if run < 1:
            raise ValueError("least: too few")
        if len(mark) > 1:
            raise ValueError("mark: one byte")
        if mark and mark not in members:
            raise ValueError("mark: no member")
        row_of(&self._row, <const uint8_t *>PyBytes_AS_STRING(members), PyBytes_GET_SIZE(members), run)
        for each in ending:
            self._is_ending[each] = True
        self._least = least
        self._longest = longest
        self._mark = mark[0] if mark else NO_MARK
        self._base64 = base64
        self._wide = wide and is_wide()

    def find(self, bytes text not None, Py_ssize_t start, Py_ssize_t before):
        """Start and end of the first token that begins in [start, before), or None.

        What follows `start` of a run that begins before is none.
        """
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t at = max(start, 0)
        cdef Py_ssize_t run, right, most
        if 0 < at < size and self._row.kind.is_member[data[at - 1]]:
            while at < size and self._row.kind.is_member[data[at]]:
                at += 1
        while at < size:
            if self._mark == NO_MARK:
                at = next_run(self._wide, &self._row, data, at, size)
            else:
                at = self._around_mark(data, at, size)
            if at >= size or at >= before:
                return None
            run = at
            while run < size and self._row.kind.is_member[data[run]]:
                run += 1
            right = run
            most = min(size, run + 2)
            while right < most and self._is_ending[data[right]]:
                right += 1
            if self._least <= right - at <= self._longest and (not self._base64 or may_be_text(data + at, run - at)):
                return at, right
            at = right
        return None

    cdef inline Py_ssize_t _around_mark(self, const uint8_t *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
        """Where the next run begins that has the mark, or `size`."""
        cdef const uint8_t *mark = <const uint8_t *>memchr(data + at, self._mark, size - at)
        cdef Py_ssize_t left
        if mark == NULL:
            return size
        left = mark - data
        while left > at and self._row.kind.is_member[data[left - 1]]:
            left -= 1
        return left
