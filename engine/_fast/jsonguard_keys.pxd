# The two stacks of the JSON reader: the open arrays and objects, and the keys of all open objects.
#
# A nested object pushes its keys above those of its parent and is gone before the parent continues, so the keys of an
# object are always contiguous, from the base in its frame on. Both stacks begin inside the struct, which lives on the C
# stack, and move to the heap when they grow.

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from engine._fast.jsonguard_text cimport unescape
from engine._fast.siphash cimport siphash


cdef enum:
    INLINE_FRAMES = 32      # deeper than any request of an SDK
    INLINE_KEYS = 96        # more than the open objects of most requests have together
    PAIRWISE_KEYS = 16      # up to here comparing with every earlier key is cheaper than hashing
    FIRST_TABLE = 64        # slots of a fresh table: the 17 keys that made it necessary, at a quarter load

cdef enum KeyStatus:
    KEY_ADDED
    KEY_DUPLICATE
    KEY_NO_MEMORY

cdef struct Key:
    const uint8_t *text         # unescaped, in the body or in the arena
    uint64_t size
    uint64_t mark               # first eight bytes, or the SipHash once the object has a table

cdef struct Frame:
    uint64_t base               # object: index of its first key
    uint64_t count              # array: index of the element being read
    uint32_t *table             # object with many keys: 1 + (index - base), 0 is free
    uint64_t mask               # slots of the table - 1
    bint is_object

cdef struct Stacks:
    Frame *frames
    uint64_t depth
    uint64_t frame_room
    Key *keys
    uint64_t key_count
    uint64_t key_room
    uint8_t *arena              # unescaped keys; as long as the body, made when the first is met
    uint8_t *arena_next
    uint64_t arena_size
    uint64_t k0                 # of SipHash
    uint64_t k1
    Frame inline_frames[INLINE_FRAMES]
    Key inline_keys[INLINE_KEYS]


cdef inline void begin_stacks(Stacks *s, uint64_t body_size, uint64_t k0, uint64_t k1) noexcept nogil:
    s.frames = s.inline_frames
    s.depth = 0
    s.frame_room = INLINE_FRAMES
    s.keys = s.inline_keys
    s.key_count = 0
    s.key_room = INLINE_KEYS
    s.arena = NULL
    s.arena_next = NULL
    s.arena_size = body_size
    s.k0 = k0
    s.k1 = k1


cdef inline bint open_frame(Stacks *s, bint is_object) noexcept nogil:
    """Push a frame; false when there is no memory."""
    cdef Frame *grown
    cdef Frame *frame
    if s.depth == s.frame_room:
        grown = <Frame *>PyMem_RawRealloc(
            NULL if s.frames == s.inline_frames else s.frames, 2 * s.frame_room * sizeof(Frame)
        )
        if grown == NULL:
            return False
        if s.frames == s.inline_frames:
            memcpy(grown, s.inline_frames, s.depth * sizeof(Frame))
        s.frames = grown
        s.frame_room *= 2
    frame = s.frames + s.depth
    frame.base = s.key_count
    frame.count = 0
    frame.table = NULL
    frame.mask = 0
    frame.is_object = is_object
    s.depth += 1
    return True


cdef inline void close_frame(Stacks *s) noexcept nogil:
    """Pop the innermost frame with its keys."""
    cdef Frame *frame
    s.depth -= 1
    frame = s.frames + s.depth
    if frame.table != NULL:
        PyMem_RawFree(frame.table)
    s.key_count = frame.base


cdef inline void release_stacks(Stacks *s) noexcept nogil:
    while s.depth:
        close_frame(s)
    if s.frames != s.inline_frames:
        PyMem_RawFree(s.frames)
    if s.keys != s.inline_keys:
        PyMem_RawFree(s.keys)
    PyMem_RawFree(s.arena)


cdef inline uint64_t head_of(const uint8_t *p, uint64_t size) noexcept nogil:
    """The first eight bytes of a key, zero-filled: exact for keys of up to eight bytes, a filter for longer ones."""
    cdef uint64_t word = 0
    memcpy(&word, p, min(size, <uint64_t>8))
    return word


