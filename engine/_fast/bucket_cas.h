/* One 16-byte slot of the bucket table and the single instruction that changes it.
 *
 * Every change of a slot is one compare-and-swap of both halves, so a process that is killed leaves each slot
 * either as it was or as it was to be. Reads are two 8-byte loads and may be torn between two writes: nothing may
 * be decided on a read alone that a failed compare-and-swap (or a second look at the fingerprint) would not undo.
 *
 * The mapping is shared between processes: both instructions used here work on physical memory, hold no lock and
 * need no library (libatomic may fall back to a lock table, which is private to a process). A machine without
 * either is refused at compile time; an x86-64 without cmpxchg16b (the first ones of 2003) at import.
 */
#ifndef TIDEGATE_BUCKET_CAS_H
#define TIDEGATE_BUCKET_CAS_H

#include <stdint.h>

typedef struct {
    uint64_t fingerprint;
    int64_t tat;
} __attribute__((aligned(16))) tg_slot;

/* Sequentially consistent: the claim protocol needs a store (the claim) ordered before later loads. */
static inline uint64_t tg_fingerprint(const tg_slot *slot) {
    return __atomic_load_n(&slot->fingerprint, __ATOMIC_SEQ_CST);
}

static inline int64_t tg_tat(const tg_slot *slot) {
    return __atomic_load_n(&slot->tat, __ATOMIC_SEQ_CST);
}

#if defined(__x86_64__)

#include <cpuid.h>

static int tg_cas_supported(void) {
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_CMPXCHG16B) != 0;
}

static inline int tg_cas(tg_slot *slot, uint64_t fingerprint, int64_t tat, uint64_t new_fingerprint, int64_t new_tat) {
    int swapped;
    __asm__ __volatile__("lock cmpxchg16b %1"
                         : "=@ccz"(swapped), "+m"(*slot), "+a"(fingerprint), "+d"(tat)
                         : "b"(new_fingerprint), "c"(new_tat)
                         : "memory");
    return swapped;
}

#elif defined(__aarch64__)

static int tg_cas_supported(void) {
    return 1;
}

/* The exclusive pair is in every ARMv8. When the values differ the pair just read is not known to be untorn
 * (only a successful store proves it); that yields a false "changed" and the caller looks again. */
static inline int tg_cas(tg_slot *slot, uint64_t fingerprint, int64_t tat, uint64_t new_fingerprint, int64_t new_tat) {
    uint64_t seen_fingerprint;
    int64_t seen_tat;
    int failed;
    do {
        __asm__ __volatile__("ldaxp %0, %1, %2"
                             : "=&r"(seen_fingerprint), "=&r"(seen_tat)
                             : "Q"(*slot)
                             : "memory");
        if (seen_fingerprint != fingerprint || seen_tat != tat) {
            __asm__ __volatile__("clrex" ::: "memory");
            return 0;
        }
        __asm__ __volatile__("stlxp %w0, %2, %3, %1"
                             : "=&r"(failed), "=Q"(*slot)
                             : "r"(new_fingerprint), "r"(new_tat)
                             : "memory");
    } while (failed);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return 1;
}

#else
#error "the bucket kernel needs a 16-byte compare-and-swap: x86-64 (cmpxchg16b) or AArch64 (ldaxp/stlxp)"
#endif

/* A number that no other claim of this machine carries: process in the high bits, a counter in the low 40.
 * Negative, so that it is never taken for a time. Process ids are below 2^22 on Linux. */
static inline int64_t tg_new_claim(int64_t process) {
    static uint64_t counter = 0;
    uint64_t count = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED) & ((UINT64_C(1) << 40) - 1);
    return (int64_t)((UINT64_C(1) << 63) | (((uint64_t)process & 0x3fffff) << 40) | count);
}

#endif
