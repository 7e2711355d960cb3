# distutils: language = c++
"""Where patterns occur in a text: RE2 over bytes.

Theory of operation
    Each pattern is an automaton of its own, and is asked only where the `prefilter` kernel found what it needs: of
    hundreds of rules, clean text leaves a handful. One `RE2::Set` over all of them would need tens of megabytes for its
    automaton, and would search all text with it. A search takes time linear in the text, for every pattern and text:
    RE2 has no backtracking.

Guarantees
    - A pattern that occurs is found. One whose automaton runs out of memory is searched by RE2's slower engines, which
      need none to grow.
    - Nothing is written to standard error. `max_mem` bounds the memory of each pattern.
    - Objects are immutable after their making and may be used by several threads.

Not handled
    Look-around and back-references (RE2 refuses such patterns), and text that is not UTF-8: RE2 reads an invalid byte
    as a character that no pattern names.
"""

from libcpp cimport bool as cbool
from libcpp.string cimport string
from libcpp.algorithm cimport sort
from libcpp.vector cimport vector
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE


cdef extern from "<re2/re2.h>" namespace "re2" nogil:
    cdef cppclass StringPiece:
        StringPiece()
        StringPiece(const char*, size_t)
        const char* data()
        size_t size()


cdef extern from "<re2/re2.h>" nogil:
    cdef enum Anchor "RE2::Anchor":
        UNANCHORED "RE2::UNANCHORED"
        ANCHOR_START "RE2::ANCHOR_START"

    cdef cppclass Options "RE2::Options":
        Options()
        void set_log_errors(cbool)
        void set_max_mem(long)

    cdef cppclass RE2:
        RE2(const StringPiece&, const Options&)
        cbool ok()
        const string& error()
        int NumberOfCapturingGroups()
        cbool Match(const StringPiece&, size_t, size_t, Anchor, StringPiece*, int)


cdef extern from "<re2/set.h>" nogil:
    cdef enum ErrorKind "RE2::Set::ErrorKind":
        NO_ERROR "RE2::Set::kNoError"

    cdef cppclass ErrorInfo "RE2::Set::ErrorInfo":
        ErrorKind kind

    cdef cppclass Set "RE2::Set":
        Set(const Options&, Anchor)
        int Add(const StringPiece&, string*)
        cbool Compile()
        cbool Match(const StringPiece&, vector[int]*, ErrorInfo*)


# Below this, giving up and taking back the interpreter costs more than the search.
cdef Py_ssize_t RELEASE_ABOVE = 16384


class PatternError(ValueError):
    """A pattern that RE2 does not accept. `index` is its place in the list, `reason` is RE2's."""

    def __init__(self, index, reason):
        super().__init__(f"pattern {index}: {reason}")
        self.index = index
        self.reason = reason


cdef enum:
    HEAD, BEFORE, VALUE, BEHIND, STEPS, REACH = STEPS


cdef inline size_t _next_character(const char* data, size_t size, size_t at) noexcept nogil:
    # Not into the middle of a character: RE2 would take its rest for invalid bytes.
    at += 1
    while at < size and data[at] & 0xC0 == 0x80:
        at += 1
    return at


# The parts of a pattern around its value, see `redaction.steps`. value NULL: they are not known, or not compiled yet.
cdef struct Parts:
    RE2* before
    RE2* value
    RE2* behind


cdef cbool _by_parts(
    const Parts* parts,
    const StringPiece &whole,
    size_t at,
    size_t stop,
    size_t* end,
    size_t* left,
    size_t* right,
) noexcept nogil:
    """Whether the parts match one after the other from `at` on; the end of it all, and where the value is.

    RE2 prefers what each part prefers by itself, the first one first. So where they match, it is what the pattern does;
    where they do not, the pattern may all the same.
    """
    cdef StringPiece found
    if parts.before != NULL:
        if not parts.before.Match(whole, at, stop, ANCHOR_START, &found, 1):
            return False
        at += found.size()
    if not parts.value.Match(whole, at, stop, ANCHOR_START, &found, 1):
        return False
    left[0] = at
    right[0] = end[0] = at + found.size()
    if parts.behind != NULL:
        if not parts.behind.Match(whole, right[0], stop, ANCHOR_START, &found, 1):
            return False
        end[0] += found.size()
    return True


