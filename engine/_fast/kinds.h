/* Which of 64 bytes are of one kind, as the bits of a word: what several kernels ask of all text. */

#ifndef TIDEGATE_KINDS_H
#define TIDEGATE_KINDS_H

#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__) && defined(__GNUC__)
#define TG_WIDE 1
#define TG_WIDELY __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#include <immintrin.h>
#else
#define TG_WIDE 0
#endif

enum { TG_BLOCK = 64 };

typedef struct {
    uint8_t is_member[256];
    /* By the low half of a byte: a bit for each high half with which it is a member. Only of ASCII. */
    uint8_t low[16];
    int is_ascii;
} tg_kind;

static void tg_kind_of(tg_kind *kind, const uint8_t *members, size_t count)
{
    kind->is_ascii = 1;
    for (size_t index = 0; index < count; index++) {
        const uint8_t member = members[index];
        kind->is_member[member] = 1;
        if (member < 128) kind->low[member & 15] |= (uint8_t)(1u << (member >> 4));
        else kind->is_ascii = 0;
    }
}

/* Whether this machine looks at 64 bytes at a time. */
static int tg_is_wide(void)
{
#if TG_WIDE
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
           && __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt");
#else
    return 0;
#endif
}

#if TG_WIDE
typedef struct {
    __m256i low, high;
} tg_tables;

TG_WIDELY static inline tg_tables tg_tables_of(const tg_kind *kind)
{
    return (tg_tables){
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)kind->low)),
        _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0)),
    };
}

TG_WIDELY static inline uint32_t tg_members32(const uint8_t *p, tg_tables tables)
{
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)p);
    const __m256i half = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    /* A byte of 128 and more selects nothing in the first table. */
    const __m256i both = _mm256_and_si256(_mm256_shuffle_epi8(tables.low, bytes),
                                          _mm256_shuffle_epi8(tables.high, half));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(both, _mm256_setzero_si256()));
}

/* The members of a kind of ASCII among the 64 bytes at p: bit 0 is the first one's. */
TG_WIDELY static inline uint64_t tg_members64(const uint8_t *p, tg_tables tables)
{
    return tg_members32(p, tables) | (uint64_t)tg_members32(p + 32, tables) << 32;
}

TG_WIDELY static const uint8_t *tg_next_member_wide(const tg_kind *kind, const uint8_t *p, const uint8_t *end)
{
    const tg_tables tables = tg_tables_of(kind);
    for (; end - p >= TG_BLOCK; p += TG_BLOCK) {
        const uint64_t members = tg_members64(p, tables);
        if (members) return p + __builtin_ctzll(members);
    }
    return p;
}
#endif

/* The first member of a kind in [p, end), or `end`. */
static inline const uint8_t *tg_next_member(int wide, const tg_kind *kind, const uint8_t *p, const uint8_t *end)
{
#if TG_WIDE
    if (wide && kind->is_ascii && end - p >= TG_BLOCK) p = tg_next_member_wide(kind, p, end);
#endif
    (void)wide;
    while (p < end && !kind->is_member[*p]) p++;
    return p;
}

#endif
