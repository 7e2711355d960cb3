"""The members of a JSON object, found without reading their values.

Theory of operation
    The text is walked once. Strings are skipped 16 bytes at a time, brackets are counted, and only the keys at the top
    are looked at: what is inside a value costs no more than a search for its end. That is what a gateway needs that
    asks of a long text only "is this field set", or wants one short field out of it.

Guarantees
    - For a text that `jsonguard.check` accepts, the answers are those of a full parser. Keys are compared as they read
      after unescaping.
    - For any other bytes the answer may be wrong or None, but no byte outside of the text is read, and the time is
      linear in its length.

Not handled
    Whether the text is JSON at all: that is what `jsonguard` is for.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp, memset

from engine._fast.jsonguard_text cimport skip_plain, skip_space, unescape


cdef extern from *:
    """
    #include <stddef.h>
    /* memrchr is no standard C. */
    static inline const void *tg_memrchr(const void *start, int byte, size_t size)
    {
        const unsigned char *p = (const unsigned char *)start + size;
        while (p != (const unsigned char *)start) if (*--p == byte) return p;
        return NULL;
    }
    """
    const void *memrchr "tg_memrchr"(const void *start, int byte, size_t size) noexcept nogil


cdef enum:
    # A report of usage has some twenty names in it.
    MOST_QUOTES = 96


cdef const uint8_t *_skip_string(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Past the closing quote of the string whose opening quote is before `p`; NULL where it does not end."""
    while True:
        p = skip_plain(p, end)
        if p >= end:
            return NULL
        if p[0] == 34:
            return p + 1
        # A byte behind a backslash is no end of the string; the one behind the text's last is its final zero.
        p += 2 if p[0] == 92 else 1


