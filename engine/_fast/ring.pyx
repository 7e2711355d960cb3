"""A byte-record ring in a shared mapping: one producer process, one consumer process.

Theory of operation
    The mapping is a header of 256 bytes and a power-of-two data area. Two 64-bit positions count bytes since the ring
    was made and never wrap in practice (2^64 bytes): `head`, written by the producer alone, and `tail`, written by the
    consumer alone. Each stands on a cache line of its own. `head - tail` is what is waiting. A record is a 32-bit
    length and its bytes, padded to 4, so that a length never straddles the end of the data area; the bytes may.

    put    copies the record behind `head`, then publishes the new `head` with release order.
    peek   reads `head` with acquire order and copies whole records from `tail` on.
    begin  notes, in the header, where the consumer is about to write the peeked records.
    commit moves `tail` past them with release order.

    The note is what makes delivery exactly-once when the consumer dies: it names a destination (two words of the
    caller's choosing), and it is valid only while its own copy of `tail` equals `tail`. The next consumer reads it,
    looks at the destination, and either commits (the records had arrived) or writes them again.

        offset 0    magic            offset 64   head         offset 192  note: tail, end, length, two words
        offset 8    data bytes       offset 72   lost         offset 256  data
                                     offset 128  tail

Guarantees
    A kill of either side at any instruction leaves the ring whole: a record is in it entirely or not at all, in the
    order of the puts; a note is valid entirely or not at all. The positions live in the mapping, so a later process
    continues where the last one stopped. Time is O(bytes copied), memory is the batch that is returned. The consumer
    checks every length before it follows it, and a damaged mapping raises RingError, never reads outside.

Not handled
    More than one producer or consumer at a time (the caller holds a lock). Blocking and waking. Power loss: the
    mapping is as durable as the page cache. Byte order: a ring is read on the kind of host that wrote it.
"""

from cpython.buffer cimport PyBUF_CONTIG, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <stdint.h>
    #define RING_ACQUIRE(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define RING_RELAXED(p) __atomic_load_n((p), __ATOMIC_RELAXED)
    #define RING_RELEASE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    """
    uint64_t RING_ACQUIRE(uint64_t *place) noexcept nogil
    uint64_t RING_RELAXED(uint64_t *place) noexcept nogil
    void RING_RELEASE(uint64_t *place, uint64_t value) noexcept nogil

cdef uint64_t MAGIC = 0x3130474E49524754   # "TGRING01" read as a little-endian word
cdef uint64_t NO_NOTE = 0xFFFFFFFFFFFFFFFF  # never a position: positions are multiples of 4

HEADER_BYTES = 256
MIN_DATA_BYTES = 4096

cdef enum:
    HEAD_AT = 64
    LOST_AT = 72
    TAIL_AT = 128
    NOTE_AT = 192
    DATA_AT = 256


class RingError(Exception):
    """The mapping is not a ring, or is damaged."""


