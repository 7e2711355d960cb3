# Where digits stand close together, and letters and digits in a row: what the prefilter asks about numbers.
#
# A cluster is a run of digits with no more than a few other bytes between two of them. What lies around clusters is
# given as spans, which ascend and do not meet.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memmove


cdef extern from "runs_scan.h":
    ctypedef struct Kind "tg_kind":
        uint8_t is_member[256]
    ctypedef struct Row "tg_row":
        Kind kind
    Py_ssize_t next_run "tg_run"(
        bint wide, const Row *row, const uint8_t *text, Py_ssize_t at, Py_ssize_t size
    ) noexcept nogil

cdef enum:
    MOST_CLUSTERS = 256         # far more than any text of the size of an answer has of those that count
    MOST_RUNS = 64


cdef struct Cluster:
    const uint8_t *start        # its first digit
    const uint8_t *end          # behind its last one
    uint32_t count              # of digits
    uint32_t groups             # of digits in a row
    uint32_t led                # digits in a row behind a letter, at most


cdef struct Clusters:
    Cluster items[MOST_CLUSTERS]
    Py_ssize_t size


cdef struct Span:
    Py_ssize_t left
    Py_ssize_t right


cdef struct Spans:
    Span items[2 * MOST_CLUSTERS]
    Py_ssize_t size


cdef inline bint is_letter(uint8_t c) noexcept nogil:
    return c >= 0x80 or 97 <= (c | 0x20) <= 122


cdef inline void join_span(Spans *spans, Py_ssize_t left, Py_ssize_t right) noexcept nogil:
    """Add a span in its order, joined with those that it meets."""
    cdef Py_ssize_t first = spans.size
    cdef Py_ssize_t behind = spans.size
    while first and spans.items[first - 1].left > right:
        first -= 1
    behind = first
    while first and spans.items[first - 1].right >= left:
        first -= 1
        left = min(left, spans.items[first].left)
        right = max(right, spans.items[first].right)
    memmove(spans.items + first + 1, spans.items + behind, (spans.size - behind) * sizeof(Span))
    spans.items[first].left = left
    spans.items[first].right = right
    spans.size += first + 1 - behind


cdef inline Py_ssize_t whole_from(const uint8_t *data, Py_ssize_t left, Py_ssize_t right) noexcept nogil:
    """`left`, or the next place at which a character begins: no match begins within one."""
    while left < right and data[left] & 0xC0 == 0x80:
        left += 1
    return left


cdef inline void add_digits(
    Clusters *clusters, bint goes_on, const uint8_t *begin, const uint8_t *end, uint32_t count, uint32_t led
) noexcept nogil:
    """Add digits to the last cluster, or as one of their own while there is room."""
    cdef Cluster *last
    if goes_on or clusters.size == MOST_CLUSTERS:
        last = clusters.items + clusters.size - 1
        last.end = end
        last.count += count
        last.groups += 1
        last.led = max(last.led, led)
        return
    last = clusters.items + clusters.size
    clusters.size += 1
    last.start = begin
    last.end = end
    last.count = count
    last.groups = 1
    last.led = led


cdef inline bint has_digits(
    const Clusters *clusters, uint32_t count, const uint8_t *left, const uint8_t *right
) noexcept nogil:
    """Whether a cluster of so many digits reaches into [left, right)."""
    cdef Py_ssize_t index
    for index in range(clusters.size):
        if (
            clusters.items[index].count >= count
            and clusters.items[index].start < right
            and clusters.items[index].end > left
        ):
            return True
    return False


cdef inline void find_runs(
    Spans *runs, bint wide, const Row *row, const uint8_t *data, Py_ssize_t at, Py_ssize_t size
) noexcept nogil:
    """Where enough letters and digits stand in a row in [at, size). There is room for the first ones; the last are one.
    """
    cdef Py_ssize_t behind
    runs.size = 0
    while True:
        at = next_run(wide, row, data, at, size)
        if at >= size:
            return
        behind = at
        while behind < size and row.kind.is_member[data[behind]]:
            behind += 1
        if runs.size < MOST_RUNS:
            runs.items[runs.size].left = at
            runs.size += 1
        runs.items[runs.size - 1].right = behind
        at = behind
