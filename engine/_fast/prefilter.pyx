"""Which rules could match at all, and where: a literal that they need stands there, or enough digits close together.

Theory of operation
    Every rule names literals of which one stands in each of its matches, or a number of digits that each of its
    matches has close together, or neither; then it is always a candidate. Of each literal one run of three bytes, the
    one that English has least, is hashed into 16 bits. The text is walked once, and each of its runs of three bytes is
    looked up in a table of bits that stays in the first-level cache, eight at a time where the machine gathers well;
    only where its bit is set is the literal itself compared. Digits are counted in another pass, 16 bytes at a time
    where there are none.

    A match is no longer than its rule's bound, and made of bytes that the rule names, so it lies around a literal of
    the rule: between the first one's end less the bound and the last one's start plus the bound, and in one run of such
    bytes. A rule without any literal can name the cluster of digits that its matches begin with, or a run of letters
    and digits that they have; then it lies around one of these.

Guarantees
    - A rule that has a match in the text is among the candidates, and the match lies in the region that is given for
      it, provided that what it names is true: a literal is found in any mix of upper and lower case (ASCII). A
      candidate need not match.
    - Time is linear in the text but for texts made of one literal over and over, where it is linear in text times the
      number of literals that share its three bytes (a handful).
    - Objects are immutable after their making and may be used by several threads.

Not handled
    Letters outside of ASCII have one case. Beyond MOST_CLUSTERS clusters of digits, the rest are taken for one.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from engine._fast.prefilter_clusters cimport MOST_RUNS, Cluster, Clusters, Kind, Row, Spans
from engine._fast.prefilter_clusters cimport find_runs, join_span, whole_from
from engine._fast.prefilter_parts cimport Need, Part, Parts, add_literal, back_to, has_room, on_to
from engine._fast.prefilter_reaches cimport COUNTS, DIGIT_GAP, GROUPS, MEMBER_WORDS, Reaches
from engine._fast.prefilter_reaches cimport join_reach, led_reach, no_reaches, read_digits, strict_reach, widen

import string

cdef extern from "prefilter_scan.h":
    ctypedef struct Grams "tg_grams":
        pass
    void clear_grams "tg_clear_grams"(Grams *grams, uint32_t number) noexcept nogil
    float burden_of "tg_burden"(const Grams *grams) noexcept nogil
    void add_literal_to "tg_add_literal"(Grams *grams, const uint8_t *text, uint32_t size, uint32_t offset)
    uint32_t gram_of "tg_gram"(const uint8_t *p) noexcept nogil
    uint32_t four_bytes "tg_four_bytes"(const uint8_t *p) noexcept nogil
    enum: TG_MOST_PLACES
    bint gathers_words "tg_gathers"() noexcept nogil
    int find_places "tg_places"(
        bint gathers, const uint8_t **at, const uint8_t *last, const Grams *grams, const uint8_t **places
    ) noexcept nogil
    uint32_t rarest_gram "tg_rarest_gram"(const uint8_t *text, uint32_t size) noexcept nogil

cdef extern from "runs_scan.h":
    void kind_of "tg_kind_of"(Kind *kind, const uint8_t *members, size_t count)
    void row_of "tg_row_of"(Row *row, const uint8_t *members, size_t count, Py_ssize_t least)
    bint is_wide "tg_is_wide"() noexcept nogil
    const uint8_t *next_member "tg_next_member"(
        bint wide, const Kind *kind, const uint8_t *p, const uint8_t *end
    ) noexcept nogil

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(uint64_t word) noexcept nogil


# Below this, giving up and taking back the interpreter costs more than the search.
cdef Py_ssize_t RELEASE_ABOVE = 16384

cdef enum:
    GRAM = 3
    BUCKETS = 4096
    HASHES = 32
    MOST_RULES = 1024
    RULE_WORDS = 16

cdef list NOTHING = []
cdef bint _gathers = gathers_words()
cdef bint _wide = is_wide()
cdef bytes ALNUM = (string.ascii_letters + string.digits).encode()

GAP = DIGIT_GAP
"""How many other bytes may stand between two digits that are close together."""

SEPARATORS = b" -./()+"
"""What may stand between two digits of a strict cluster."""

LOOSE, STRICT, LED = range(3)


def gather(bint wanted) -> bool:
    """Whether literals are looked up several at a time from now on, and other bytes 64 at a time: where it is wanted
    and the machine does it well. Whether it is so with literals.

    Both ways find the same; the tests ask for each.
    """
    global _gathers, _wide
    _gathers = wanted and gathers_words()
    _wide = wanted and is_wide()
    return _gathers


cdef bint[256] _separates
for _separator in SEPARATORS:
    _separates[<int>_separator] = True


cdef struct Literal:
    const uint8_t *text         # in lower case
    uint32_t size
    uint32_t offset             # of its hashed run
    uint32_t first              # of its rules, among those of all literals
    uint16_t rules              # how many


# What is asked of a place whose three bytes hash to those of a literal: small, because of all places it is asked.
cdef struct Head:
    uint32_t bytes              # the three bytes, and the one behind them, as one number
    uint16_t literal
    uint16_t without            # bits of the one behind, where the literal ends with the three: it does not matter


cdef struct Hits:
    uint64_t rules[RULE_WORDS]
    Parts parts[MOST_RULES]     # of each of these rules


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


cdef class Prefilter:
    """The needs of a list of rules. Each argument has an entry for each rule.

    literals: of each rule, in lower case (ASCII); of 1 or 2 bytes, or of 3 and more. Empty: none is needed.
    digits: of each rule, how many digits it needs no more than GAP bytes apart; 0: none.
    alphabets: of each rule, the bytes that its matches may have; None: all. shortest: how many there are at least.
    marks: of each rule with literals or a run, a byte that each match has; 0: none.
    bounds: of each rule, how many bytes a match has at most; 0: it is not known.
    clusters: of each rule without literals, a cluster of digits that its matches have, or None: its kind, how many
        digits it has at least, how many bytes of a match are before and behind it at most, and how many numbers its
        digits make at least. The digits are no more than GAP bytes apart. LOOSE: whatever is between them; STRICT: only
        SEPARATORS are; LED: the same, and a letter of the match (or a byte of UTF-8) is right before the cluster's
        first digits, which are so many in a row.
    leads: of each rule with literals, how many bytes of a match there are at most up to the end of a literal; 0: it is
        not known.
    runs: of each rule without literals, how many letters and digits each match has in a row at least and, where nothing
        else is in it and none stands next to it, at most; None: it is not known.

    A rule with literals and digits needs both. Raises ValueError for another literal or more than 1024 rules.
    """

    cdef Grams _grams
    cdef uint16_t _begins[BUCKETS + 1]    # where the heads begin whose hashes end alike
    cdef Head *_heads
    cdef list _texts
    cdef Literal *_literals
    cdef Py_ssize_t _count
    cdef Py_ssize_t _short_count          # the first of them have 1 or 2 bytes
    cdef Kind _short_begins               # what these begin with
    cdef uint16_t *_rules_of
    cdef uint64_t _always[RULE_WORDS]     # rules that need no literal
    cdef uint64_t _placeless[RULE_WORDS]  # of these, those that have neither a cluster nor a run
    cdef uint32_t _least                  # digits that one of these needs at least
    cdef Need _needs[MOST_RULES]
    cdef uint32_t *_members               # the alphabets, each MEMBER_WORDS
    cdef bint _count_digits
    cdef Py_ssize_t _rules
    cdef bint _has_clusters
    cdef Reaches _reaches
    cdef list _runs                       # (least, most, rule), the shortest run first
    cdef Row _row                         # of letters and digits, as long as the shortest

    def __cinit__(
        self,
        literals,
        digits,
        bounds=None,
        clusters=None,
        runs=None,
        leads=None,
        alphabets=None,
        shortest=None,
        marks=None,
    ):
        self._rules = len(literals)
        if self._rules != len(digits):
            raise ValueError("one entry for each rule is needed")
        if self._rules > MOST_RULES:
            raise ValueError(f"at most {MOST_RULES} rules")
        for name, entries in (
            ("bounds", bounds),
            ("clusters", clusters),
            ("runs", runs),
            ("leads", leads),
            ("alphabets", alphabets),
            ("shortest", shortest),
            ("marks", marks),
        ):
            if entries is not None and len(entries) != self._rules:
                raise ValueError(f"{name}: one entry for each rule is needed")
        memset(self._always, 0, sizeof(self._always))
        memset(self._placeless, 0, sizeof(self._placeless))
        memset(self._needs, 0, sizeof(self._needs))
        self._count_digits = any(digits) or (clusters is not None and any(clusters))
        self._least = 0xFFFFFFFF
        self._describe(digits, bounds, leads, alphabets, shortest, marks)
        self._place(literals, bounds, clusters, runs)
        rules_of = {}
        for rule, (needed, count) in enumerate(zip(literals, digits)):
            if not needed:
                self._always[<Py_ssize_t>rule // 64] |= <uint64_t>1 << (<Py_ssize_t>rule % 64)
                self._least = min(self._least, <uint32_t>count)
            for each in needed:
                if not each or each != each.lower():
                    raise ValueError(f"{each!r} is no text in lower case (ASCII)")
                rules_of.setdefault(each, []).append(rule)
        self._keep(rules_of)

    cdef int _describe(self, digits, bounds, leads, alphabets, shortest, marks) except -1:
        """Note what the matches of each rule are like."""
        cdef Need *need
        cdef uint32_t *members
        cdef Py_ssize_t rule
        cdef uint8_t byte
        distinct = [*{alphabet for alphabet in alphabets or () if alphabet is not None}]
        self._members = <uint32_t *>calloc(MEMBER_WORDS * (len(distinct) + 1), sizeof(uint32_t))
        if self._members == NULL:
            raise MemoryError()
        place_of = {}
        for place, alphabet in enumerate(distinct):
            place_of[alphabet] = place
            members = self._members + MEMBER_WORDS * <Py_ssize_t>place
            for byte in <bytes?>alphabet:
                members[byte >> 5] |= <uint32_t>1 << (byte & 31)
        for rule in range(self._rules):
            need = self._needs + rule
            need.digits = digits[rule]
            need.bound = bounds[rule] if bounds is not None else 0
            need.lead = (leads[rule] if leads is not None else 0) or need.bound
            need.least = shortest[rule] if shortest is not None else 0
            need.mark = marks[rule] if marks is not None else 0
            if alphabets is not None and alphabets[rule] is not None:
                need.members = self._members + MEMBER_WORDS * <Py_ssize_t>place_of[alphabets[rule]]
        return 0

    cdef int _keep(self, dict rules_of) except -1:
        """Store the literals: the short ones, and the others by the hash of three bytes."""
        cdef Py_ssize_t index, total
        cdef Literal *literal
        cdef Head *head
        cdef uint32_t gram
        cdef bytes begins
        short_ones = [each for each in rules_of if len(each) < GRAM]
        long_ones = [each for each in rules_of if len(each) >= GRAM]
        self._texts = short_ones + long_ones
        self._short_count = len(short_ones)
        self._count = len(self._texts)
        if self._count >= 0xFFFF:
            raise ValueError("too many literals")
        total = sum(map(len, rules_of.values()))
        self._heads = <Head *>calloc(self._count + 1, sizeof(Head))
        self._literals = <Literal *>calloc(self._count + 1, sizeof(Literal))
        self._rules_of = <uint16_t *>calloc(total + 1, sizeof(uint16_t))
        if self._heads == NULL or self._literals == NULL or self._rules_of == NULL:
            raise MemoryError()
        total = 0
        buckets = [[] for _ in range(BUCKETS)]
        for index in range(self._count):
            text = self._texts[index]
            literal = self._literals + index
            literal.text = <const uint8_t *>PyBytes_AS_STRING(text)
            literal.size = len(text)
            literal.first = total
            for rule in rules_of[text]:
                self._rules_of[total] = rule
                total += 1
            literal.rules = total - literal.first
            if index < self._short_count:
                continue
            literal.offset = rarest_gram(literal.text, literal.size)
            gram = gram_of(literal.text + literal.offset)
            buckets[gram % BUCKETS].append(index)
        self._hash()
        head = self._heads
        for index, bucket in enumerate(buckets):
            self._begins[index] = head - self._heads
            for number in bucket:
                literal = self._literals + <Py_ssize_t>number
                head.literal = number
                head.without = 8 if literal.size - literal.offset == GRAM else 0
                head.bytes = four_bytes(literal.text + literal.offset) << head.without
                head += 1
        self._begins[BUCKETS] = head - self._heads
        begins = bytes({each for text in short_ones for each in (text[0], text[:1].upper()[0])})
        kind_of(&self._short_begins, <const uint8_t *>PyBytes_AS_STRING(begins), len(begins))
        return 0

    cdef int _hash(self) except -1:
        """Fill the tables of literals, by that hash of some that has the least of ordinary text in them by chance."""
        cdef uint32_t number, best = 0
        cdef float burden, least = 0
        cdef Py_ssize_t index
        cdef const Literal *literal
        for number in range(HASHES + 1):
            clear_grams(&self._grams, number if number < HASHES else best)
            for index in range(self._short_count, self._count):
                literal = self._literals + index
                add_literal_to(&self._grams, literal.text, literal.size, literal.offset)
            burden = burden_of(&self._grams)
            if number == 0 or burden < least:
                best, least = number, burden
        return 0

    cdef int _place(self, literals, bounds, clusters, runs) except -1:
        """Note where the matches of rules are to be found."""
        cdef Py_ssize_t rule, count, number
        cdef Need *need
        self._has_clusters = False
        self._runs = []
        no_reaches(&self._reaches)
        for rule in range(self._rules):
            need = self._needs + rule
            if literals[rule]:
                continue
            if runs is not None and runs[rule] and need.bound:
                self._runs.append((*runs[rule], rule))
                continue
            if clusters is None or clusters[rule] is None:
                self._placeless[rule // 64] |= <uint64_t>1 << (rule % 64)
                continue
            kind, least, lead, trail, groups = clusters[rule]
            self._has_clusters = True
            for count in range(min(least, COUNTS - 1), COUNTS):
                if kind == LOOSE:
                    widen(self._reaches.loose + count, lead, trail, need)
                elif kind == LED:
                    widen(self._reaches.led + count, lead, trail, need)
                else:
                    for number in range(min(groups, GROUPS) - 1, GROUPS):
                        widen(&self._reaches.strict[number][count], lead, trail, need)
        self._runs.sort()
        if self._runs:
            row_of(&self._row, <const uint8_t *>PyBytes_AS_STRING(ALNUM), len(ALNUM), self._runs[0][0])
        return 0

    def __dealloc__(self):
        free(self._heads)
        free(self._literals)
        free(self._rules_of)
        free(self._members)

    cdef void _find(
        self, const uint8_t *start, const uint8_t *end, Hits *hits, const Clusters *loose, bint wide
    ) noexcept nogil:
        """Note the rules of which a literal stands in [start, end); with `loose`, and where their matches may lie."""
        cdef const uint8_t *p = start
        cdef const uint8_t *last = end - GRAM
        cdef const uint8_t *places[TG_MOST_PLACES]
        cdef const uint8_t *place
        cdef int number, count
        cdef uint32_t there, bucket
        cdef uint16_t index
        cdef const Head *head
        cdef const Head *behind
        cdef const Literal *literal
        memset(hits.rules, 0, (self._rules + 63) // 64 * sizeof(uint64_t))
        while p <= last:
            count = find_places(_gathers, &p, last, &self._grams, places)
            for number in range(count):
                place = places[number]
                there = four_bytes(place)
                bucket = gram_of(place) % BUCKETS
                head = self._heads + self._begins[bucket]
                behind = self._heads + self._begins[bucket + 1]
                while head < behind:
                    if there << head.without == head.bytes:
                        literal = self._literals + head.literal
                        if (
                            place - start >= literal.offset
                            and end - place >= literal.size - literal.offset
                            and _same(place - literal.offset, literal.text, literal.size)
                        ):
                            self._note(hits, literal, place - literal.offset, start, end, loose, wide)
                    head += 1
        if self._short_count:
            p = next_member(_wide, &self._short_begins, start, end)
            while p < end:
                for index in range(self._short_count):
                    literal = self._literals + index
                    if end - p >= literal.size and _same(p, literal.text, literal.size):
                        self._note(hits, literal, p, start, end, loose, wide)
                p = next_member(_wide, &self._short_begins, p + 1, end)

    cdef void _note(
        self,
        Hits *hits,
        const Literal *literal,
        const uint8_t *at,
        const uint8_t *start,
        const uint8_t *end,
        const Clusters *loose,
        bint wide,
    ) noexcept nogil:
        cdef const Need *need
        cdef Parts *parts
        cdef uint32_t index
        cdef uint16_t rule
        cdef Py_ssize_t lead
        for index in range(literal.first, literal.first + literal.rules):
            rule = self._rules_of[index]
            need = self._needs + rule
            parts = hits.parts + rule
            if not hits.rules[rule // 64] >> (rule % 64) & 1:
                hits.rules[rule // 64] |= <uint64_t>1 << (rule % 64)
                parts.size = 0
            if loose != NULL and need.bound:
                lead = need.bound if wide else need.lead
                add_literal(parts, need, lead, at, literal.size, start, end, loose)

    def candidates(self, bytes text not None, Py_ssize_t begin = 0) -> list:
        """The indices of the rules that `text` may match from byte `begin` on, ascending. The list is immutable."""
        cdef const uint8_t *end = <const uint8_t *>PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
        cdef const uint8_t *start = end - max(PyBytes_GET_SIZE(text) - max(begin, 0), 0)
        cdef Hits hits
        cdef Clusters loose
        cdef uint32_t digits
        cdef Py_ssize_t index, rule
        cdef uint64_t word
        if end - start > RELEASE_ABOVE:
            with nogil:
                self._find(start, end, &hits, NULL, False)
                digits = self._read(start, end, &loose, NULL)
        else:
            self._find(start, end, &hits, NULL, False)
            digits = self._read(start, end, &loose, NULL)
        found = None
        for index in range((self._rules + 63) // 64):
            word = hits.rules[index]
            if digits >= self._least:
                word |= self._always[index]
            while word:
                rule = index * 64 + lowest_bit(word)
                word &= word - 1
                if self._needs[rule].digits <= digits:
                    if found is None:
                        found = []
                    found.append(rule)
        return NOTHING if found is None else found

    def regions(self, bytes text not None, Py_ssize_t begin = 0, bint wide = False) -> tuple:
        """Where to search `text` from byte `begin` on: (rules, spans). The lists are immutable.

        rules: (index, left, right, before) of candidates without a cluster, ascending; each match that begins at
        `begin` or later lies in [left, right) of one of its rule's, which are apart, and begins before `before`. spans:
        (left, right), ascending and apart; each such match of a rule with a cluster lies in one. `wide`: the leads do
        not hold for this text.
        """
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef const uint8_t *end = data + PyBytes_GET_SIZE(text)
        cdef const uint8_t *start = end - max(PyBytes_GET_SIZE(text) - max(begin, 0), 0)
        cdef Hits hits
        cdef Clusters loose, strict
        cdef uint32_t digits
        cdef Py_ssize_t index, rule
        cdef uint64_t word
        cdef list rules = []
        strict.size = 0
        if end - start > RELEASE_ABOVE:
            with nogil:
                digits = self._read(start, end, &loose, &strict)
                self._find(start, end, &hits, &loose, wide)
        else:
            digits = self._read(start, end, &loose, &strict)
            self._find(start, end, &hits, &loose, wide)
        for index in range((self._rules + 63) // 64):
            word = hits.rules[index] | self._placeless[index]
            while word:
                rule = index * 64 + lowest_bit(word)
                word &= word - 1
                if self._needs[rule].digits > digits:
                    continue
                if not self._needs[rule].bound or self._always[index] >> (rule % 64) & 1:
                    rules.append((rule, start - data, end - data, end - data))
                else:
                    self._add_parts(rules, rule, hits.parts + rule, &loose, data)
        if self._runs:
            self._add_runs(rules, &loose, data, start, end)
        spans = self._spans(&loose, &strict, data, start, end) if self._has_clusters and loose.size else NOTHING
        return rules, spans

    cdef inline uint32_t _read(
        self, const uint8_t *start, const uint8_t *end, Clusters *loose, Clusters *strict
    ) noexcept nogil:
        loose.size = 0
        if not self._count_digits:
            return 0
        return read_digits(&self._reaches, _separates, start, end, loose, strict if self._has_clusters else NULL)

    cdef int _add_parts(
        self, list rules, Py_ssize_t rule, const Parts *parts, const Clusters *loose, const uint8_t *data
    ) except -1:
        """Add the regions of a rule whose literals are there."""
        cdef const Part *part
        cdef Spans spans
        cdef Py_ssize_t index, number, left, right, last
        spans.size = 0
        for index in range(parts.size):
            part = parts.items + index
            if has_room(self._needs + rule, part, loose):
                join_span(&spans, part.left - data, part.right - data)
        for index in range(spans.size):
            left, right = spans.items[index].left, spans.items[index].right
            last = left
            for number in range(parts.size):
                part = parts.items + number
                if part.left - data >= left and part.right - data <= right:
                    last = max(last, part.last - data)
            rules.append((rule, whole_from(data, left, right), right, last + 1))
        return 0

    cdef int _add_runs(
        self, list rules, const Clusters *loose, const uint8_t *data, const uint8_t *start, const uint8_t *end
    ) except -1:
        """Add the regions of rules whose matches have letters and digits in a row."""
        cdef const Need *need
        cdef const uint8_t *first
        cdef const uint8_t *behind
        cdef Part part
        cdef Spans parts, found
        cdef Py_ssize_t index, left, right, rule, least, most
        find_runs(&found, _wide, &self._row, data, start - data, end - data)
        if not found.size:
            return 0
        for run, longest, number in self._runs:
            least, most, rule = run, longest, number
            need = self._needs + rule
            parts.size = 0
            for index in range(found.size):
                first, behind = data + found.items[index].left, data + found.items[index].right
                # Behind the last one there may be more in it.
                if behind - first < least or (behind - first > most and index < MOST_RUNS - 1):
                    continue
                part.left = back_to(need.members, first, first - min(need.bound, first - start))
                part.right = on_to(need.members, behind, behind + min(need.bound, end - behind))
                if has_room(need, &part, loose):
                    join_span(&parts, part.left - data, part.right - data)
            for index in range(parts.size):
                left, right = parts.items[index].left, parts.items[index].right
                rules.append((rule, whole_from(data, left, right), right, right))
        rules.sort()
        return 0

    cdef list _spans(
        self,
        const Clusters *loose,
        const Clusters *strict,
        const uint8_t *data,
        const uint8_t *start,
        const uint8_t *end,
    ):
        """The reaches of all clusters that rules ask for, joined where they meet."""
        cdef Spans spans
        cdef Py_ssize_t index
        cdef const Cluster *cluster
        spans.size = 0
        for index in range(strict.size):
            cluster = strict.items + index
            join_reach(&spans, strict_reach(&self._reaches, cluster), cluster, data, start, end)
            join_reach(&spans, led_reach(&self._reaches, cluster), cluster, data, start, end)
        for index in range(loose.size):
            cluster = loose.items + index
            join_reach(
                &spans, self._reaches.loose + min(cluster.count, <uint32_t>COUNTS - 1), cluster, data, start, end
            )
        if not spans.size:
            return NOTHING
        return [
            (whole_from(data, spans.items[index].left, spans.items[index].right), spans.items[index].right)
            for index in range(spans.size)
        ]
