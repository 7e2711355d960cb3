# The parts of a text in which a rule's matches lie: around its literals, as far as the bytes go that a match may have.
#
# A match that has a literal stands in one piece, so it is in the run of its rule's bytes around that, and no further
# from it than the rule's bounds. Each byte is looked at once for a rule, however many literals stand around it.

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memchr

from engine._fast.prefilter_clusters cimport Clusters, has_digits


cdef enum:
    # Parts of a text that are searched for one rule each by itself: of more, the last ones are one.
    MOST_PARTS = 8


# What the matches of a rule are like.
cdef struct Need:
    const uint32_t *members     # the bytes that they may have, as bits; NULL: all
    Py_ssize_t bound            # bytes at most; 0: it is not known
    Py_ssize_t lead             # bytes at most up to the end of a literal
    Py_ssize_t least            # bytes at least
    uint32_t digits             # close together, at least
    uint8_t mark                # a byte that each has; 0: none


cdef struct Part:
    const uint8_t *left
    const uint8_t *right
    const uint8_t *last         # where its last literal begins


cdef struct Parts:
    Part items[MOST_PARTS]
    int32_t size


cdef inline bint is_member(const uint32_t *members, uint8_t byte) noexcept nogil:
    return members == NULL or members[byte >> 5] >> (byte & 31) & 1


cdef inline const uint8_t *back_to(
    const uint32_t *members, const uint8_t *at, const uint8_t *first
) noexcept nogil:
    """Where the members before `at` begin, at `first` or later."""
    if members == NULL:
        return min(first, at)
    while at > first and is_member(members, (at - 1)[0]):
        at -= 1
    return at


cdef inline const uint8_t *on_to(const uint32_t *members, const uint8_t *at, const uint8_t *last) noexcept nogil:
    """Where the members from `at` on end, at `last` at the latest."""
    if members == NULL:
        return max(last, at)
    while at < last and is_member(members, at[0]):
        at += 1
    return at


cdef inline bint has_room(const Need *need, const Part *part, const Clusters *loose) noexcept nogil:
    """Whether a match could lie in a part at all."""
    return (
        part.right - part.left >= need.least
        and (not need.digits or has_digits(loose, need.digits, part.left, part.right))
        and (not need.mark or memchr(part.left, need.mark, part.right - part.left) != NULL)
    )


cdef inline void add_literal(
    Parts *parts,
    const Need *need,
    Py_ssize_t lead,
    const uint8_t *at,
    Py_ssize_t size,
    const uint8_t *start,
    const uint8_t *end,
    const Clusters *loose,
) noexcept nogil:
    """Add the part around a literal of `size` bytes at `at`, in the text [start, end). They mostly come in order."""
    cdef const uint8_t *behind = at + size
    cdef const uint8_t *first = behind - min(lead, behind - start)
    cdef const uint8_t *far = at + min(need.bound, end - at)
    cdef const uint8_t *left
    cdef Part *last = NULL
    if parts.size:
        last = parts.items + parts.size - 1
        if at < last.left:
            last.left = min(last.left, first)
            last.right = max(last.right, far)
            last.last = max(last.last, at)
            return
        if at < last.right:
            # One that was noted before it may end behind it.
            if first < last.left:
                last.left = back_to(need.members, last.left, first)
            if last.right < far:
                last.right = on_to(need.members, last.right, far)
            last.last = max(last.last, at)
            return
    left = back_to(need.members, at, first if last == NULL else max(first, last.right))
    if last != NULL and (left <= last.right or (parts.size == MOST_PARTS and has_room(need, last, loose))):
        last.right = on_to(need.members, behind, far)
        last.last = at
        return
    if last == NULL or has_room(need, last, loose):
        last = parts.items + parts.size
        parts.size += 1
    last.left = left
    last.right = on_to(need.members, behind, far)
    last.last = at
