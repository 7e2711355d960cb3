/* Where bytes of one kind stand in a row: the loop of the `runs` kernel that looks at every byte, and what base64 hides. */

#ifndef TIDEGATE_RUNS_SCAN_H
#define TIDEGATE_RUNS_SCAN_H

#include "kinds.h"

enum { TG_MOST_SHIFTS = 6 };

/* Bytes of one kind, and how many of them are to stand in a row. */
typedef struct {
    tg_kind kind;
    ptrdiff_t least;
    /* A bit stays of each run of `least` bits, the lowest, if a word is combined with itself, moved by each of these. */
    int shifts[TG_MOST_SHIFTS];
    int shift_count;
} tg_row;

static void tg_row_of(tg_row *row, const uint8_t *members, size_t count, ptrdiff_t least)
{
    tg_kind_of(&row->kind, members, count);
    row->least = least;
    row->shift_count = 0;
    for (ptrdiff_t run = 1; run < least && least <= TG_BLOCK; run += row->shifts[row->shift_count++]) {
        row->shifts[row->shift_count] = (int)(least - run < run ? least - run : run);
    }
}

/* Where the first run begins in [at, size), or `size`. What is no run of `least` has another byte in every `least` bytes:
   the last of the next ones is looked at first, and from there back to the last that is no member. */
static ptrdiff_t tg_run_plain(const tg_row *row, const uint8_t *text, ptrdiff_t at, ptrdiff_t size)
{
    while (size - at >= row->least) {
        ptrdiff_t back = at + row->least;
        while (back > at && row->kind.is_member[text[back - 1]]) back--;
        if (back == at) return at;
        at = back;
    }
    return size;
}

#if TG_WIDE
/* The same, 64 bytes at a time. */
TG_WIDELY static ptrdiff_t tg_run_wide(const tg_row *row, const uint8_t *text, ptrdiff_t at, ptrdiff_t size)
{
    const tg_tables tables = tg_tables_of(&row->kind);
    /* Members right before the block. */
    ptrdiff_t before = 0;
    for (; size - at >= TG_BLOCK; at += TG_BLOCK) {
        const uint64_t members = tg_members64(text + at, tables), others = ~members;
        uint64_t runs = members;
        if (others == 0) {
            before += TG_BLOCK;
            if (before >= row->least) return at + TG_BLOCK - before;
            continue;
        }
        if (before + __builtin_ctzll(others) >= row->least) return at - before;
        if (row->least <= TG_BLOCK) {
            for (int index = 0; index < row->shift_count; index++) runs &= runs >> row->shifts[index];
            if (runs) return at + __builtin_ctzll(runs);
        }
        before = __builtin_clzll(others);
    }
    return tg_run_plain(row, text, at - before, size);
}
#endif

static inline ptrdiff_t tg_run(int wide, const tg_row *row, const uint8_t *text, ptrdiff_t at, ptrdiff_t size)
{
#if TG_WIDE
    if (wide && row->kind.is_ascii && size - at >= TG_BLOCK) return tg_run_wide(row, text, at, size);
#endif
    (void)wide;
    return tg_run_plain(row, text, at, size);
}

/* What a character of base64 stands for, in either alphabet of RFC 4648. */
static inline unsigned tg_sextet(uint8_t c)
{
    if (c >= 'a') return c - 'a' + 26u;
    if (c == '_') return 63;
    if (c >= 'A') return c - 'A';
    if (c >= '0') return c - '0' + 52u;
    return c == '/' ? 63 : 62;
}

/* Whether base64 of `size` characters, without its padding, may stand for text: UTF-8 without control characters. */
static int tg_may_be_text(const uint8_t *text, ptrdiff_t size)
{
    uint32_t bits = 0;
    int count = 0, following = 0;
    if (size % 4 == 1) return 0;
    for (ptrdiff_t index = 0; index < size; index++) {
        bits = bits << 6 | tg_sextet(text[index]);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        const uint8_t byte = (uint8_t)(bits >> count);
        if (byte < 0x80) {
            if (following || byte == 127 || (byte < 32 && byte != '\t' && byte != '\n' && byte != '\r')) return 0;
        } else if (byte < 0xC0) {
            if (following-- == 0) return 0;
        } else {
            if (following || byte < 0xC2 || byte > 0xF4) return 0;
            following = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
        }
    }
    return following == 0;
}

#endif
