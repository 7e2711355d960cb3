/* The two loops of the prefilter that look at every byte: where a digit stands, and where a literal may. */

#ifndef TIDEGATE_PREFILTER_SCAN_H
#define TIDEGATE_PREFILTER_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#if defined(__x86_64__) && defined(__GNUC__)
#define TG_GATHER 1
#include <cpuid.h>
#include <immintrin.h>
#else
#define TG_GATHER 0
#endif

enum { TG_MOST_PLACES = 512, TG_GRAM_WORDS = 2048 };

/* Three bytes each of those that English and programs have most, measured on 10 MB of documentation and source, the
   most frequent first. */
static const char tg_common[] =
    " ththeioning in co toed to  retioodeconor entandforng is es on comer teronsnd allin amethi"
    "inte tatere  deit ectnamverhisse codstrile seatinsts t pastaithat triuseers lile  catese c"
    "ustnt fil magitn tparestan  usresisthat prpro filinpacturerrll as eadaret tts agepreargrea"
    "noddefd tnterusontackasstinrinwitsioe sth ot nde it oniterethermenrefderess oretuextbleurn"
    "yoursie fineompinsctipatspaaseendt iortr tangoutselch ommptiererecles yolasde matlicdatabl"
    "unccaltorte perme plemodsedal canultnpmge serns mplireaincesensfun suace  senc do neratval"
    "romporcheworourmane psinhantatlatathstearshenfroce t cevealse rthoe nputpentpsgettenleanal"
    "d irant olisoneonfd a frrsechaoveckakagequtraitiruntalexpicedenry attodudepiveritopeloc me"
    "orket cliant ledirdesideurellolanrgeferom eratchnsenewribfigrepmesn cn i woncelenaddscrmet"
    "criwilatane incntrs ncatt fredalicene bheadinlsey tactdulposriplibtimaulizeefafaus ftreign"
    "cartexhasippicafixlueailrt efistintaibuakessifiedisappipt pofinttewriliprequmer asubthuime"
    "ct s chubquirelernhreeatntisesrgorreregmaidifdocifiachariplahavreeticgeskeycornged ot ruti"
    "pannintryhinrceounr iss t dr clitmersho atitynerramh torgffeomemaktlyncteseichcurbasatc he"
    "taibuihicseeharditpriecondlt nuirsecnumctononermeart larnetad wsitullur inkooloinockncoast"
    "mineckdecsseempnitid ediinf nuraclogrksfaliedplibraethocaegitivlled nhecampancsontabmbendi"
    "uctenat ha cilioseorderg_cod cexarouigus dudearyialt morionachis remoberrnauffnesic anslet"
    "gurericreinagralerlt ck wanertfonnfogisostgenkeneantilelsstoatuepoikeriaictissnowliklarty "
    "ongl teneginstsy cumb gosigunit eflaautokeusiaccvelpedmarnilardloaeedckemisuntbooashlacn n"
    "lsoettsenurrsolrochelscosulurasagccewayellositokcoulobbacolloce kerovxt rojvisisels imihon"
    "pes_pa_inaton medetagnatcloealgertitficepaexcisitoormigloeliubll it ussadgeolepposofhodral";

/* Tables of 65,536 bits, in words of 32, by the hash of what stands at a place. `three`: of each literal, three bytes.
   `four`: the same and the byte behind them; `ends`: the three bytes of literals that end with these. Most places whose
   three bytes are in words of ordinary text are told by the fourth. `factor`: of the hash of three bytes; it ends in
   eight zeros, so that a fourth falls out of the product. */
typedef struct {
    uint32_t factor;
    uint32_t three[TG_GRAM_WORDS], four[TG_GRAM_WORDS], ends[TG_GRAM_WORDS];
} tg_grams;

/* The first ASCII digit in [p, end), or end. */
static inline const uint8_t *tg_next_digit(const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
    /* As signed bytes, digits are those above '/' and below ':'. */
    const __m128i below = _mm_set1_epi8('/'), above = _mm_set1_epi8(':');
    while (end - p >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)p);
        int mask = _mm_movemask_epi8(_mm_and_si128(_mm_cmpgt_epi8(block, below), _mm_cmplt_epi8(block, above)));
        if (mask) return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#endif
    while (p < end && (uint8_t)(*p - '0') > 9) p++;
    return p;
}

/* Three bytes, the lowest of `lower`, as 16 bits. Upper and lower case fold together; that other characters do too
   costs a comparison, not a miss. */
static inline uint32_t tg_hash_gram(uint32_t lower, uint32_t factor)
{
    return lower * factor >> 16;
}

/* Four bytes as one number, letters in lower case. */
static inline uint32_t tg_four_bytes(const uint8_t *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, 4);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap32(bytes);
#endif
    return bytes | 0x20202020u;
}

