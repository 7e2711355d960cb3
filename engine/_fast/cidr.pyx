"""Longest-prefix match of IPv4 and IPv6 addresses.

Theory of operation. Prefixes nest or are disjoint, never more, so that a set of them cuts the address line into
segments, each of which has one longest prefix. The segments are laid out when the table is made: prefixes are sorted
by first address, then by length, and a stack holds those that are open; wherever one opens or closes, a segment
begins whose value is that of the top of the stack. What is left is a sorted array of segment starts, one for each
address family, and a look-up is a binary search in it, written without a branch that depends on the data: 18 steps
for 100,000 prefixes. Segments beside each other with the same value are joined.

Guarantees. A table never changes once made and is safe to share between threads. Of two equal prefixes the later one
given counts. Memory: at most 2n + 1 segments of 8 (IPv4) or 20 (IPv6) bytes. Time: O(n log n) to make, O(log n) to
match, whatever the prefixes.

IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) is IPv4 on both sides: ``::ffff:192.0.2.1`` matches ``192.0.2.0/24``, and a prefix
inside ``::ffff:0:0/96`` is the IPv4 prefix it stands for. No wider IPv6 prefix holds an IPv4 address: ``::/0`` is
every IPv6 address and no other.

Not handled: text forms of addresses, zone identifiers, the other ways to embed IPv4 in IPv6 (6to4, NAT64).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

cdef extern from *:
    """
    #include <string.h>
    typedef unsigned __int128 tg_u128;
    #define TG_U128(high, low) (((tg_u128)(high) << 64) | (tg_u128)(low))
    static inline uint32_t tg_load32(const char *at) {
        uint32_t word; memcpy(&word, at, 4);
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(word) : word;
    }
    static inline uint64_t tg_load64(const char *at) {
        uint64_t word; memcpy(&word, at, 8);
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(word) : word;
    }
    """
    # The size that Cython assumes is not the real one; no value of this type ever becomes a Python object.
    ctypedef unsigned long long u128 "tg_u128"
    u128 TG_U128(uint64_t high, uint64_t low) noexcept nogil
    uint32_t tg_load32(const char *at) noexcept nogil
    uint64_t tg_load64(const char *at) noexcept nogil

cdef const char *MAPPED = b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"
cdef int32_t NONE = -1
cdef uint64_t LOW_WORD = 0xFFFFFFFFFFFFFFFF


cdef begin(list out, start, value):
    """Let a segment of this value begin, in the place of one of the same start, joined to one of the same value."""
    cdef Py_ssize_t last = len(out) - 1
    if out[last][0] == start:
        out.pop()
        last -= 1
    if last < 0 or out[last][1] != value:
        out.append((start, value))


cdef list segments(list prefixes, object bits):
    """(start, value) of each segment, ascending, from (first address, prefix length, value)."""
    cdef object limit = 1 << bits                     # a Python integer: 2**128 has no C type
    cdef list out = [(0, NONE)]
    cdef list ends = [limit], values = [NONE]         # of the open prefixes, innermost last, below them no prefix
    cdef Py_ssize_t innermost = 0
    prefixes.sort(key=lambda prefix: prefix[:2])
    prefixes.append((limit, 0, NONE))                 # closes what is open at the end
    for first, length, value in prefixes:
        while innermost and ends[innermost] <= first:
            end = ends.pop()
            values.pop()
            innermost -= 1
            if end < limit:
                begin(out, end, values[innermost])
        if first < limit:
            ends.append(first + (1 << (bits - length)))
            values.append(value)
            innermost += 1
            begin(out, first, value)
    return out


cdef class Prefixes:
    """A table of (packed network address, prefix length, value), values from 0 to 2**31 - 1.

    Raises ValueError for an address that is not 4 or 16 bytes, a length out of range, a bit set behind the length, and
    a value out of range.
    """

    def __init__(self, networks):
        cdef list found4 = [], found6 = []
        cdef size_t i
        if self.starts4 is not NULL:
            raise RuntimeError("a table of prefixes is made once")
        for packed, length, value in networks:
            self._add(packed, length, value, found4, found6)
        self.given = len(found4) + len(found6)

        cdef list cut = segments(found4, 32)
        self.count4 = len(cut)
        self.starts4 = <uint32_t *>malloc(self.count4 * sizeof(uint32_t))
        self.values4 = <int32_t *>malloc(self.count4 * sizeof(int32_t))
        if self.starts4 is NULL or self.values4 is NULL:
            raise MemoryError()
        for i, (start, value) in enumerate(cut):
            self.starts4[i] = start
            self.values4[i] = value

        cut = segments(found6, 128)
        self.count6 = len(cut)
        self.starts6 = malloc(self.count6 * sizeof(u128))
        self.values6 = <int32_t *>malloc(self.count6 * sizeof(int32_t))
        if self.starts6 is NULL or self.values6 is NULL:
            raise MemoryError()
        for i, (start, value) in enumerate(cut):
            (<u128 *>self.starts6)[i] = TG_U128(<uint64_t>(start >> 64), <uint64_t>(start & LOW_WORD))
            self.values6[i] = value

    def __dealloc__(self):
        free(self.starts4)
        free(self.values4)
        free(self.starts6)
        free(self.values6)

    cdef _add(self, bytes packed, length, value, list found4, list found6):
        cdef int bits
        if len(packed) == 16 and packed.startswith(MAPPED[:12]) and length >= 96:
            packed, length = packed[12:], length - 96
        if len(packed) != 4 and len(packed) != 16:
            raise ValueError(f"an address has 4 or 16 bytes, not {len(packed)}")
        bits = len(packed) * 8
        if not 0 <= length <= bits:
            raise ValueError(f"a prefix length is from 0 to {bits}, not {length}")
        if not 0 <= value < 1 << 31:
            raise ValueError(f"a value is from 0 to 2**31 - 1, not {value}")
        first = int.from_bytes(packed, "big")
        if first & ((1 << (bits - length)) - 1):
            raise ValueError("a network address has no bit set behind its prefix length")
        (found4 if bits == 32 else found6).append((first, length, value))

    def __len__(self):
        return self.given

    cpdef int32_t match(self, bytes address) except -2:
        """The value of the longest prefix that holds the packed address, -1 where there is none.

        Raises ValueError for an address that is not 4 or 16 bytes.
        """
        cdef const char *at = PyBytes_AS_STRING(address)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(address)
        if self.values6 is NULL:
            raise RuntimeError("the table was not made")
        if size == 4:
            return self._match4(tg_load32(at))
        if size != 16:
            raise ValueError(f"an address has 4 or 16 bytes, not {size}")
        if memcmp(at, MAPPED, 12) == 0:
            return self._match4(tg_load32(at + 12))
        return self._match6(tg_load64(at), tg_load64(at + 8))

    # Both searches keep base[0] <= address, which holds at the beginning because the first segment starts at 0.

    cdef int32_t _match4(self, uint32_t address) noexcept nogil:
        cdef uint32_t *base = self.starts4
        cdef size_t left = self.count4
        cdef size_t half
        while left > 1:
            half = left >> 1
            base += half if base[half] <= address else 0
            left -= half
        return self.values4[base - self.starts4]

    cdef int32_t _match6(self, uint64_t high, uint64_t low) noexcept nogil:
        cdef u128 address = TG_U128(high, low)
        cdef u128 *base = <u128 *>self.starts6
        cdef size_t left = self.count6
        cdef size_t half
        while left > 1:
            half = left >> 1
            base += half if base[half] <= address else 0
            left -= half
        return self.values6[base - <u128 *>self.starts6]