cdef cbool _match(
    RE2* pattern,
    RE2* head,
    const Parts* parts,
    const StringPiece &whole,
    size_t at,
    size_t stop,
    size_t head_stop,
    StringPiece* found,
    int wanted,
    size_t* left,
    size_t* right,
) noexcept nogil:
    """The leftmost place of `pattern` in [at, stop) of `whole`, whose head ends by `head_stop`. Where the value is in
    it, if that is known by the way; else nowhere."""
    cdef size_t end
    left[0] = right[0] = 0
    if head == NULL:
        return pattern.Match(whole, at, stop, UNANCHORED, found, wanted)
    while at <= head_stop and head.Match(whole, at, head_stop, UNANCHORED, found, 1):
        at = <size_t> (found[0].data() - whole.data())
        if parts.value != NULL and _by_parts(parts, whole, at, stop, &end, left, right):
            found[0] = StringPiece(whole.data() + at, end - at)
            return True
        left[0] = right[0] = 0
        if pattern.Match(whole, at, stop, ANCHOR_START, found, wanted):
            return True
        at = _next_character(whole.data(), whole.size(), at)
    return False


cdef class Scanner:
    """The patterns of a list, compiled. `max_mem`: bytes for each pattern. Raises PatternError.

    steps: of each pattern, None or (head, before, value, behind, reach), as `redaction.steps` says what they are. What
    is found is the same without. They are compiled when a text asks for them first. lazy: so are the patterns, which
    were compiled before; PatternError is then raised by who asks. shortest: of each, how many bytes a place has at
    least.
    """

    cdef list _written
    cdef vector[RE2*] _patterns         # NULL: not compiled yet
    cdef list _written_steps
    cdef vector[RE2*] _steps            # STEPS of each pattern; NULL: not compiled yet
    cdef vector[size_t] _shortest
    cdef readonly long max_mem

    def __cinit__(self, patterns, long max_mem = 8 << 20, steps=None, bint lazy=False, shortest=None):
        cdef size_t rule
        self.max_mem = max_mem
        self._written = list(patterns)
        self._written_steps = list(steps or [None] * len(self._written))
        if len(self._written_steps) != len(self._written):
            raise ValueError("steps: one entry for each pattern is needed")
        self._shortest = shortest if shortest is not None else [0] * len(self._written)
        if self._shortest.size() != <size_t> len(self._written):
            raise ValueError("shortest: one entry for each pattern is needed")
        self._patterns.resize(len(self._written), NULL)
        self._steps.resize(STEPS * self._patterns.size(), NULL)
        if not lazy:
            for rule in range(self._patterns.size()):
                self._pattern(rule)

    def __dealloc__(self):
        cdef RE2* compiled
        for compiled in self._patterns:
            del compiled
        for compiled in self._steps:
            del compiled

    cdef RE2* _compile(self, size_t rule, pattern) except NULL:
        cdef Options options
        cdef RE2* compiled
        cdef bytes data = pattern.encode() if isinstance(pattern, str) else bytes(pattern)
        options.set_log_errors(False)
        options.set_max_mem(self.max_mem)
        compiled = new RE2(StringPiece(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)), options)
        if not compiled.ok():
            reason = compiled.error().decode("utf-8", "replace")
            del compiled
            raise PatternError(rule, reason)
        return compiled

    cdef RE2* _pattern(self, Py_ssize_t rule) except NULL:
        if rule < 0 or <size_t> rule >= self._patterns.size():
            raise IndexError(f"no pattern {rule}")
        if self._patterns[rule] == NULL:
            self._patterns[rule] = self._compile(rule, self._written[rule])
        return self._patterns[rule]

    cdef int _step(self, size_t rule, int step, RE2** compiled) except -1:
        """One of a pattern's steps; NULL for one that it does not have."""
        cdef RE2** kept = &self._steps[STEPS * rule + step]
        text = (<tuple> self._written_steps[rule])[step]
        if text and kept[0] == NULL:
            kept[0] = self._compile(rule, text)
        compiled[0] = kept[0]
        return 0

    def __len__(self):
        return self._patterns.size()

    def find(
        self, Py_ssize_t rule, bytes text not None, Py_ssize_t start = 0, Py_ssize_t end = -1, Py_ssize_t before = -1
    ):
        """The leftmost place of one pattern in `text` from byte `start` on that is not empty, or None.

        It is (start, end, value start, value end) in bytes. The value is what the first capturing group caught; where
        the pattern has none, or it caught nothing, it is the whole. What stands before `start` and from `end` on is
        seen by `\\b`, `^` and `$`, but takes no part; `end` -1 is that of the text. Of places that begin at `before` or
        later nobody asks, if it is not -1. Raises IndexError for a pattern that is not there.
        """
        return self._find(rule, text, start, end, before)

    def first(self, bytes text not None, list regions not None) -> list:
        """(region, place) for the regions in which a pattern has a place, as by `find`, in their order.

        A region is (rule, start, end, before). One of an empty pattern is given with None.
        """
        cdef list found = []
        cdef Py_ssize_t rule, start, end, before
        for region in regions:
            rule, start, end, before = <tuple?> region
            if rule < 0 or <size_t> rule >= self._patterns.size():
                raise IndexError(f"no pattern {rule}")
            if not self._written[rule]:
                found.append((region, None))
                continue
            if start >= before:
                continue
            place = self._find(rule, text, start, end, before)
            if place is not None:
                found.append((region, place))
        return found

    cdef _find(self, Py_ssize_t rule, bytes text, Py_ssize_t start, Py_ssize_t end, Py_ssize_t before):
        cdef StringPiece whole
        cdef StringPiece[2] found
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef size_t size = PyBytes_GET_SIZE(text)
        cdef size_t at = max(start, 0)
        cdef size_t stop = size if end < 0 or <size_t> end > size else <size_t> end
        cdef size_t head_stop = stop
        cdef size_t begin, behind, left, right
        cdef int wanted
        cdef RE2* pattern
        cdef RE2* head = NULL
        cdef Parts parts
        cdef cbool matched
        if rule >= 0 and <size_t> rule < self._shortest.size() and at + self._shortest[rule] > stop:
            return None
        pattern = self._pattern(rule)
        wanted = 2 if pattern.NumberOfCapturingGroups() else 1
        # Compiled when a place is found first, see `_value`.
        parts.before = self._steps[STEPS * rule + BEFORE]
        parts.value = self._steps[STEPS * rule + VALUE]
        parts.behind = self._steps[STEPS * rule + BEHIND]
        steps = self._written_steps[rule]
        if steps is not None:
            self._step(rule, HEAD, &head)
            if before >= 0:
                head_stop = min(stop, <size_t> (before + <Py_ssize_t> (<tuple> steps)[REACH]))
            if (<tuple> steps)[VALUE] is not None:
                wanted = 1
        whole = StringPiece(data, size)
        while at <= stop:
            if stop - at > <size_t> RELEASE_ABOVE:
                with nogil:
                    matched = _match(
                        pattern, head, &parts, whole, at, stop, head_stop, found, wanted, &left, &right
                    )
            else:
                matched = _match(
                    pattern, head, &parts, whole, at, stop, head_stop, found, wanted, &left, &right
                )
            if not matched:
                return None
            begin = found[0].data() - data
            behind = begin + found[0].size()
            if behind > begin:
                if right > left:
                    return begin, behind, left, right
                left, right = begin, behind
                if wanted == 2:
                    if found[1].size():
                        left = found[1].data() - data
                        right = left + found[1].size()
                elif steps is not None and (<tuple> steps)[VALUE]:
                    self._value(rule, whole, stop, &left, &right)
                return begin, behind, left, right
            at = _next_character(data, size, behind)
        return None

    cdef int _value(
        self, size_t rule, const StringPiece &whole, size_t stop, size_t* left, size_t* right
    ) except -1:
        """Of the match in [left, right), its value; unchanged where the group caught nothing."""
        cdef RE2* before
        cdef RE2* value
        cdef RE2* behind
        cdef StringPiece[2] found
        cdef size_t begin, end
        self._step(rule, BEFORE, &before)
        self._step(rule, VALUE, &value)
        self._step(rule, BEHIND, &behind)
        begin = left[0]
        if before == NULL or before.Match(whole, begin, stop, ANCHOR_START, found, 1):
            if before != NULL:
                begin += found[0].size()
            if value.Match(whole, begin, stop, ANCHOR_START, found, 1):
                end = begin + found[0].size()
                if (
                    end == right[0]
                    if behind == NULL
                    else behind.Match(whole, end, stop, ANCHOR_START, found, 1) and end + found[0].size() == right[0]
                ):
                    if end > begin:
                        left[0], right[0] = begin, end
                    return 0
        if self._patterns[rule].Match(whole, left[0], stop, ANCHOR_START, found, 2) and found[1].size():
            left[0] = found[1].data() - whole.data()
            right[0] = left[0] + found[1].size()
        return 0

    def tail(self, Py_ssize_t rule, bytes text not None, Py_ssize_t start = 0) -> int:
        """Where the longest end of `text`, from byte `start` on, begins that a pattern ending in `\\z` matches.

        The size of the text where only the empty end does. RE2 searches such a pattern backwards, so the time is that
        of the end and not of the text. Raises IndexError.
        """
        cdef StringPiece found
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef size_t size = PyBytes_GET_SIZE(text)
        cdef size_t at = max(start, 0)
        cdef RE2* pattern = self._pattern(rule)
        if at >= size or not pattern.Match(StringPiece(data, size), at, size, UNANCHORED, &found, 1):
            return size
        return found.data() - data

    def occurs(
        self, Py_ssize_t rule, bytes text not None, Py_ssize_t start = 0, Py_ssize_t end = -1, Py_ssize_t before = -1
    ) -> bool:
        """Whether one pattern has a place in `text`, as `find` reads it, that is not empty. Raises IndexError."""
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef size_t size = PyBytes_GET_SIZE(text)
        cdef size_t at = max(start, 0)
        cdef size_t stop = size if end < 0 or <size_t> end > size else <size_t> end
        cdef cbool matched
        cdef RE2* pattern = self._pattern(rule)
        if at > stop:
            return False
        if self._written_steps[rule] is not None and (<tuple> self._written_steps[rule])[HEAD] is not None:
            return self._find(rule, text, start, end, before) is not None
        if stop - at > <size_t> RELEASE_ABOVE:
            with nogil:
                matched = pattern.Match(StringPiece(data, size), at, stop, UNANCHORED, NULL, 0)
        else:
            matched = pattern.Match(StringPiece(data, size), at, stop, UNANCHORED, NULL, 0)
        # Asked for no place, RE2 need not look further than the first sign of one; an empty one is told apart by find.
        return matched and self._find(rule, text, start, end, -1) is not None


