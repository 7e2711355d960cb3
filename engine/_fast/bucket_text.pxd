# Numbers and durations as text, written to a buffer that the caller has made large enough. Each returns how many bytes
# it wrote.

from libc.stdint cimport int64_t, uint64_t

cdef enum:
    DIGITS = 20         # of 2^64
    SPAN_CHARS = 40     # of a duration of 2^63 ns and more


cdef inline int decimal(char *out, uint64_t number) noexcept nogil:
    cdef char[DIGITS] digits
    cdef int size = 0, i
    while True:
        digits[size] = <char>(48 + number % 10)
        size += 1
        number //= 10
        if number == 0:
            break
    for i in range(size):
        out[i] = digits[size - 1 - i]
    return size


cdef inline int duration(char *out, int64_t ns) noexcept nogil:
    # As Go prints a time.Duration, rounded up to a millisecond: "0s", "12ms", "1.5s", "6m0s", "1h0m0.25s".
    cdef uint64_t ms = <uint64_t>((ns + 999999) // 1000000)
    cdef uint64_t hours, minutes, fraction
    cdef int size = 0, _
    if 0 < ms < 1000:
        size = decimal(out, ms)
        out[size] = b"m"
        out[size + 1] = b"s"
        return size + 2
    fraction = ms % 1000
    hours = ms // 3600000
    minutes = ms // 60000 % 60
    if hours:
        size = decimal(out, hours)
        out[size] = b"h"
        size += 1
    if hours or minutes:
        size += decimal(out + size, minutes)
        out[size] = b"m"
        size += 1
    size += decimal(out + size, ms // 1000 % 60)
    if fraction:
        out[size] = b"."
        size += 1
        for _ in range(3):
            if fraction == 0:
                break
            out[size] = <char>(48 + fraction // 100)
            size += 1
            fraction = fraction % 100 * 10
    out[size] = b"s"
    return size + 1