cdef class Ring:
    """A ring over a writable buffer. The object keeps the buffer exported until `close`.

    buffer: HEADER_BYTES plus a power of two of at least MIN_DATA_BYTES, aligned to 8 bytes; formatted before.
    reserve: bytes that `has_room` keeps back for records of work already begun.
    ending: appended to every record that is put, for instance a newline.
    """

    def __cinit__(self, buffer, reserve: int = 0, bytes ending not None = b""):
        cdef uint8_t *base
        PyObject_GetBuffer(buffer, &self.view, PyBUF_CONTIG)
        self.exported = True
        base = <uint8_t *>self.view.buf
        self.size = data_bytes(&self.view)
        if (<uint64_t *>base)[0] != MAGIC:
            raise RingError("not a ring: wrong magic")
        if (<uint64_t *>base)[1] != self.size:
            raise RingError(f"the header says {(<uint64_t *>base)[1]} data bytes, the mapping has {self.size}")
        if not 0 <= reserve < self.size:
            raise ValueError(f"reserve {reserve} is not within the {self.size} data bytes")
        self.ending = ending
        self.ending_length = PyBytes_GET_SIZE(ending)
        self.mask = self.size - 1
        self.open_limit = self.size - <uint64_t>reserve
        self.data = base + DATA_AT
        self.head = <uint64_t *>(base + HEAD_AT)
        self.lost_count = <uint64_t *>(base + LOST_AT)
        self.tail = <uint64_t *>(base + TAIL_AT)
        self.noted = <uint64_t *>(base + NOTE_AT)
        self.known_tail = RING_ACQUIRE(self.tail)
        if RING_ACQUIRE(self.head) - self.known_tail > self.size or (self.head[0] | self.known_tail) & 3:
            raise RingError(f"damaged: head {self.head[0]}, tail {self.known_tail}, {self.size} data bytes")

    def __dealloc__(self):
        if self.exported:
            PyBuffer_Release(&self.view)

    def close(self) -> None:
        """Let go of the buffer. Every later use of the ring raises ValueError."""
        if self.exported:
            self.exported = False
            self.head = NULL
            PyBuffer_Release(&self.view)

    cdef int check_open(self) except -1:
        if self.head == NULL:
            raise ValueError("the ring is closed")
        return 0

    @staticmethod
    def format(buffer) -> None:
        """Make an empty ring of a writable buffer; whatever was in its header is gone."""
        cdef Py_buffer view
        cdef uint64_t size
        PyObject_GetBuffer(buffer, &view, PyBUF_CONTIG)
        try:
            size = data_bytes(&view)
            memset(view.buf, 0, DATA_AT)
            (<uint64_t *>view.buf)[1] = size
            (<uint64_t *>(<uint8_t *>view.buf + NOTE_AT))[0] = NO_NOTE
            # Last, so that a formatting that was cut short is no ring.
            RING_RELEASE(<uint64_t *>view.buf, MAGIC)
        finally:
            PyBuffer_Release(&view)

    # -- the producer --------------------------------------------------------------------------------------------

    cpdef bint put(self, bytes record) except -1:
        """Append one record and the ending. False, and one more in `lost`, when there is no room for it now.

        ValueError: together they are longer than an eighth of the data area, or empty.
        """
        cdef uint64_t given = PyBytes_GET_SIZE(record)
        cdef uint64_t length = given + self.ending_length
        cdef uint64_t span = (length + 7) & ~<uint64_t>3
        cdef uint64_t head
        self.check_open()
        if length == 0 or span > self.size >> 3:
            raise ValueError(f"a record of {length} bytes: not within 1 and {(self.size >> 3) - 4}")
        head = RING_RELAXED(self.head)
        if head + span - self.known_tail > self.size:
            self.known_tail = RING_ACQUIRE(self.tail)
            if head + span - self.known_tail > self.size:
                RING_RELEASE(self.lost_count, RING_RELAXED(self.lost_count) + 1)
                return False
        (<uint32_t *>(self.data + (head & self.mask)))[0] = <uint32_t>length
        self.copy_in((head + 4) & self.mask, PyBytes_AS_STRING(record), given)
        if self.ending_length:
            self.copy_in((head + 4 + given) & self.mask, PyBytes_AS_STRING(self.ending), self.ending_length)
        RING_RELEASE(self.head, head + span)
        return True

    cpdef bint has_room(self) except -1:
        """Whether more than the reserve is free: new work may begin."""
        cdef uint64_t head
        self.check_open()
        head = RING_RELAXED(self.head)
        if head - self.known_tail < self.open_limit:
            return True
        self.known_tail = RING_ACQUIRE(self.tail)
        return head - self.known_tail < self.open_limit

    # -- the consumer --------------------------------------------------------------------------------------------

    def peek(self, max_bytes: int) -> bytes:
        """The oldest records, joined, that fit in `max_bytes`; at least one when any waits. Nothing is taken out.

        RingError: a length does not fit what is published.
        """
        cdef uint64_t tail, head, position, length, total = 0, limit
        cdef bytes batch
        cdef char *target
        self.check_open()
        if max_bytes < 1:
            raise ValueError(f"max_bytes {max_bytes} is not positive")
        limit = max_bytes
        tail = RING_RELAXED(self.tail)
        head = RING_ACQUIRE(self.head)
        if head - tail > self.size:
            raise RingError(f"damaged: head {head}, tail {tail}, {self.size} data bytes")
        position = tail
        while position != head:
            length = (<uint32_t *>(self.data + (position & self.mask)))[0]
            if length == 0 or ((length + 7) & ~<uint64_t>3) > head - position:
                raise RingError(f"damaged: a record of {length} bytes at {position}, head {head}")
            if total and total + length > limit:
                break
            total += length
            position += (length + 7) & ~<uint64_t>3
        batch = PyBytes_FromStringAndSize(NULL, total)
        target = PyBytes_AS_STRING(batch)
        self.peeked_end = position
        self.peeked_length = total
        position = tail
        while position != self.peeked_end:
            length = (<uint32_t *>(self.data + (position & self.mask)))[0]
            if length > total:
                raise RingError(f"damaged: the record at {position} changed while it was read")
            self.copy_out(target, (position + 4) & self.mask, length)
            target += length
            total -= length
            position += (length + 7) & ~<uint64_t>3
        return batch

    def begin(self, place: int, offset: int) -> None:
        """Note that the records of the last `peek` are about to be written to `place` at `offset` (64 bits each).

        ValueError: nothing was peeked.
        """
        cdef uint64_t tail, first = place, second = offset
        self.check_open()
        tail = RING_RELAXED(self.tail)
        if self.peeked_length == 0:
            raise ValueError("nothing was peeked")
        RING_RELEASE(&self.noted[0], NO_NOTE)
        self.noted[1] = self.peeked_end
        self.noted[2] = self.peeked_length
        self.noted[3] = first
        self.noted[4] = second
        RING_RELEASE(&self.noted[0], tail)

    def begun(self) -> tuple[int, int, int] | None:
        """`(place, offset, length in bytes)` of a write that was begun and not committed, or None."""
        self.check_open()
        if RING_ACQUIRE(&self.noted[0]) != RING_RELAXED(self.tail):
            return None
        return self.noted[3], self.noted[4], self.noted[2]

    def commit(self) -> None:
        """Take out the records of the write that was begun.

        ValueError: none was begun. RingError: the note does not fit what is published.
        """
        cdef uint64_t tail, head
        self.check_open()
        tail = RING_RELAXED(self.tail)
        head = RING_ACQUIRE(self.head)
        if RING_ACQUIRE(&self.noted[0]) != tail:
            raise ValueError("no write was begun")
        if self.noted[1] - tail > head - tail or self.noted[1] & 3:
            raise RingError(f"damaged: a note up to {self.noted[1]}, head {head}, tail {tail}")
        self.peeked_length = 0
        RING_RELEASE(self.tail, self.noted[1])

    # -- either side ---------------------------------------------------------------------------------------------

    @property
    def used(self) -> int:
        """Bytes that wait, lengths and padding included."""
        self.check_open()
        cdef uint64_t tail = RING_ACQUIRE(self.tail)
        return RING_ACQUIRE(self.head) - tail

    @property
    def lost(self) -> int:
        """Records that found no room since the ring was made."""
        self.check_open()
        return RING_ACQUIRE(self.lost_count)

    @property
    def capacity(self) -> int:
        """Bytes of the data area."""
        return self.size

    cdef void copy_in(self, uint64_t at, const char *source, uint64_t length) noexcept:
        cdef uint64_t first = self.size - at
        if length <= first:
            memcpy(self.data + at, source, length)
        else:
            memcpy(self.data + at, source, first)
            memcpy(self.data, source + first, length - first)

    cdef void copy_out(self, char *target, uint64_t at, uint64_t length) noexcept:
        cdef uint64_t first = self.size - at
        if length <= first:
            memcpy(target, self.data + at, length)
        else:
            memcpy(target, self.data + at, first)
            memcpy(target + first, self.data, length - first)


cdef uint64_t data_bytes(Py_buffer *view) except 0:
    cdef uint64_t size
    if view.readonly:
        raise ValueError("the buffer is read-only")
    if view.len < DATA_AT + MIN_DATA_BYTES:
        raise ValueError(f"a buffer of {view.len} bytes is too small for a ring")
    size = view.len - DATA_AT
    if size & (size - 1) or size >> 32:
        raise ValueError(f"{size} data bytes: not a power of two below 4 GiB")
    if <uintptr_t>view.buf & 7:
        raise ValueError("the buffer is not aligned to 8 bytes")
    return size