cdef class Tails:
    """Patterns that end in `\\z`, asked together where the end of a text begins that one of them matches.

    `bounds`: of each, no end that is asked for is longer, in bytes. `max_mem`: bytes for each. Raises PatternError.
    """

    cdef Scanner _scanner
    cdef vector[Py_ssize_t] _bounds

    def __cinit__(self, patterns, bounds, long max_mem = 8 << 20):
        self._scanner = Scanner(patterns, max_mem)
        for bound in bounds:
            self._bounds.push_back(bound)
        if self._bounds.size() != self._scanner._patterns.size():
            raise ValueError("one bound for each pattern is needed")

    def live_from(self, bytes text not None, Py_ssize_t start = 0) -> int:
        """Where the longest of these ends begins, at `start` or later; the size of the text where only the empty one
        matches. The time is that of the ends and not of the text."""
        cdef StringPiece found
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t live = size
        cdef Py_ssize_t at
        cdef size_t index
        for index in range(self._bounds.size()):
            at = max(start, size - self._bounds[index], 0)
            # Not from the middle of a character: RE2 would take its rest for invalid bytes.
            while at < live and data[at] & 0xC0 == 0x80:
                at += 1
            # What begins behind what is live already makes no difference.
            if at >= live:
                continue
            if self._scanner._patterns[index].Match(StringPiece(data, size), at, size, UNANCHORED, &found, 1):
                live = min(live, <Py_ssize_t> (found.data() - data))
        return live


