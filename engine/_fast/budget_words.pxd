# The two words of a budget: what is held by open reservations, and what was used.
#
# A hold is 2^62, a version of 22 bits and an amount of 40 bits. It is above every time, so its slot is never taken
# over. With the amount 0 it becomes a time in the past, which is an idle counter like any other: that at which it did,
# its last 22 bits (4 ms) replaced by the version. The version changes with every swap, through idleness too: who finds
# a word as it was before knows that nobody swapped it in between, and so that nobody settled and released.
#
# What was used is, for a rate, the time at which the debt will have drained (a TAT, as in bucket.pyx); for a calendar
# quota, the END of the window plus the amount. So a counter in debt is always in the future and keeps its slot, and
# one of a window that is over lies before the end of the present one and counts nothing.

from libc.stdint cimport int64_t, uint64_t

from engine._fast.bucket_slots cimport (
    FULL,
    INSERTED,
    Slot,
    Slots,
    find_counter,
    insert_counter,
    slot_cas,
)

cdef enum:
    RATE = 0
    CALENDAR = 1
    CONCURRENT = 2
    # Each failed attempt means that another process came through; this many in a row does not happen by chance.
    ATTEMPTS = 1000
    AMOUNT_BITS = 40
    VERSION_BITS = 22

cdef inline int64_t mark() noexcept nogil:
    return <int64_t>1 << 62


cdef inline uint64_t hold_key(uint64_t fingerprint) noexcept nogil:
    # The same window of slots as the budget's other word: the table's blocks do not come from the top bit.
    return fingerprint ^ (<uint64_t>1 << 63)


cdef inline int64_t held_amount(int64_t word) noexcept nogil:
    return word & ((<int64_t>1 << AMOUNT_BITS) - 1) if word >= mark() else 0


cdef inline int64_t next_hold(int64_t word, int64_t amount, int64_t now) noexcept nogil:
    # `word` is what the hold was, 0 where it had no slot: then its version is taken from the clock.
    cdef int64_t version
    if word >= mark():
        version = (word >> AMOUNT_BITS) + 1
    else:
        version = (word if word else now >> 10) + 1
    version &= (<int64_t>1 << VERSION_BITS) - 1
    if amount <= 0:
        return (max((now >> VERSION_BITS) - 1, <int64_t>0) << VERSION_BITS) | version
    return mark() | (version << AMOUNT_BITS) | amount


cdef inline int64_t slack(int64_t tolerance) noexcept nogil:
    # How far past its limit a rate's debt is remembered, and a clock may be set back without cutting it.
    return max(<int64_t>60 * 1000000000, tolerance)


cdef inline int64_t used_word(
    const Slots *slots, uint64_t fingerprint, int64_t now, int kind, int64_t tolerance, int64_t start, int64_t end,
    Slot **slot
) noexcept nogil:
    # The word as it counts now: brought to full debt where it can only come from before the clock was set back.
    cdef int64_t word
    cdef int64_t full = now + tolerance if kind == RATE else end + tolerance
    cdef int64_t most = full + slack(tolerance) if kind == RATE else end + 2 * (end - start)
    slot[0] = find_counter(slots, fingerprint, &word)
    if word > most:
        slot_cas(slot[0], fingerprint, word, fingerprint, full)
        word = full
    return word


cdef inline int charge_used(
    const Slots *slots, uint64_t fingerprint, int64_t now, int kind, int64_t interval, int64_t tolerance, int64_t start,
    int64_t end, int64_t amount
) noexcept nogil:
    # Adds what was used, whatever the limit: 0, or FULL with nothing changed.
    cdef Slot *slot
    cdef int64_t word, new, most, step
    cdef int64_t base = now if kind == RATE else end
    cdef int _, verdict
    most = base + tolerance + slack(tolerance) if kind == RATE else end + (end - start) - 1
    # An amount beyond this is cut by `most` in any case, and must not overflow before.
    step = most - base if amount > (most - base) // interval else amount * interval
    for _ in range(ATTEMPTS):
        word = used_word(slots, fingerprint, now, kind, tolerance, start, end, &slot)
        new = min(max(word, base) + step, max(word, most))
        if slot is NULL:
            verdict = insert_counter(slots, fingerprint, now, new, &slot)
            if verdict == FULL:
                return FULL
            if verdict == INSERTED:
                return 0
        elif slot_cas(slot, fingerprint, word, fingerprint, new):
            return 0
    return FULL


cdef inline void release_hold(const Slots *slots, uint64_t fingerprint, int64_t amount, int64_t now) noexcept nogil:
    # What cannot be had within ATTEMPTS stays held, which is stricter.
    cdef uint64_t key = hold_key(fingerprint)
    cdef Slot *slot
    cdef int64_t word
    cdef int _
    if amount <= 0:
        return
    for _ in range(ATTEMPTS):
        slot = find_counter(slots, key, &word)
        if slot is NULL or word < mark():
            return
        if slot_cas(slot, key, word, key, next_hold(word, held_amount(word) - amount, now)):
            return
