# The slots of the bucket table: where a key's counter is, and how one is made.
#
# A slot is the 64-bit fingerprint of a key and a 64-bit TAT. A key lives in one of the slots of its two blocks (its
# window); a new one takes over an empty or idle slot there. Charge, refund, take-over and clearing are each ONE
# compare-and-swap of the whole slot (bucket_cas.h).
#
# Two processes that add the same key at once must not end with two counters for it. So a slot is claimed first:
# fingerprint plus a negative, unique number in place of the TAT. A claim holds no counter. Whoever meets a claim of its
# own key (its maker or, if that was killed, the next comer) looks through the window once more: with a counter of that
# key in another slot the claim is withdrawn; of two claims the first in the window's order stays and the other is
# cleared; a claim found alone is turned into the counter, first charge included, by one compare-and-swap that fails if
# the claim was touched since. As every claim is visible before its own second look begins, one of two rivals always
# sees the other; as the numbers are unique, a claim that was cleared and made again is not mistaken for the first.

from libc.stdint cimport int64_t, uint64_t
from posix.unistd cimport getpid


cdef extern from "bucket_cas.h" nogil:
    ctypedef struct Slot "tg_slot":
        pass
    bint slot_cas "tg_cas"(Slot *slot, uint64_t fingerprint, int64_t tat, uint64_t new_fingerprint, int64_t new_tat)
    uint64_t slot_fingerprint "tg_fingerprint"(const Slot *slot)
    int64_t slot_tat "tg_tat"(const Slot *slot)
    int64_t new_claim "tg_new_claim"(int64_t process)
    bint cas_supported "tg_cas_supported"()


cdef enum:
    # Two blocks of two adjacent cache lines each, and a new key goes to the block with more room. So the search for a
    # new key touches four lines, and a table of a million slots is 70 % full before a key finds none (one run of 16
    # slots: 30 %).
    BLOCK_SLOTS = 8
    WINDOW_SLOTS = 16
    INSERTED = -1
    FULL = -2
    TRY_AGAIN = -3

cdef struct Slots:
    Slot *first
    uint64_t mask  # of a block's number

cdef struct Victim:
    int free  # slots of the block that are empty or idle
    Slot *slot
    uint64_t key
    int64_t tat
    int offset


cdef inline bint preferred(uint64_t key, int64_t tat, uint64_t than_key, int64_t than_tat) noexcept nogil:
    # Empty before idle, longer idle before shorter, another's claim (negative) last.
    if key == 0 or than_key == 0:
        return key == 0 and than_key != 0
    if tat < 0 or than_tat < 0:
        return tat >= 0
    return tat < than_tat


cdef inline Slot *slot_at(const Slots *slots, uint64_t fingerprint, int offset) noexcept nogil:
    # The blocks' numbers come from either half of the fingerprint and always differ.
    cdef uint64_t block = fingerprint & slots.mask
    cdef uint64_t other = (fingerprint >> 32) & slots.mask
    if offset >= BLOCK_SLOTS:
        block ^= other if other else 1
    return &slots.first[block * BLOCK_SLOTS + <uint64_t>(offset % BLOCK_SLOTS)]


cdef inline Slot *find_counter(const Slots *slots, uint64_t fingerprint, int64_t *tat) noexcept nogil:
    # The slot that holds the counter, or NULL with *tat 0. A claim is not a counter. The fingerprint is read again
    # after the time: what was read in between belongs to it.
    cdef Slot *slot
    cdef int64_t seen
    cdef int offset
    for offset in range(WINDOW_SLOTS):
        slot = slot_at(slots, fingerprint, offset)
        if slot_fingerprint(slot) == fingerprint:
            seen = slot_tat(slot)
            if seen >= 0 and slot_fingerprint(slot) == fingerprint:
                tat[0] = seen
                return slot
    tat[0] = 0
    return NULL


cdef inline int insert_counter(
    const Slots *slots, uint64_t fingerprint, int64_t now, int64_t tat, Slot **where
) noexcept nogil:
    # Make the counter with `tat` in it: INSERTED, FULL, or TRY_AGAIN when another process changed the window.
    cdef Slot *slot
    cdef Slot *claim = NULL
    cdef uint64_t key
    cdef int64_t seen, claimed = 0
    cdef int offset, block, claim_offset = 0
    cdef Victim[2] victims
    cdef Victim *victim

    # Take up a claim that somebody left behind; else choose the slot to take, in the block with more free ones:
    # empty, then the one idle longest. Another key's claim holds no debt, but its maker would have to begin again:
    # only where nothing else is left.
    victims[0] = victims[1] = Victim(0, NULL, 0, 0, 0)
    for offset in range(WINDOW_SLOTS):
        slot = slot_at(slots, fingerprint, offset)
        key = slot_fingerprint(slot)
        seen = slot_tat(slot)
        if key == fingerprint:
            if seen >= 0:
                return TRY_AGAIN
            claim = slot
            claimed = seen
            claim_offset = offset
            break
        if key and seen > now:
            continue
        victim = &victims[offset // BLOCK_SLOTS]
        if key == 0 or seen >= 0:
            victim.free += 1
        if victim.slot is NULL or preferred(key, seen, victim.key, victim.tat):
            victim.slot = slot
            victim.key = key
            victim.tat = seen
            victim.offset = offset
    if claim is NULL:
        block = victims[1].free > victims[0].free or victims[0].slot is NULL
        victim = &victims[block]
        if victim.slot is NULL:
            return FULL
        claim = victim.slot
        claim_offset = victim.offset
        claimed = new_claim(getpid())
        if not slot_cas(claim, victim.key, victim.tat, fingerprint, claimed):
            return TRY_AGAIN

    # The second look, begun after the claim was seen in place.
    for offset in range(WINDOW_SLOTS):
        slot = slot_at(slots, fingerprint, offset)
        if slot is claim or slot_fingerprint(slot) != fingerprint:
            continue
        seen = slot_tat(slot)
        if seen >= 0 or offset < claim_offset:
            slot_cas(claim, fingerprint, claimed, 0, 0)
            return TRY_AGAIN
        if not slot_cas(slot, fingerprint, seen, 0, 0):
            return TRY_AGAIN
    if not slot_cas(claim, fingerprint, claimed, fingerprint, tat):
        return TRY_AGAIN
    where[0] = claim
    return INSERTED
