"""Words of some texts that come back in another: which runs of its words are theirs.

Theory of operation
    A word of a text is *covered* if it stands among WORDS words that follow each other in a source just so. Words are
    runs of ASCII letters and digits, blind to case; every other character outside of ASCII is a word by itself, so that
    scripts without spaces have words too. What is between two words is at most GAP bytes and makes no difference. A
    value is a run of covered words of which each ends such a sequence or belongs to the run's first one, cut after
    LONGEST words.

    The sources' words, pairs of words and sequences of words are kept as SipHash-2-4 values, under a key drawn at
    import, in three open-addressing tables. A text is read word by word with the last few at hand. While none of them
    is a source's, only the seventh and eighth of the words that follow are looked at: where these are no pair of a
    source, no sequence has both. Where words begin is told for 64 bytes at a time where the machine can, and that two
    words are no pair of a source's mostly by their first bytes and lengths.

    While a text goes on, what may still become a value begins where the last words are pairs of a source, one after the
    other. In a text about something else that is a word or two.

Guarantees
    - What `find` gives depends on the text from `LOOKBACK` bytes before `at` on, and on nothing else.
    - `tail` is never too late. It looks at the last few words only, unless these are a source's.
    - Time is linear in the text.

Not handled
    A source of fewer than WORDS words, and words of more than WORD bytes, which are none of a source. Two words whose
    hashes are equal are one: a matter of 64 bits.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from engine._fast.siphash cimport siphash

from os import urandom
from string import ascii_letters, digits


cdef extern from "echo_scan.h":
    ctypedef struct Kind "tg_kind":
        uint8_t is_member[256]
    void kind_of "tg_kind_of"(Kind *kind, const uint8_t *members, size_t count)
    bint is_wide "tg_is_wide"() noexcept nogil
    const uint8_t *tg_word(const uint8_t *p, const uint8_t *end, int count) noexcept nogil
    uint64_t tg_head(const uint8_t *word, Py_ssize_t size) noexcept nogil
    uint32_t tg_head_place(uint64_t head) noexcept nogil
    uint32_t tg_pair_place(uint64_t one, uint64_t two) noexcept nogil
    bint tg_bit(const uint32_t *bits, uint32_t place) noexcept nogil
    void tg_set_bit(uint32_t *bits, uint32_t place) noexcept nogil
    Py_ssize_t tg_skip(
        bint wide, const Kind *alnum, const uint32_t *heads, const uint32_t *pairs, const uint8_t *text, Py_ssize_t at,
        Py_ssize_t size, int count,
    ) noexcept nogil


cdef enum:
    IN_A_ROW = 8
    HEAD_WORDS = 1024           # 2 ** TG_HEAD_BITS bits, 32 in a word
    PAIR_WORDS = 2048           # 2 ** TG_PAIR_BITS bits
    LONGEST_RUN = 64
    LONGEST_GAP = 32
    LONGEST_WORD = 64

WORDS = IN_A_ROW
LONGEST = LONGEST_RUN
GAP = LONGEST_GAP
WORD = LONGEST_WORD

# Bytes that as many words and the gaps behind them take at most.
cdef Py_ssize_t SPAN = IN_A_ROW * (LONGEST_WORD + LONGEST_GAP)
LOOKBACK = SPAN + 1
# How far back is looked, in bytes, while it does not do: for a word or two, for any word, for as many as a value has.
cdef Py_ssize_t[3] ROOMS
ROOMS[0], ROOMS[1], ROOMS[2] = 24, LONGEST_WORD + LONGEST_GAP + 1, (LONGEST_RUN + 3) * (LONGEST_WORD + LONGEST_GAP)

cdef uint64_t[2] _key
cdef bytes _entropy = urandom(16)
memcpy(_key, PyBytes_AS_STRING(_entropy), 16)

# An odd number without a pattern (the golden ratio's): two words one way round are not the same the other way.
cdef uint64_t STEP = <uint64_t>0x9E3779B97F4A7C15


cdef struct Word:
    Py_ssize_t start
    Py_ssize_t end
    uint64_t hash               # 0: too long to be a source's


cdef struct Table:
    uint64_t *slots             # 0: free
    uint64_t mask


cdef int _begin(Table *table, Py_ssize_t count) except -1:
    cdef uint64_t size = 16
    while size < <uint64_t>count * 2:
        size *= 2
    table.slots = <uint64_t *>calloc(size, sizeof(uint64_t))
    if table.slots == NULL:
        raise MemoryError()
    table.mask = size - 1
    return 0


cdef inline uint64_t *_slot(const Table *table, uint64_t value) noexcept nogil:
    cdef uint64_t at = value & table.mask
    while table.slots[at] != 0 and table.slots[at] != value:
        at = (at + 1) & table.mask
    return table.slots + at


cdef inline bint _has(const Table *table, uint64_t value) noexcept nogil:
    return value != 0 and _slot(table, value)[0] == value


# What each byte is: of a word (letters and digits of ASCII); the first of a character that is one; between words.
cdef enum:
    BETWEEN, OF_WORD, CHARACTER

cdef bytes _letters_and_digits = (ascii_letters + digits).encode()
cdef Kind _alnum
kind_of(&_alnum, <const uint8_t *>PyBytes_AS_STRING(_letters_and_digits), len(_letters_and_digits))
cdef uint8_t[256] _kinds
for _byte in range(256):
    _kinds[<int>_byte] = CHARACTER if _byte >= 0xC0 else OF_WORD if _alnum.is_member[<int>_byte] else BETWEEN


cdef inline bint _is_alnum(uint8_t c) noexcept nogil:
    return _kinds[c] == OF_WORD


cdef inline uint64_t _pair(const Word *one, const Word *two) noexcept nogil:
    return (one.hash * STEP + two.hash) | 1


cdef inline bint _word(const uint8_t *text, Py_ssize_t size, Py_ssize_t at, Word *word) noexcept nogil:
    """Where the first word stands that begins at `at` or later; without its hash."""
    while at < size and _kinds[text[at]] == BETWEEN:
        at += 1
    if at >= size:
        return False
    word.start = at
    if text[at] >= 0xC0:
        at += 1
        while at < size and text[at] & 0xC0 == 0x80:
            at += 1
    else:
        while at < size and _is_alnum(text[at]):
            at += 1
    word.end = at
    return True


cdef inline void _hash(const uint8_t *text, Word *word, const uint32_t *heads) noexcept nogil:
    """Sets the word's hash. `heads`: see Echo; NULL: any may be a source's."""
    cdef uint8_t[LONGEST_WORD] lower
    cdef Py_ssize_t index
    cdef Py_ssize_t length = word.end - word.start
    word.hash = 0
    if length <= LONGEST_WORD and (heads == NULL or tg_bit(heads, tg_head_place(tg_head(text + word.start, length)))):
        for index in range(length):
            lower[index] = text[word.start + index]
            if 65 <= lower[index] <= 90:
                lower[index] |= 0x20
        word.hash = siphash(_key[0], _key[1], lower, length) | 1


cdef inline bint _next(
    const uint8_t *text, Py_ssize_t size, Py_ssize_t at, Word *word, const uint32_t *heads
) noexcept nogil:
    """The first word that begins at `at` or later, with its hash."""
    if not _word(text, size, at, word):
        return False
    _hash(text, word, heads)
    return True


cdef inline Py_ssize_t _behind(const uint8_t *text, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
    """`at`, or the end of the word that goes on there."""
    if at > 0 and _is_alnum(text[at - 1]):
        while at < size and _is_alnum(text[at]):
            at += 1
    return at


cdef class Echo:
    """The words of `sources` (UTF-8): of all together the first `most` ones. `wide`: look at 64 bytes at a time, if the
    machine can; the same is found without."""

    cdef Table _words
    cdef Table _pairs
    cdef Table _sequences
    # Which words may be a source's, and which two that follow each other, as bits by what `tg_head` tells of a word.
    cdef uint32_t[HEAD_WORDS] _heads
    cdef uint32_t[PAIR_WORDS] _pair_heads
    cdef bint _empty
    cdef bint _wide

    def __cinit__(self, sources, Py_ssize_t most, bint wide = True):
        cdef Py_ssize_t room = most
        cdef Py_ssize_t index
        cdef Word word
        cdef bytes data
        cdef uint64_t sequence
        cdef uint64_t head
        cdef uint64_t last = 0
        lists = []
        for source in sources:
            data = source
            index = 0
            found = []
            while len(found) < room and _next(<const uint8_t *>PyBytes_AS_STRING(data), len(data), index, &word, NULL):
                found.append(word.hash)
                index = word.end
                if word.hash:
                    head = tg_head(<const uint8_t *>PyBytes_AS_STRING(data) + word.start, word.end - word.start)
                    tg_set_bit(self._heads, tg_head_place(head))
                    if len(found) > 1 and found[len(found) - 2]:
                        tg_set_bit(self._pair_heads, tg_pair_place(last, head))
                    last = head
            room -= len(found)
            if len(found) >= IN_A_ROW:
                lists.append(found)
        self._empty = not lists
        self._wide = wide and is_wide()
        index = sum(map(len, lists))
        _begin(&self._words, index)
        _begin(&self._pairs, index)
        _begin(&self._sequences, index)
        for found in lists:
            before = 0
            sequence = 0
            for index, each in enumerate(found):
                if each:
                    _slot(&self._words, each)[0] = each
                if each and before:
                    sequence = (<uint64_t>before * STEP + <uint64_t>each) | 1
                    _slot(&self._pairs, sequence)[0] = sequence
                before = each
                if index + 1 >= IN_A_ROW and all(found[index + 1 - IN_A_ROW:index + 1]):
                    sequence = 0
                    for value in found[index + 1 - IN_A_ROW:index + 1]:
                        sequence = sequence * STEP + <uint64_t>value
                    sequence |= 1
                    _slot(&self._sequences, sequence)[0] = sequence

    def __dealloc__(self):
        free(self._words.slots)
        free(self._pairs.slots)
        free(self._sequences.slots)

    cdef inline bint _follows(self, const Word *one, const Word *two) noexcept nogil:
        return two.start - one.end <= LONGEST_GAP and _has(&self._pairs, _pair(one, two))

    cdef Py_ssize_t _skip(self, const uint8_t *data, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
        """From where on a sequence may stand that begins at `at` or later, before which no word goes on."""
        cdef Word one, two
        while True:
            at = tg_skip(self._wide, &_alnum, self._heads, self._pair_heads, data, at, size, IN_A_ROW)
            two.start = tg_word(data + at, data + size, IN_A_ROW) - data
            if not _next(data, size, two.start, &two, self._heads):
                return size
            # Most often it is no word of a source, and the one before it need not be asked.
            if not _has(&self._words, two.hash):
                at = two.end
                continue
            one.start = tg_word(data + at, data + size, IN_A_ROW - 1) - data
            if (
                _next(data, size, one.start, &one, self._heads)
                and _has(&self._words, one.hash)
                and self._follows(&one, &two)
            ):
                return at
            at = two.start

    def find(self, bytes text not None, Py_ssize_t at, Py_ssize_t before):
        """Start and end of the leftmost value that begins at `at` or later, but before `before`, or None."""
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Word[IN_A_ROW] run
        cdef Word word
        cdef int length = 0
        cdef Py_ssize_t left = -1
        cdef Py_ssize_t right = -1
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t index
        cdef uint64_t sequence
        cdef bint known
        if self._empty:
            return None
        at = max(at, 0)
        index = self._skip(data, size, self._from(data, size, at))
        while _next(data, size, index, &word, self._heads):
            index = word.end
            known = _has(&self._words, word.hash)
            if not known or (length and not self._follows(&run[length - 1], &word)):
                if left >= 0:
                    break
                length = 0
                index = self._skip(data, size, word.start if known else word.end)
                if index >= before:
                    return None
                continue
            if length == IN_A_ROW:
                for length in range(IN_A_ROW - 1):
                    run[length] = run[length + 1]
                length = IN_A_ROW - 1
            run[length] = word
            length += 1
            sequence = 0
            if length == IN_A_ROW:
                for count_of in range(IN_A_ROW):
                    sequence = sequence * STEP + run[<int>count_of].hash
                sequence |= 1
            if not _has(&self._sequences, sequence):
                if left >= 0:
                    break
                continue
            if left < 0:
                for count_of in range(IN_A_ROW):
                    if run[<int>count_of].start >= at:
                        left = run[<int>count_of].start
                        count = IN_A_ROW - <int>count_of - 1
                        break
                if left < 0:
                    continue
            right = word.end
            count += 1
            if count >= LONGEST_RUN:
                break
        return (left, right) if 0 <= left < before else None

    cdef Py_ssize_t _from(self, const uint8_t *data, Py_ssize_t size, Py_ssize_t at) noexcept nogil:
        """Where the words begin that a value from `at` on may have: there, or before, with those of its sequence."""
        cdef Word following, last, word
        cdef Py_ssize_t index, room
        cdef bint found = False
        if at == 0:
            return 0
        if _next(data, size, _behind(data, size, at), &following, self._heads) and _has(&self._words, following.hash):
            for room in range(2):
                index = max(at - ROOMS[room], 0)
                if index:
                    index = _behind(data, size, index)
                while _next(data, size, index, &word, self._heads) and word.start < at:
                    last = word
                    found = True
                    index = word.end
                if found:
                    break
            if found and self._follows(&last, &following):
                at = max(at - SPAN, 0)
        return _behind(data, size, at) if at else 0

    def tail(self, bytes text not None, Py_ssize_t start) -> int:
        """The earliest place from `start` on at which a value may begin that more text could still make, lengthen or
        shorten; the size of the text where there is none."""
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t live = size
        cdef Py_ssize_t begin
        cdef bint whole
        cdef int room
        if self._empty:
            return size
        for room in range(3):
            begin = max(size - ROOMS[room], 0)
            whole = self._live(data, size, begin, &live)
            if whole or begin == 0 or live < start:
                break
        return max(live, min(start, size))

    cdef bint _live(self, const uint8_t *data, Py_ssize_t size, Py_ssize_t begin, Py_ssize_t *live) noexcept nogil:
        """Where the words at the end begin that a source has one after the other, and whether these are all."""
        cdef Word[LONGEST_RUN + 1] words        # the last ones, in turn
        cdef Py_ssize_t count = 0
        cdef Py_ssize_t index = _behind(data, size, begin) if begin else 0
        cdef Py_ssize_t least, gap
        cdef const Word *word
        cdef const Word *following = NULL
        while _next(data, size, index, &words[count % (LONGEST_RUN + 1)], self._heads):
            index = words[count % (LONGEST_RUN + 1)].end
            count += 1
        live[0] = size
        if count == 0:
            return False
        word = &words[(count - 1) % (LONGEST_RUN + 1)]
        if size - word.end > LONGEST_GAP:
            return True
        if word.end == size:
            # Its end is not known, so every word may be it, up to its length.
            count -= 1
            if size - word.start > LONGEST_WORD:
                return True
            live[0] = word.start
            if word.start == begin:
                return False
        gap = live[0]
        least = max(count - LONGEST_RUN, 0)
        index = count
        while index > least:
            index -= 1
            word = &words[index % (LONGEST_RUN + 1)]
            if not _has(&self._words, word.hash) or gap - word.end > LONGEST_GAP:
                return True
            if following != NULL and not _has(&self._pairs, _pair(word, following)):
                return True
            live[0] = gap = word.start
            following = word
        return count >= LONGEST_RUN
