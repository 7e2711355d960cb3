"""Counters and histograms in a shared mapping.

Theory of operation
    The mapping is an array of 64-bit words. A counter or a gauge is one word, a signed integer. A histogram of n upper
    bounds is n + 2 words side by side: n + 1 buckets (the last takes what is above every bound) and the sum as the
    bits of a double. Buckets are kept apart, not cumulated, so that one observation is two additions; whoever shows
    them cumulates, and takes their total as the count, which therefore always agrees with the buckets.

    An addition is one relaxed atomic instruction (the sum: a compare-and-swap loop), so a reader may see a bucket of
    an observation and not yet its sum. `set` releases and `get` acquires: what was written to the mapping before a word
    was set is seen by whoever reads the word.

Guarantees
    Any number of processes may add and read at once; no addition is lost, no value is torn, and a kill at any
    instruction leaves every word whole. Constant time, but for the search of the bucket, which is linear in the bounds
    (at most MAX_BOUNDS). An index outside the mapping raises IndexError.

Not handled
    Names, labels and layout (the caller's). Overflow of a word past 2^63: it wraps. Exact sums past 2^53.
"""

from cpython.buffer cimport PyBUF_CONTIG, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uintptr_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #define COUNTERS_ADD(p, n) __atomic_fetch_add((p), (n), __ATOMIC_RELAXED)
    #define COUNTERS_LOAD(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define COUNTERS_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    static inline double counters_double(int64_t *place) {
        int64_t bits = COUNTERS_LOAD(place);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    static inline void counters_add_double(int64_t *place, double n) {
        int64_t seen = COUNTERS_LOAD(place), next;
        double value;
        do {
            memcpy(&value, &seen, sizeof value);
            value += n;
            memcpy(&next, &value, sizeof next);
        } while (!__atomic_compare_exchange_n(place, &seen, next, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    }
    """
    void COUNTERS_ADD(int64_t *place, int64_t n) noexcept nogil
    int64_t COUNTERS_LOAD(int64_t *place) noexcept nogil
    void COUNTERS_STORE(int64_t *place, int64_t value) noexcept nogil
    double counters_double(int64_t *place) noexcept nogil
    void counters_add_double(int64_t *place, double n) noexcept nogil

MAX_BOUNDS = C_MAX_BOUNDS


cdef class Counters:
    """The words of a writable buffer, aligned to 8 bytes and a multiple of 8 long. Zeroed memory is all zeros."""

    def __cinit__(self, buffer):
        PyObject_GetBuffer(buffer, &self.view, PyBUF_CONTIG)
        self.exported = True
        if self.view.readonly:
            raise ValueError("the buffer is read-only")
        if self.view.len % 8 or <uintptr_t>self.view.buf & 7:
            raise ValueError("the buffer is not whole words aligned to 8 bytes")
        self.words = <int64_t *>self.view.buf
        self.size = self.view.len // 8

    def __dealloc__(self):
        if self.exported:
            PyBuffer_Release(&self.view)

    def __len__(self) -> int:
        return self.size

    cdef int64_t *word(self, Py_ssize_t index) except NULL:
        if index < 0 or index >= self.size:
            raise IndexError(f"word {index} of {self.size}")
        return &self.words[index]

    cpdef void add(self, Py_ssize_t index, int64_t n=1) except *:
        """Add n, which may be negative for a gauge, to the word."""
        COUNTERS_ADD(self.word(index), n)

    def set(self, Py_ssize_t index, int64_t value) -> None:
        """Set the word: for gauges that have one writer."""
        COUNTERS_STORE(self.word(index), value)

    def get(self, Py_ssize_t index) -> int:
        """The word's value now."""
        return COUNTERS_LOAD(self.word(index))


cdef class Histogram:
    """A histogram over `words_for(len(bounds))` words of `counters` from `base` on.

    bounds: ascending finite upper bounds, each inclusive (`le` in the Prometheus text format), 1 to MAX_BOUNDS.
    """

    def __cinit__(self, Counters counters not None, Py_ssize_t base, bounds):
        cdef int i
        values = [float(bound) for bound in bounds]
        if not 1 <= len(values) <= C_MAX_BOUNDS:
            raise ValueError(f"{len(values)} bounds: not within 1 and {C_MAX_BOUNDS}")
        self.counters = counters
        self.count = len(values)
        counters.word(base + self.count + 1)
        self.words = counters.word(base)
        for i in range(self.count):
            self.bounds_[i] = values[i]
            if not isfinite(self.bounds_[i]) or (i and self.bounds_[i] <= self.bounds_[i - 1]):
                raise ValueError("bounds are not finite and ascending")

    @staticmethod
    def words_for(bounds: int) -> int:
        """Words that a histogram of so many bounds takes."""
        return bounds + 2

    cpdef void observe(self, double value) except *:
        """Count one value. A negative one (a clock that stepped back) counts as 0. ValueError: NaN or infinite."""
        cdef int i = 0
        if not isfinite(value):
            raise ValueError(f"{value} cannot be observed")
        if value < 0:
            value = 0
        while i < self.count and value > self.bounds_[i]:
            i += 1
        COUNTERS_ADD(&self.words[i], 1)
        counters_add_double(&self.words[self.count + 1], value)

    def read(self) -> tuple[list[int], float]:
        """The buckets as they are, not cumulated, the last one above every bound; and the sum."""
        cdef int i
        return [COUNTERS_LOAD(&self.words[i]) for i in range(self.count + 1)], \
            counters_double(&self.words[self.count + 1])
