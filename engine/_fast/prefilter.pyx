"""Which rules could match at all: a literal that they need stands in the text, or enough digits close together.

Theory of operation
    Every rule names literals of which one stands in each of its matches, or a number of digits that each of its
    matches has close together, or neither; then it is always a candidate. Of each literal one run of three bytes, the
    one that English has least, is hashed into 16 bits. The text is walked once, three bytes at a time in steps of one,
    and each is looked up in a table of bits that stays in the first-level cache; only where its bit is set is the
    literal itself compared. Digits are counted in a second pass, 16 bytes at a time where there are none.

Guarantees
    - A rule that has a match in the text is among the candidates, provided that what it names is true: a literal is
      found in any mix of upper and lower case (ASCII). A candidate need not match.
    - Time is linear in the text but for texts made of one literal over and over, where it is linear in text times the
      number of literals that share its three bytes (a handful).
    - Objects are immutable after their making and may be used by several threads.

Not handled
    Letters outside of ASCII have one case.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memset


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #endif

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

    static inline uint32_t tg_gram(const uint8_t *p)
    {
        /* Upper and lower case fold together; that other characters do too costs a comparison, not a miss. */
        uint32_t gram;
        memcpy(&gram, p, 4);
        return ((gram | 0x202020u) & 0xffffffu) * 0x9e3779b1u >> 16;
    }
    """
    const uint8_t *next_digit "tg_next_digit"(const uint8_t *p, const uint8_t *end) noexcept nogil
    uint32_t gram_of "tg_gram"(const uint8_t *p) noexcept nogil
    int lowest_bit "__builtin_ctzll"(uint64_t word) noexcept nogil


# Below this, giving up and taking back the interpreter costs more than the search.
cdef Py_ssize_t RELEASE_ABOVE = 16384

cdef enum:
    GRAM = 3
    GRAMS = 65536
    GRAM_WORDS = 1024           # bits, in words of 64
    MOST_RULES = 1024
    RULE_WORDS = 16
    # Digits of one number may be written with this many bytes between two of them.
    DIGIT_GAP = 3

# Letters in the order in which English uses them; whatever is not among them is rarer still.
cdef bytes _COMMON = b"etaoinshrdlcumwfgypbvkjxqz"

cdef list NOTHING = []

GAP = DIGIT_GAP
"""How many other bytes may stand between two digits that are close together."""


cdef struct Literal:
    const uint8_t *text         # in lower case
    uint32_t size
    uint32_t offset             # of its hashed run
    uint16_t rule
    uint16_t next               # the next literal with this hash, + 1


cdef inline bint _same(const uint8_t *text, const uint8_t *lower, uint32_t size) noexcept nogil:
    cdef uint32_t index
    cdef uint8_t c
    for index in range(size):
        c = text[index]
        if 65 <= c <= 90:
            c |= 0x20
        if c != lower[index]:
            return False
    return True


cdef int _rarity(const uint8_t *gram):
    """How seldom English has a run of three characters: the sum of how seldom it has each."""
    cdef int total = 0
    cdef int index
    for index in range(GRAM):
        found = _COMMON.find(gram[index:index + 1])
        # A space is the most common of all.
        total += found if found >= 0 else -6 if gram[index] == 32 else 60
    return total