static inline uint32_t tg_gram(const uint8_t *p)
{
    return tg_hash_gram(tg_four_bytes(p), 0x9e377900u);
}

static inline uint32_t tg_hash_four(uint32_t lower)
{
    return lower * 0x9e3779b1u >> 16;
}

static inline int tg_has_gram(const uint32_t *bits, uint32_t gram)
{
    return bits[gram >> 5] >> (gram & 31) & 1;
}

static inline void tg_set_gram(uint32_t *bits, uint32_t gram)
{
    bits[gram >> 5] |= (uint32_t)1 << (gram & 31);
}

/* Note the literal's bytes from `offset` on. */
static inline void tg_add_literal(tg_grams *grams, const uint8_t *text, uint32_t size, uint32_t offset)
{
    uint32_t lower = tg_four_bytes(text + offset);
    tg_set_gram(grams->three, tg_hash_gram(lower, grams->factor));
    if (size - offset == 3) tg_set_gram(grams->ends, tg_hash_gram(lower, grams->factor));
    else tg_set_gram(grams->four, tg_hash_four(lower));
}

/* Empties the tables for the hash of this number. */
static inline void tg_clear_grams(tg_grams *grams, uint32_t number)
{
    memset(grams, 0, sizeof *grams);
    grams->factor = (0x9e3779u + 0x3c6ef2u * number) << 8;
}

/* How much of ordinary text is in the table of three bytes, by chance or not; by a measure of its own. */
static inline float tg_burden(const tg_grams *grams)
{
    const int kinds = (int)(sizeof tg_common / 3);
    float burden = 0;
    for (int rank = 0; rank < kinds; rank++) {
        const uint32_t lower = tg_four_bytes((const uint8_t *)tg_common + 3 * rank);
        if (tg_has_gram(grams->three, tg_hash_gram(lower, grams->factor))) burden += 1.0f / (float)(rank + 20);
    }
    return burden;
}

/* Whether a place whose three bytes are in the table may begin one of the literals' four, or the end of one. */
static inline int tg_goes_on(const tg_grams *grams, const uint8_t *p)
{
    uint32_t lower = tg_four_bytes(p);
    return tg_has_gram(grams->four, tg_hash_four(lower)) | tg_has_gram(grams->ends, tg_hash_gram(lower, grams->factor));
}

/* The first place in [p, last] whose three bytes are in the table, or NULL. The byte behind the three is read. */
static inline const uint8_t *tg_next_gram(const uint8_t *p, const uint8_t *last, const tg_grams *grams)
{
    const uint32_t *bits = grams->three, factor = grams->factor;
    while (last - p >= 5) {
        /* Six places out of one word. */
        uint64_t word;
        memcpy(&word, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word |= 0x2020202020202020u;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)word, factor))) return p;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)(word >> 8), factor))) return p + 1;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)(word >> 16), factor))) return p + 2;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)(word >> 24), factor))) return p + 3;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)(word >> 32), factor))) return p + 4;
        if (tg_has_gram(bits, tg_hash_gram((uint32_t)(word >> 40), factor))) return p + 5;
        p += 6;
    }
    for (; p <= last; p++) {
        if (tg_has_gram(bits, tg_hash_gram(tg_four_bytes(p), factor))) return p;
    }
    return NULL;
}

/* The places from *at on, up to `last`, that are in the tables, as far as there is room for them. *at becomes where to
   go on: behind `last` at the end. */
static int tg_places_plain(const uint8_t **at, const uint8_t *last, const tg_grams *grams, const uint8_t **places)
{
    const uint8_t *p = *at;
    int count = 0;
    while (count < TG_MOST_PLACES && p <= last) {
        p = tg_next_gram(p, last, grams);
        if (p == NULL) {
            p = last + 1;
            break;
        }
        places[count] = p;
        count += tg_goes_on(grams, p++);
    }
    *at = p;
    return count;
}

#if TG_GATHER
/* Of each set of eight lanes, which they are, the first one in the lowest byte. */
static uint64_t tg_lanes[256];

__attribute__((constructor)) static void tg_number_lanes(void)
{
    for (unsigned set = 0; set < 256; set++) {
        unsigned count = 0;
        for (uint64_t lane = 0; lane < 8; lane++)
            if (set >> lane & 1) tg_lanes[set] |= lane << 8 * count++;
    }
}

/* The same, eight places at a time. Where the next one is cannot be foreseen, so nothing here waits for it: first the
   sets of lanes that are found are noted, then their places, each over what was too many before, then those go on that
   may. In one loop, a gather would wait for where the store before it goes. */