cdef const uint8_t *_skip_value(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """To the comma or bracket behind the value at `p`; NULL where it does not end."""
    cdef Py_ssize_t depth = 0
    cdef uint8_t c
    while p < end:
        c = p[0]
        if c == 34:
            p = _skip_string(p + 1, end)
            if p == NULL:
                return NULL
            continue
        if c == 123 or c == 91:
            depth += 1
        elif c == 125 or c == 93:
            if depth == 0:
                return p
            depth -= 1
        elif c == 44 and depth == 0:
            return p
        p += 1
    return NULL


cdef const uint8_t *_first(bytes text, const uint8_t *end) noexcept:
    """Where the first key begins, NULL where the text is no object or an empty one."""
    cdef const uint8_t *p = skip_space(<const uint8_t *>PyBytes_AS_STRING(text))
    if p >= end or p[0] != 123:
        return NULL
    p = skip_space(p + 1)
    return p if p < end and p[0] == 34 else NULL


cdef const uint8_t *_read(const uint8_t *p, const uint8_t *end, Member *member) noexcept nogil:
    """Read the member whose key's opening quote is at `p`. The result is the next one's, or NULL after the last."""
    member.key = p + 1
    member.value = NULL
    p = _skip_string(p + 1, end)
    if p == NULL:
        return NULL
    member.key_end = p - 1
    p = skip_space(p)
    if p >= end or p[0] != 58:
        return NULL
    member.value = skip_space(p + 1)
    p = _skip_value(member.value, end)
    if p == NULL:
        member.value = NULL
        return NULL
    member.value_end = p
    if p[0] != 44:
        return NULL
    p = skip_space(p + 1)
    return p if p < end and p[0] == 34 else NULL


cdef bytes _key(Member *member):
    """A key as it reads."""
    cdef Py_ssize_t size = member.key_end - member.key
    cdef bytes raw = PyBytes_FromStringAndSize(<const char *>member.key, size)
    cdef bytes out
    cdef uint8_t *start
    if memchr(member.key, 92, size) == NULL:
        return raw
    if not _whole_escapes(member.key, member.key_end):
        return raw
    out = PyBytes_FromStringAndSize(NULL, size)
    start = <uint8_t *>PyBytes_AS_STRING(out)
    return out[:unescape(member.key, member.key_end, start) - start]


cdef bint _whole_escapes(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Whether `unescape`, which takes a checked string, may be called: every escape ends before `end`."""
    cdef Py_ssize_t index
    cdef uint8_t c
    while p < end:
        if p[0] != 92:
            p += 1
            continue
        if end - p < 2:
            return False
        c = p[1]
        if c == 117:
            if end - p < 6:
                return False
            for index in range(2, 6):
                c = p[index] | 0x20
                if not (48 <= p[index] <= 57 or 97 <= c <= 102):
                    return False
            if (p[2] | 0x20) == 100 and p[3] >= 56:  # half of a pair: the other half must follow
                if end - p < 12 or p[6] != 92 or p[7] != 117:
                    return False
                for index in range(8, 12):
                    c = p[index] | 0x20
                    if not (48 <= p[index] <= 57 or 97 <= c <= 102):
                        return False
                p += 12
                continue
            p += 6
        else:
            p += 2
    return True


cdef bint _ends_text(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """Whether, from the comma or bracket at `p` behind a member of an object, nothing but the rest of that object
    follows, and its closing bracket is the last of the text."""
    while True:
        if p >= end:
            return False
        if p[0] == 125:
            return skip_space(p + 1) >= end
        if p[0] != 44:
            return False
        p = _skip_value(p + 1, end)
        if p == NULL:
            return False


cpdef bytes last_member(bytes text, bytes name):
    """The same as `member`, looked for from the end: what an object says last costs no reading of what stands before.

    Where that does not settle it, the object is read from its beginning.
    """
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef const uint8_t *end = start + PyBytes_GET_SIZE(text)
    cdef const uint8_t *p = end
    cdef const uint8_t *value
    cdef const uint8_t *value_end
    cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
    cdef int quotes = 0
    while quotes < MOST_QUOTES:
        quotes += 1
        # A closing quote, the name, and an opening one before it.
        p = <const uint8_t *>memrchr(start, 34, p - start)
        if p == NULL or p - start < size + 2:
            break
        value = p - size - 1
        if value[0] != 34 or value[-1] == 92 or memcmp(value + 1, PyBytes_AS_STRING(name), size) != 0:
            continue
        value = skip_space(p + 1)
        if value >= end or value[0] != 58:
            continue
        value = skip_space(value + 1)
        value_end = _skip_value(value, end)
        # The last one of this name in the text: if it is no member of the whole, an earlier one may be.
        if value_end == NULL or not _ends_text(value_end, end) or skip_space(start)[0] != 123:
            break
        return PyBytes_FromStringAndSize(<const char *>value, value_end - value)
    return member(text, name)


cpdef bytes member(bytes text, bytes name):
    """The value of the member `name` of the object that `text` is, as it stands there; of several, the last.

    `name` holds no quote and no backslash. None where there is none. White space behind a number is part of it.
    """
    cdef const uint8_t *end = <const uint8_t *>PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
    cdef const uint8_t *p = _first(text, end)
    cdef const uint8_t *value = NULL
    cdef const uint8_t *value_end = NULL
    cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
    cdef Member found
    while p != NULL:
        p = _read(p, end, &found)
        if found.value == NULL:
            break
        if found.key_end - found.key == size:
            if memcmp(found.key, PyBytes_AS_STRING(name), size) != 0:
                continue
        elif memchr(found.key, 92, found.key_end - found.key) == NULL or _key(&found) != name:
            continue
        value, value_end = found.value, found.value_end
    if value == NULL:
        return None
    return PyBytes_FromStringAndSize(<const char *>value, value_end - value)


cdef long long _integer(const uint8_t *p, const uint8_t *end) noexcept nogil:
    """The number between `p` and `end` where it is plain digits, 15 at the most; else -1."""
    cdef const uint8_t *start = p
    cdef long long value = 0
    while p < end and 48 <= p[0] <= 57:
        if p - start == 15:
            return -1
        value = value * 10 + p[0] - 48
        p += 1
    return value if p > start and skip_space(p) >= end else -1


cpdef list integers(bytes text, Names names):
    """What the members of these names of the object that `text` is say as plain integers, each from 0 to 10^15 - 1.

    In the order of the names, 16 at the most (ValueError). -1 for one that is not there or is anything else (a
    fraction, null, below zero); of several, the last counts.
    """
    cdef const uint8_t *end = <const uint8_t *>PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
    cdef const uint8_t *p = _first(text, end)
    cdef Py_ssize_t index
    cdef long long[16] values
    cdef Member found
    if names.count > 16:
        raise ValueError(f"{names.count} names; at most 16")
    for index in range(names.count):
        values[index] = -1
    while p != NULL:
        p = _read(p, end, &found)
        if found.value == NULL:
            break
        index = names.place(&found)
        if index >= 0:
            values[index] = _integer(found.value, found.value_end)
    return [values[index] for index in range(names.count)]


cdef class Names:
    """Names that are looked for in objects, and what each stands for. `wanted` is by name as UTF-8."""

    def __cinit__(self, dict wanted not None):
        cdef Py_ssize_t index
        self.names = tuple(wanted)
        self.values = tuple(wanted.values())
        self.count = len(wanted)
        # By length: most keys of a text have one that no name has.
        memset(self.lengths, 0, sizeof(self.lengths))
        for index in range(self.count):
            self.lengths[PyBytes_GET_SIZE(<bytes?>self.names[index]) & 63] = 1

    cdef Py_ssize_t place(self, Member *found) except -2:
        """The index of the name that a member has, -1 for none of them."""
        cdef Py_ssize_t index, size = found.key_end - found.key
        cdef bytes name
        if memchr(found.key, 92, size) != NULL:
            name = _key(found)
            return self.names.index(name) if name in self.names else -1
        if not self.lengths[size & 63]:
            return -1
        for index in range(self.count):
            if PyBytes_GET_SIZE(<bytes>self.names[index]) == size:
                if memcmp(PyBytes_AS_STRING(<bytes>self.names[index]), found.key, size) == 0:
                    return index
        return -1


cpdef list pick(bytes text, Names wanted):
    """The members of the object that `text` is whose names are among `wanted`: pairs of what the name stands for and
    the value as it stands in the text, in the text's order. Empty for anything but an object.
    """
    cdef const uint8_t *end = <const uint8_t *>PyBytes_AS_STRING(text) + PyBytes_GET_SIZE(text)
    cdef const uint8_t *p = _first(text, end)
    cdef Member found
    cdef Py_ssize_t index
    cdef list picked = []
    while p != NULL:
        p = _read(p, end, &found)
        if found.value == NULL:
            break
        index = wanted.place(&found)
        if index >= 0:
            value = PyBytes_FromStringAndSize(<const char *>found.value, found.value_end - found.value)
            picked.append((wanted.values[index], value))
    return picked
