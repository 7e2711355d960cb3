/* The loops of the `echo` kernel that look at every byte: where words begin, and which of them no source can have. */

#ifndef TIDEGATE_ECHO_SCAN_H
#define TIDEGATE_ECHO_SCAN_H

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include "kinds.h"

enum { TG_HEAD = 8, TG_HEAD_BITS = 15, TG_PAIR_BITS = 16, TG_CHUNK = 64 };

static inline int tg_is_word(uint8_t c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 26;
}

/* The start of the count-th word (from 1) at p or later, or end. Nothing of a word stands before p. */
static inline const uint8_t *tg_word(const uint8_t *p, const uint8_t *end, int count)
{
    int inside = 0;
#if defined(__SSE2__)
    const __m128i fold = _mm_set1_epi8(0x20);
    while (end - p >= 16) {
        const __m128i v = _mm_loadu_si128((const __m128i *)p), low = _mm_or_si128(v, fold);
        const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(low, _mm_set1_epi8('a' - 1)),
                                             _mm_cmplt_epi8(low, _mm_set1_epi8('z' + 1)));
        const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
                                            _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
        /* From 0xC0 on, as signed numbers: the first byte of a character that is a word. */
        const __m128i lead = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(-65)),
                                           _mm_cmplt_epi8(v, _mm_setzero_si128()));
        const uint32_t words = (uint32_t)_mm_movemask_epi8(_mm_or_si128(letter, digit));
        uint32_t starts = (words & ~(words << 1 | (uint32_t)inside)) | (uint32_t)_mm_movemask_epi8(lead);
        /* Few of sixteen bytes begin a word: to count them one by one is faster than without a machine's popcnt. */
        for (; starts; starts &= starts - 1) {
            if (--count == 0) return p + __builtin_ctz(starts);
        }
        inside = (int)(words >> 15);
        p += 16;
    }
#endif
    for (; p < end; p++) {
        const int word = tg_is_word(*p);
        if (((word && !inside) || *p >= 0xC0) && --count == 0) return p;
        inside = word;
    }
    return end;
}

static inline uint64_t tg_head_of(uint64_t bytes, ptrdiff_t size)
{
    /* Without a branch: how long words are nobody foresees. */
    bytes &= UINT64_MAX >> (64 - 8 * (size < TG_HEAD ? size : TG_HEAD));
    return ((bytes | 0x2020202020202020u) ^ (uint64_t)size << 59) * 0x9e3779b97f4a7c15u;
}

/* A number for a word, by its first bytes and its length. Bytes fold together as letters of both cases do, and some more. */
static inline uint64_t tg_head(const uint8_t *word, ptrdiff_t size)
{
    uint64_t bytes = 0;
    memcpy(&bytes, word, (size_t)(size < TG_HEAD ? size : TG_HEAD));
    return tg_head_of(bytes, size);
}

/* Tables of bits for such numbers, and for those of two words that follow each other. */
static inline uint32_t tg_head_place(uint64_t head)
{
    return (uint32_t)(head >> (64 - TG_HEAD_BITS));
}

static inline uint32_t tg_pair_place(uint64_t one, uint64_t two)
{
    return (uint32_t)(((one >> 7 ^ two) * 0x9e3779b97f4a7c15u) >> (64 - TG_PAIR_BITS));
}

static inline int tg_bit(const uint32_t *bits, uint32_t place)
{
    return bits[place >> 5] >> (place & 31) & 1;
}

static inline void tg_set_bit(uint32_t *bits, uint32_t place)
{
    bits[place >> 5] |= UINT32_C(1) << (place & 31);
}

#if TG_WIDE
/* The number of a word at the bit `start` of `others`, which has those that are no letters and digits. `behind`: where it
   ends; TG_BLOCK if it does not in the block. */
TG_WIDELY static inline uint64_t tg_head_in(const uint8_t *block, int start, uint64_t others, int *behind)
{
    uint64_t bytes;
    int size;
    if (block[start] >= 0xC0) {
        size = 1;
        while (start + size < TG_BLOCK && (block[start + size] & 0xC0) == 0x80) size++;
    } else {
        others >>= start;
        size = others ? __builtin_ctzll(others) : TG_BLOCK - start;
    }
    *behind = start + size;
    memcpy(&bytes, block + start, TG_HEAD);
    return tg_head_of(bytes, size);
}