cdef class Prefilter:
    """The needs of a list of rules. `literals` and `digits` have an entry for each rule.

    literals: of each rule, ASCII in lower case; of 1 or 2 bytes, or of 3 and more. Empty: none is needed.
    digits: of each rule, how many digits it needs no more than GAP bytes apart; 0: none.
    A rule with both needs both. Raises ValueError for another literal or more than 1024 rules.
    """

    cdef uint64_t _bits[GRAM_WORDS]
    cdef uint16_t *_first
    cdef Literal *_literals
    cdef Py_ssize_t _count
    cdef list _texts
    cdef Literal *_short                    # those of 1 or 2 bytes
    cdef Py_ssize_t _short_count
    cdef uint64_t _always[RULE_WORDS]     # rules that need no literal
    cdef uint32_t _least                  # digits that one of these needs at least
    cdef uint32_t _digits[MOST_RULES]
    cdef bint _count_digits
    cdef Py_ssize_t _rules

    def __cinit__(self, literals, digits):
        cdef Py_ssize_t index = 0
        cdef Literal *literal
        cdef uint32_t gram
        self._rules = len(literals)
        if self._rules != len(digits):
            raise ValueError("one entry for each rule is needed")
        if self._rules > MOST_RULES:
            raise ValueError(f"at most {MOST_RULES} rules")
        memset(self._bits, 0, sizeof(self._bits))
        memset(self._always, 0, sizeof(self._always))
        self._count_digits = any(digits)
        self._texts = []
        self._least = 0xFFFFFFFF
        short_ones = []
        long_ones = []
        for rule, (needed, count) in enumerate(zip(literals, digits)):
            self._digits[rule] = count
            if not needed:
                self._always[<Py_ssize_t>rule // 64] |= <uint64_t>1 << (<Py_ssize_t>rule % 64)
                self._least = min(self._least, <uint32_t>count)
            for each in needed:
                if not each or each != each.lower() or not each.isascii():
                    raise ValueError(f"{each!r} is no ASCII text in lower case")
                if len(each) < GRAM:
                    short_ones.append((each, rule))
                else:
                    long_ones.append((each, rule))
        self._count = len(long_ones)
        if self._count >= 0xFFFF:
            raise ValueError("too many literals")
        self._short_count = len(short_ones)
        self._short = <Literal *>calloc(self._short_count + 1, sizeof(Literal))
        self._first = <uint16_t *>calloc(GRAMS, sizeof(uint16_t))
        self._literals = <Literal *>calloc(self._count + 1, sizeof(Literal))
        if self._first == NULL or self._literals == NULL or self._short == NULL:
            raise MemoryError()
        for each, rule in short_ones:
            literal = self._short + index
            self._texts.append(each)
            literal.text = <const uint8_t *>PyBytes_AS_STRING(each)
            literal.size = len(each)
            literal.rule = rule
            index += 1
        index = 0
        for each, rule in long_ones:
            literal = self._literals + index
            self._texts.append(each)
            literal.text = <const uint8_t *>PyBytes_AS_STRING(each)
            literal.size = len(each)
            literal.rule = rule
            literal.offset = max(range(len(each) - GRAM + 1), key=lambda at: _rarity(literal.text + <Py_ssize_t>at))
            gram = gram_of(literal.text + literal.offset)
            literal.next = self._first[gram]
            index += 1
            self._first[gram] = index
            self._bits[gram // 64] |= <uint64_t>1 << (gram % 64)

    def __dealloc__(self):
        free(self._first)
        free(self._literals)
        free(self._short)

    cdef void _find(self, const uint8_t *start, const uint8_t *end, uint64_t *found) noexcept nogil:
        """Mark the rules of which a literal of three bytes or more stands in [start, end)."""
        cdef const uint8_t *p = start
        cdef const uint8_t *last = end - GRAM
        cdef uint32_t gram
        cdef uint16_t index
        cdef Literal *literal
        while p <= last:
            gram = gram_of(p)
            if self._bits[gram // 64] >> (gram % 64) & 1:
                index = self._first[gram]
                while index:
                    literal = self._literals + index - 1
                    if (
                        p - start >= literal.offset
                        and end - p >= literal.size - literal.offset
                        and _same(p - literal.offset, literal.text, literal.size)
                    ):
                        found[literal.rule // 64] |= <uint64_t>1 << (literal.rule % 64)
                    index = literal.next
            p += 1

    def candidates(self, bytes text not None, Py_ssize_t begin = 0) -> list:
        """The indices of the rules that `text` may match from byte `begin` on, ascending. The list is immutable."""
        cdef const uint8_t *end = <const uint8_t *>PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
        cdef const uint8_t *start = end - max(PyBytes_GET_SIZE(text) - max(begin, 0), 0)
        cdef uint64_t found[RULE_WORDS]
        cdef uint32_t digits
        cdef Py_ssize_t words = (self._rules + 63) // 64
        cdef Py_ssize_t index, rule
        cdef uint64_t word
        memset(found, 0, words * sizeof(uint64_t))
        if end - start > RELEASE_ABOVE:
            with nogil:
                self._find(start, end, found)
                digits = _most_digits(start, end) if self._count_digits else 0
        else:
            self._find(start, end, found)
            digits = _most_digits(start, end) if self._count_digits else 0
        for index in range(self._short_count):
            if _occurs(start, end, self._short[index].text, self._short[index].size):
                found[self._short[index].rule // 64] |= <uint64_t>1 << (self._short[index].rule % 64)
        if digits >= self._least:
            for index in range(words):
                found[index] |= self._always[index]
        hits = None
        for index in range(words):
            word = found[index]
            while word:
                rule = index * 64 + lowest_bit(word)
                word &= word - 1
                if self._digits[rule] <= digits:
                    if hits is None:
                        hits = []
                    hits.append(rule)
        return NOTHING if hits is None else hits


cdef bint _occurs(const uint8_t *start, const uint8_t *end, const uint8_t *text, uint32_t size) noexcept nogil:
    """Whether a literal of one or two bytes stands in [start, end)."""
    cdef const uint8_t *p = start
    if not 97 <= text[0] <= 122:
        while True:
            p = <const uint8_t *>memchr(p, text[0], end - p)
            if p == NULL or end - p < size:
                return False
            if _same(p, text, size):
                return True
            p += 1
    while end - p >= size:
        if _same(p, text, size):
            return True
        p += 1
    return False


cdef uint32_t _most_digits(const uint8_t *start, const uint8_t *end) noexcept nogil:
    """The largest number of digits that stand no more than DIGIT_GAP other bytes apart."""
    cdef const uint8_t *p = next_digit(start, end)
    cdef const uint8_t *before = p
    cdef uint32_t count = 0
    cdef uint32_t most = 0
    while p < end:
        count = count + 1 if p - before <= DIGIT_GAP + 1 else 1
        if count > most:
            most = count
        before = p
        p += 1
        if p < end and 48 <= p[0] <= 57:
            continue
        p = next_digit(p, end)
    return most
