/* A row of a journal of open reservations, and the two accesses to it that other processes depend on.
 *
 * One process writes a journal, others only read it while that process lives. A row is filled before its state says
 * so (release), and read after its state was (acquire); every compare-and-swap of a counter orders what stands around it.
 */
#ifndef TIDEGATE_BUDGET_ROWS_H
#define TIDEGATE_BUDGET_ROWS_H

#include <stdint.h>

/* More limits than this that are reserved for one request is a mistake in a policy; a row is 1088 bytes. */
#define TG_HOLDS 16

typedef struct {
    uint64_t fingerprint;
    int64_t kind;
    int64_t interval;
    int64_t tolerance;
    int64_t start;
    int64_t end;
    int64_t amount;
    int64_t used;
} tg_hold;

typedef struct {
    int64_t state;
    int64_t count;
    int64_t done;
    int64_t since;
    int64_t reserved[4];
    tg_hold holds[TG_HOLDS];
} tg_row;

static inline void tg_publish(int64_t *word, int64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline int64_t tg_observe(const int64_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

#endif