/* Where words begin in some text, and which bytes are no letters and digits: a bit for each. */
typedef struct {
    uint64_t starts[TG_CHUNK + 1], others[TG_CHUNK + 1];
} tg_words;

/* Reads `blocks` blocks, TG_CHUNK at most. Nothing of a word stands before them. */
TG_WIDELY static void tg_read_words(tg_words *words, const tg_kind *alnum, const uint8_t *text, ptrdiff_t blocks)
{
    const tg_tables tables = tg_tables_of(alnum);
    const __m256i lead = _mm256_set1_epi8(-65), zero = _mm256_setzero_si256();
    uint64_t inside = 0;
    for (ptrdiff_t index = 0; index < blocks; index++) {
        const uint8_t *block = text + index * TG_BLOCK;
        const uint64_t members = tg_members64(block, tables);
        const __m256i low = _mm256_loadu_si256((const __m256i *)block);
        const __m256i high = _mm256_loadu_si256((const __m256i *)(block + 32));
        uint64_t starts = members & ~(members << 1 | inside);
        if (_mm256_movemask_epi8(_mm256_or_si256(low, high))) {
            /* From 0xC0 on, as signed numbers: the first byte of a character that is a word. */
            starts |= (uint32_t)_mm256_movemask_epi8(
                _mm256_and_si256(_mm256_cmpgt_epi8(low, lead), _mm256_cmpgt_epi8(zero, low)));
            starts |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
                _mm256_and_si256(_mm256_cmpgt_epi8(high, lead), _mm256_cmpgt_epi8(zero, high))) << 32;
        }
        inside = members >> 63;
        words->starts[index] = starts;
        words->others[index] = ~members;
    }
    words->starts[blocks] = words->others[blocks] = 0;
}

/* The bits of the 64 bytes from `at` on. */
static inline uint64_t tg_bits_at(const uint64_t *bits, ptrdiff_t at)
{
    const int moved = (int)(at % 64);
    return bits[at / 64] >> moved | bits[at / 64 + 1] << 1 << (63 - moved);
}

/* From where on a sequence of `count` words may stand that begins at `at` or later: its last one is no source's before, or
   its last two are no pair. As far as 64 bytes tell. Nothing of a word stands before `at`. */
TG_WIDELY static ptrdiff_t tg_skip_wide(const tg_kind *alnum, const uint32_t *heads, const uint32_t *pairs,
                                        const uint8_t *text, ptrdiff_t at, ptrdiff_t size, int count)
{
    tg_words words;
    while (size - at >= TG_BLOCK + TG_HEAD) {
        const uint8_t *begin = text + at;
        const ptrdiff_t whole = (size - at) / TG_BLOCK, blocks = whole < TG_CHUNK ? whole : TG_CHUNK;
        ptrdiff_t last = blocks * TG_BLOCK - TG_BLOCK, place = 0;
        if (last > size - at - TG_BLOCK - TG_HEAD) last = size - at - TG_BLOCK - TG_HEAD;
        tg_read_words(&words, alnum, begin, blocks);
        while (place <= last) {
            const uint64_t others = tg_bits_at(words.others, place);
            uint64_t starts = tg_bits_at(words.starts, place), one, two;
            int before, start, behind;
            if (__builtin_popcountll(starts) < count) return at + place;
            for (int index = 2; index < count; index++) starts &= starts - 1;
            before = __builtin_ctzll(starts);
            start = __builtin_ctzll(starts & (starts - 1));
            two = tg_head_in(begin + place, start, others, &behind);
            if (behind >= TG_BLOCK) return at + place;
            if (!tg_bit(heads, tg_head_place(two))) {
                place += behind;
                continue;
            }
            one = tg_head_in(begin + place, before, others, &behind);
            if (tg_bit(pairs, tg_pair_place(one, two))) return at + place;
            place += start;
        }
        at += place;
    }
    return at;
}
#endif

static inline ptrdiff_t tg_skip(int wide, const tg_kind *alnum, const uint32_t *heads, const uint32_t *pairs,
                                const uint8_t *text, ptrdiff_t at, ptrdiff_t size, int count)
{
#if TG_WIDE
    if (wide) return tg_skip_wide(alnum, heads, pairs, text, at, size, count);
#endif
    (void)wide;
    return at;
}

#endif
