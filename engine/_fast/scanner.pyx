# distutils: language = c++
"""Which of many patterns occur in a text, and where: RE2 over bytes.

Theory of operation
    `RE2::Set`, unanchored, finds in one pass which patterns occur at all. In clean text that is all the work. Only for
    the patterns that it names does `RE2::Match` look for the places, one pattern at a time. Both run in time linear in
    the text, for every pattern and text: RE2 has no backtracking.

Guarantees
    - A pattern that occurs is never missed. When the automaton of the set runs out of its memory, the set's answer is
      worth nothing; it is then thrown away and every pattern is searched by itself. The three-argument form of
      `RE2::Set::Match` tells that case from "nothing occurs"; the two-argument form does not, and is not used.
    - A pattern whose own automaton runs out of memory is searched by RE2's slower engines, which need none to grow.
    - Nothing is written to standard error. `max_mem` bounds the memory of the set, and of each pattern.
    - Objects are immutable after their making and may be used by several threads.

Not handled
    Look-around and back-references (RE2 refuses such patterns), and text that is not UTF-8: RE2 reads an invalid byte
    as a character that no pattern names.
"""

from libcpp cimport bool as cbool
from libcpp.string cimport string
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
        kNoError "RE2::Set::kNoError"
        kNotCompiled "RE2::Set::kNotCompiled"
        kOutOfMemory "RE2::Set::kOutOfMemory"
        kInconsistent "RE2::Set::kInconsistent"

    cdef struct ErrorInfo "RE2::Set::ErrorInfo":
        ErrorKind kind

    cdef cppclass Set "RE2::Set":
        Set(const Options&, Anchor)
        int Add(const StringPiece&, string*)
        cbool Compile()
        cbool Match(const StringPiece&, vector[int]*, ErrorInfo*)


# Below this, giving up and taking back the interpreter costs more than the search.
cdef Py_ssize_t RELEASE_ABOVE = 16384

cdef list NOTHING = []


class PatternError(ValueError):
    """A pattern that RE2 does not accept. `index` is its place in the list, `reason` is RE2's."""

    def __init__(self, index, reason):
        super().__init__(f"pattern {index}: {reason}")
        self.index = index
        self.reason = reason


cdef class Scanner:
    """The patterns of a list, compiled. `max_mem`: bytes for the set and for each pattern."""

    cdef vector[RE2*] _patterns
    cdef Set* _set
    cdef readonly long max_mem

    def __cinit__(self, patterns, long max_mem = 16 << 20):
        cdef Options options
        cdef string error
        cdef bytes data
        cdef RE2* compiled
        self.max_mem = max_mem
        options.set_log_errors(False)
        options.set_max_mem(max_mem)
        self._set = new Set(options, UNANCHORED)
        for index, pattern in enumerate(patterns):
            data = pattern.encode() if isinstance(pattern, str) else bytes(pattern)
            compiled = new RE2(StringPiece(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)), options)
            self._patterns.push_back(compiled)
            if not compiled.ok():
                raise PatternError(index, compiled.error().decode("utf-8", "replace"))
            if self._set.Add(StringPiece(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)), &error) < 0:
                raise PatternError(index, error.decode("utf-8", "replace"))
        if not self._patterns.empty() and not self._set.Compile():
            raise PatternError(-1, f"the set of {self._patterns.size()} patterns needs more than {max_mem} bytes")

    def __dealloc__(self):
        cdef RE2* compiled
        for compiled in self._patterns:
            del compiled
        del self._set

    def __len__(self):
        return self._patterns.size()

    cdef bint _set_match(self, const char* data, size_t size, vector[int]* found) noexcept nogil:
        """Whether the set's answer can be believed."""
        cdef ErrorInfo info
        info.kind = kNoError
        if self._set.Match(StringPiece(data, size), found, &info):
            return True
        return info.kind == kNoError

    cdef void _singly(self, const char* data, size_t size, vector[int]* found) noexcept nogil:
        cdef size_t index
        found.clear()
        for index in range(self._patterns.size()):
            if self._patterns[index].Match(StringPiece(data, size), 0, size, UNANCHORED, NULL, 0):
                found.push_back(<int> index)

    def hits(self, bytes text not None) -> list:
        """The indices of the patterns that occur in `text`, ascending. Treat the list as immutable."""
        cdef vector[int] found
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef size_t size = PyBytes_GET_SIZE(text)
        if self._patterns.empty():
            return NOTHING
        if PyBytes_GET_SIZE(text) > RELEASE_ABOVE:
            with nogil:
                if not self._set_match(data, size, &found):
                    self._singly(data, size, &found)
        elif not self._set_match(data, size, &found):
            self._singly(data, size, &found)
        if found.empty():
            return NOTHING
        return sorted(found)

    def clean(self, bytes text not None) -> bool:
        """Whether no pattern occurs in `text`."""
        return not self.hits(text)

    def spans(self, int rule, bytes text not None, Py_ssize_t start = 0) -> list:
        """The places of one pattern in `text` from byte `start` on: leftmost, no overlaps, never empty.

        Each is (start, end, value start, value end) in bytes. The value is what the first capturing group caught; where
        the pattern has none, or it caught nothing, it is the whole. Raises IndexError for a pattern that is not there.
        """
        cdef StringPiece whole
        cdef StringPiece[2] found
        cdef const char* data = PyBytes_AS_STRING(text)
        cdef size_t size = PyBytes_GET_SIZE(text)
        cdef size_t at = max(start, 0)
        cdef size_t begin, end, value_begin, value_end
        cdef int wanted
        cdef RE2* pattern
        cdef cbool matched
        if rule < 0 or <size_t> rule >= self._patterns.size():
            raise IndexError(f"no pattern {rule}")
        pattern = self._patterns[rule]
        wanted = 2 if pattern.NumberOfCapturingGroups() else 1
        whole = StringPiece(data, size)
        places = []
        while at <= size:
            with nogil:
                matched = pattern.Match(whole, at, size, UNANCHORED, found, wanted)
            if not matched:
                break
            value_begin = begin = found[0].data() - data
            value_end = end = begin + found[0].size()
            if wanted == 2 and found[1].size():
                value_begin = found[1].data() - data
                value_end = value_begin + found[1].size()
            if end > begin:
                places.append((begin, end, value_begin, value_end))
            at = end if end > begin else end + 1
        return places