cdef class Together:
    """Patterns that are asked together which of them have a place. `max_mem`: bytes for all. Raises PatternError; its
    index is that of the last pattern where they are too large together.
    """

    cdef Set* _set
    cdef list _all

    def __cinit__(self, patterns, long max_mem = 8 << 20):
        cdef Options options
        cdef bytes data
        cdef string error
        options.set_log_errors(False)
        options.set_max_mem(max_mem)
        self._set = new Set(options, UNANCHORED)
        self._all = list(range(len(patterns)))
        for index, pattern in enumerate(patterns):
            data = pattern.encode() if isinstance(pattern, str) else bytes(pattern)
            if self._set.Add(StringPiece(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)), &error) < 0:
                raise PatternError(index, error.decode("utf-8", "replace"))
        if not self._set.Compile():
            raise PatternError(len(patterns) - 1, "too large together")

    def __dealloc__(self):
        del self._set

    def within(self, bytes text not None, list spans not None) -> list:
        """(pattern, left, right) of the patterns that may have a place in a span, in its order; all that have one are
        among them. A span is (left, right).

        The time is that of one search, however many patterns there are, but where the automaton runs out of memory:
        then it is all of them.
        """
        cdef list found = []
        cdef vector[int] numbers
        cdef Py_ssize_t left, right
        cdef size_t place
        for span in spans:
            left, right = <tuple?> span
            if not self._search(text, left, right, &numbers):
                found += [(number, left, right) for number in self._all]
                continue
            sort(numbers.begin(), numbers.end())
            for place in range(numbers.size()):
                found.append((numbers[place], left, right))
        return found

    cdef bint _search(self, bytes text, Py_ssize_t start, Py_ssize_t end, vector[int]* found):
        """Whether it could be told which patterns may have a place between the two offsets."""
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef Py_ssize_t left = min(max(start, 0), size)
        cdef Py_ssize_t right = size if end < 0 or end > size else end
        cdef ErrorInfo error
        cdef cbool matched
        found.clear()
        # A set takes the edges of what it is given for those of the text: a character on either side tells it better.
        if left > 0:
            left -= 1
            while left > 0 and data[left] & 0xC0 == 0x80:
                left -= 1
        if right < size:
            right += 1
            while right < size and data[right] & 0xC0 == 0x80:
                right += 1
        if left >= right:
            return True
        if right - left > RELEASE_ABOVE:
            with nogil:
                matched = self._set.Match(StringPiece(data + left, right - left), found, &error)
        else:
            matched = self._set.Match(StringPiece(data + left, right - left), found, &error)
        return matched or error.kind == NO_ERROR