cdef inline bint new_table(Stacks *s, Frame *frame, uint64_t slots) noexcept nogil:
    """Give the object a table of `slots` over the keys it has; false when there is no memory."""
    cdef uint32_t *table = <uint32_t *>PyMem_RawCalloc(slots, sizeof(uint32_t))
    cdef uint64_t index, slot
    if table == NULL:
        return False
    for index in range(frame.base, s.key_count):
        slot = s.keys[index].mark & (slots - 1)
        while table[slot]:
            slot = (slot + 1) & (slots - 1)
        table[slot] = <uint32_t>(index - frame.base + 1)
    PyMem_RawFree(frame.table)
    frame.table = table
    frame.mask = slots - 1
    return True


cdef inline KeyStatus find_or_hash(Stacks *s, Frame *frame, Key *key) noexcept nogil:
    """The way of an object with many keys: look the key up in the table and enter it there."""
    cdef uint64_t count = s.key_count - frame.base
    cdef uint64_t index, slot
    cdef Key *other
    if frame.table == NULL:
        for index in range(frame.base, s.key_count):
            s.keys[index].mark = siphash(s.k0, s.k1, s.keys[index].text, s.keys[index].size)
        if not new_table(s, frame, FIRST_TABLE):
            return KEY_NO_MEMORY
    elif 2 * count > frame.mask and not new_table(s, frame, 2 * (frame.mask + 1)):
        return KEY_NO_MEMORY
    key.mark = siphash(s.k0, s.k1, key.text, key.size)
    slot = key.mark & frame.mask
    while frame.table[slot]:
        other = s.keys + frame.base + frame.table[slot] - 1
        if other.mark == key.mark and other.size == key.size and memcmp(other.text, key.text, key.size) == 0:
            return KEY_DUPLICATE
        slot = (slot + 1) & frame.mask
    frame.table[slot] = <uint32_t>(count + 1)
    return KEY_ADDED


cdef inline KeyStatus add_key(Stacks *s, const uint8_t *p, const uint8_t *end, bint escaped) noexcept nogil:
    """Enter the key in [p, end), as it stands in the body, into the innermost object."""
    cdef Frame *frame = s.frames + s.depth - 1
    cdef Key key
    cdef Key *grown
    cdef Key *other
    cdef KeyStatus status = KEY_ADDED
    if escaped:
        if s.arena == NULL:
            s.arena = <uint8_t *>PyMem_RawMalloc(s.arena_size)
            s.arena_next = s.arena
            if s.arena == NULL:
                return KEY_NO_MEMORY
        key.text = s.arena_next
        s.arena_next = unescape(p, end, s.arena_next)
        key.size = s.arena_next - key.text
    else:
        key.text = p
        key.size = end - p
    if s.key_count == s.key_room:
        grown = <Key *>PyMem_RawRealloc(NULL if s.keys == s.inline_keys else s.keys, 2 * s.key_room * sizeof(Key))
        if grown == NULL:
            return KEY_NO_MEMORY
        if s.keys == s.inline_keys:
            memcpy(grown, s.inline_keys, s.key_count * sizeof(Key))
        s.keys = grown
        s.key_room *= 2
    if frame.table == NULL and s.key_count - frame.base < PAIRWISE_KEYS:
        key.mark = head_of(key.text, key.size)
        other = s.keys + frame.base
        while other < s.keys + s.key_count:
            if (
                other.mark == key.mark and other.size == key.size
                and (key.size <= 8 or memcmp(other.text, key.text, key.size) == 0)
            ):
                status = KEY_DUPLICATE
                break
            other += 1
    else:
        status = find_or_hash(s, frame, &key)
    # A duplicate is entered too: it is the last step of the path that the error names.
    s.keys[s.key_count] = key
    s.key_count += 1
    return status


cdef inline list path_of(Stacks *s):
    """Keys and indexes from the outermost frame to the place that is being read."""
    cdef uint64_t i, last
    cdef Frame *frame
    path = []
    for i in range(s.depth):
        frame = s.frames + i
        if not frame.is_object:
            path.append(frame.count)
            continue
        # The keys of the next object begin where those of this one, up to the key being read, end.
        last = s.frames[i + 1].base if i + 1 < s.depth else s.key_count
        if last > frame.base:
            path.append((<const char *>s.keys[last - 1].text)[:s.keys[last - 1].size].decode())
    return path