__attribute__((target("avx2,popcnt"))) static int
tg_places_gathered(const uint8_t **at, const uint8_t *last, const tg_grams *grams, const uint8_t **places)
{
    const __m256i runs = _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6,
                                          4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10);
    const __m256i factor = _mm256_set1_epi32((int)grams->factor);
    const __m256i lower = _mm256_set1_epi8(0x20), low = _mm256_set1_epi32(31);
    const uint8_t *begin = *at;
    ptrdiff_t blocks = (last - begin) / 8 - 1;
    uint8_t sets[TG_MOST_PLACES / 8];
    uint32_t offsets[TG_MOST_PLACES + 8];
    unsigned found = 0;
    int count = 0;
    if (blocks > TG_MOST_PLACES / 8) blocks = TG_MOST_PLACES / 8;
    for (ptrdiff_t block = 0; block < blocks; block++) {
        __m256i text = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(begin + 8 * block)));
        __m256i lowered = _mm256_or_si256(_mm256_shuffle_epi8(text, runs), lower);
        __m256i hash = _mm256_srli_epi32(_mm256_mullo_epi32(lowered, factor), 16);
        __m256i words = _mm256_i32gather_epi32((const int *)grams->three, _mm256_srli_epi32(hash, 5), 4);
        /* The bit of each becomes its sign. */
        __m256i signs = _mm256_sllv_epi32(words, _mm256_andnot_si256(hash, low));
        sets[block] = (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(signs));
    }
    for (ptrdiff_t block = 0; block < blocks; block++) {
        __m256i lanes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(tg_lanes + sets[block])));
        __m256i those = _mm256_add_epi32(lanes, _mm256_set1_epi32((int)(8 * block)));
        _mm256_storeu_si256((__m256i *)(offsets + found), those);
        found += (unsigned)__builtin_popcount(sets[block]);
    }
    for (unsigned index = 0; index < found; index++) {
        places[count] = begin + offsets[index];
        count += tg_goes_on(grams, places[count]);
    }
    *at = begin + 8 * blocks;
    return count;
}

/* Whether the machine gathers words faster than it loads them one by one. Intel's cores from Skylake to Rocket Lake do
   not, since the microcode against Gather Data Sampling (CVE-2022-40982); later ones tell themselves by AVX-VNNI. */
static int tg_gathers(void)
{
    static const uint8_t sampled[] = {78, 85, 94, 102, 106, 108, 125, 126, 140, 141, 142, 158, 165, 166, 167};
    unsigned a, b, c, d, model;
    if (!__builtin_cpu_supports("avx2")) return 0;
    if (!__builtin_cpu_is("intel") || !__get_cpuid(1, &a, &b, &c, &d)) return 1;
    model = (a >> 4 & 15) | (a >> 12 & 0xf0);
    if ((a >> 8 & 15) != 6 || memchr(sampled, (int)model, sizeof sampled) == NULL) return 1;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#else
static int tg_gathers(void) { return 0; }
#endif

static inline int tg_places(int gathers, const uint8_t **at, const uint8_t *last, const tg_grams *grams,
                            const uint8_t **places)
{
#if TG_GATHER
    if (gathers && last - *at >= 16) return tg_places_gathered(at, last, grams, places);
#endif
    (void)gathers;
    return tg_places_plain(at, last, grams, places);
}

/* How much of ordinary English a byte is: letters by their percentage, a space before all. */
static float tg_share_of_byte(uint8_t byte)
{
    static const char letters[] = "etaoinshrdlcumwfgypbvkjxqz";
    static const uint8_t mille[] = {102, 75, 65, 62, 57, 57, 53, 50, 50, 34, 33, 23, 23,
                                    20,  20, 18, 17, 16, 15, 12, 8,  6,  1,  1,  1,  1};
    const char *found = byte ? strchr(letters, byte) : NULL;
    if (found) return mille[found - letters] / 1000.0f;
    return byte == ' ' ? 0.17f : 0.002f;
}

/* Where in a literal the three bytes begin that text has least, with one behind them, where it has so many. Of what is
   not common the share of letters tells enough. */
static uint32_t tg_rarest_gram(const uint8_t *text, uint32_t size)
{
    const int kinds = (int)(sizeof tg_common / 3);
    float least = 1e9f;
    uint32_t rarest = 0;
    for (uint32_t at = 0; at + (size > 3 ? 4 : 3) <= size; at++) {
        float share = tg_share_of_byte(text[at]) * tg_share_of_byte(text[at + 1]) * tg_share_of_byte(text[at + 2]);
        for (int rank = 0; rank < kinds; rank++) {
            if (memcmp(text + at, tg_common + 3 * rank, 3) == 0) {
                share = (float)(1 + kinds - rank);
                break;
            }
        }
        if (share < least) {
            least = share;
            rarest = at;
        }
    }
    return rarest;
}

#endif
