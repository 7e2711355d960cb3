# How far the matches of rules reach around the clusters of digits that they have, and which clusters are worth a look.

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from engine._fast.prefilter_clusters cimport Cluster, Clusters, Spans, add_digits, is_letter, join_span
from engine._fast.prefilter_parts cimport Need, back_to, on_to


cdef extern from "prefilter_scan.h":
    const uint8_t *next_digit "tg_next_digit"(const uint8_t *p, const uint8_t *end) noexcept nogil

cdef enum:
    # Digits of one number may be written with this many bytes between two of them.
    DIGIT_GAP = 3
    # Counts of digits that are told apart: as many and more are one.
    COUNTS = 32
    # Numbers that the digits make, likewise.
    GROUPS = 5
    NO_REACH = -1
    MEMBER_WORDS = 8


# How far, and over which bytes, as bits; NO_REACH: there is no such match. least: bytes of a match.
cdef struct Reach:
    int32_t lead
    int32_t trail
    int32_t least
    uint32_t members[MEMBER_WORDS]


cdef struct Reaches:
    Reach loose[COUNTS]             # by the digits of a cluster
    Reach strict[GROUPS][COUNTS]    # by the numbers that they make, too
    Reach led[COUNTS]               # by the digits in a row behind a letter


cdef inline void no_reaches(Reaches *reaches) noexcept nogil:
    cdef int count, number
    memset(reaches, 0, sizeof(Reaches))
    for count in range(COUNTS):
        reaches.loose[count].lead = reaches.loose[count].trail = NO_REACH
        reaches.led[count].lead = reaches.led[count].trail = NO_REACH
        for number in range(GROUPS):
            reaches.strict[number][count].lead = reaches.strict[number][count].trail = NO_REACH


cdef inline void widen(Reach *reach, Py_ssize_t lead, Py_ssize_t trail, const Need *need) noexcept nogil:
    """Let matches of a rule be there, too."""
    cdef int word
    reach.least = need.least if reach.lead == NO_REACH else min(reach.least, need.least)
    reach.lead = max(reach.lead, <int32_t>lead)
    reach.trail = max(reach.trail, <int32_t>trail)
    for word in range(MEMBER_WORDS):
        reach.members[word] |= <uint32_t>0xFFFFFFFF if need.members == NULL else need.members[word]


cdef inline const Reach *strict_reach(const Reaches *reaches, const Cluster *cluster) noexcept nogil:
    return (
        &reaches.strict[min(cluster.groups, <uint32_t>GROUPS) - 1][min(cluster.count, <uint32_t>COUNTS - 1)]
    )


cdef inline const Reach *led_reach(const Reaches *reaches, const Cluster *cluster) noexcept nogil:
    return &reaches.led[min(cluster.led, <uint32_t>COUNTS - 1)]


cdef inline bint is_asked_for(const Reaches *reaches, const Cluster *cluster) noexcept nogil:
    return strict_reach(reaches, cluster).lead != NO_REACH or led_reach(reaches, cluster).lead != NO_REACH


cdef inline uint32_t read_digits(
    const Reaches *reaches,
    const bint *separates,
    const uint8_t *start,
    const uint8_t *end,
    Clusters *loose,
    Clusters *strict,
) noexcept nogil:
    """The clusters in [start, end); the largest number of digits in a loose one.

    Loose: whatever stands between the digits. Strict: only what `separates`; of these only those that a rule asks for.
    """
    cdef const uint8_t *p = next_digit(start, end)
    cdef const uint8_t *begin
    cdef const uint8_t *before = NULL       # where the digits before end
    cdef uint32_t most = 0
    cdef uint32_t count
    cdef bint near, apart
    cdef Cluster *last
    loose.size = 0
    while p < end:
        begin = p
        while p < end and 48 <= p[0] <= 57:
            p += 1
        count = p - begin
        near = before != NULL and begin - before <= DIGIT_GAP
        add_digits(loose, near, begin, p, count, 0)
        last = loose.items + loose.size - 1
        if last.count > most:
            most = last.count
        if strict != NULL:
            apart = near
            while apart and before < begin:
                apart = separates[before[0]]
                before += 1
            if not apart and strict.size and not is_asked_for(reaches, strict.items + strict.size - 1):
                strict.size -= 1
                near = False
            else:
                near = apart and strict.size > 0
            add_digits(strict, near, begin, p, count, count if begin > start and is_letter((begin - 1)[0]) else 0)
        before = p
        p = next_digit(p, end)
    if strict != NULL and strict.size and not is_asked_for(reaches, strict.items + strict.size - 1):
        strict.size -= 1
    return most


cdef inline void join_reach(
    Spans *spans,
    const Reach *reach,
    const Cluster *cluster,
    const uint8_t *data,
    const uint8_t *start,
    const uint8_t *end,
) noexcept nogil:
    """Add where matches may be around a cluster in [start, end)."""
    cdef const uint8_t *left
    cdef const uint8_t *right
    if reach.lead == NO_REACH:
        return
    left = back_to(reach.members, cluster.start, cluster.start - min(reach.lead, cluster.start - start))
    right = on_to(reach.members, cluster.end, cluster.end + min(reach.trail, end - cluster.end))
    if right - left >= reach.least:
        join_span(spans, left - data, right - data)
