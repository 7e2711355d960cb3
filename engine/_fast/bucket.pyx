"""Rate-limit counters (GCRA) in a writable buffer that several processes map.

Theory of operation
    A counter is one time: the theoretical arrival time (TAT), in nanoseconds of the caller's clock, at which the
    bucket will be full again (ITU-T I.371, "generic cell rate algorithm", virtual scheduling). A charge of `cost`
    moves it to max(TAT, now) + cost * interval and is admitted when that is no further than `tolerance` ahead of
    now. So a counter needs no timer, no refill and no second word, and an idle one (TAT <= now) holds nothing that
    a fresh one would not.

    The buffer is an array of 16-byte slots, each the 64-bit fingerprint of a key and its TAT, changed by one 16-byte
    compare-and-swap only. bucket_slots.pxd says how a key gets its slot, and why never two. A fingerprint is
    SipHash-2-4 under a secret key, so that nobody can choose subjects that collide.

    A plan is the list of limits that apply to one caller. `take` first evaluates all of them and writes nothing
    unless all admit; then it charges one after the other, and gives back what it took if another process was faster.

Guarantees
    - No counter ever admits more than its limit, whatever the number of processes and whenever any of them is
      killed. A kill between two charges of a plan leaves those made so far in place (the limit is then stricter by
      that much until it has drained), never a partly written counter.
    - A slot with debt is never taken over; with no other slot in the window the answer is NO_ROOM, not "admitted".
    - No arithmetic overflows: times are below 2^62, tolerances below 100 years, and a cost is compared to
      the capacity before it is multiplied.
    - Every operation ends after a bounded number of steps; so much contention that it does not come through
      within ATTEMPTS is answered with NO_ROOM.
    - A clock set back by more than CLOCK_SLACK_NS leaves a counter at full debt as of the new time, not more. By less,
      it binds longer by as much.

Not handled
    - A time older than CLOCK_SLACK_NS cannot be told from a clock that was set back, and cuts debts to what they could
      have been then. Callers read the clock for each call and do not keep the reading while they wait for something.
    - A clock set forward forgives what would have drained until then. Processes that read different clocks see limits
      that are exact to that difference only.
    - A limit whose rate is changed keeps its TAT: the debt is carried over as time, not as a number of requests. While
      plans of the old and the new rate are both in use, the one with the smaller tolerance may cut the debt to its own.
    - While a roll-back is under way another process may be refused that could just have been admitted.
    - Two keys with equal fingerprints (2^-64 a pair) share a counter: stricter, never looser.
    - Truncation of the mapped file by somebody else (SIGBUS).
"""

cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int64_t, uint8_t, uint64_t, uintptr_t
from libc.string cimport memcpy

from engine._fast.bucket_slots cimport (
    FULL,
    INSERTED,
    WINDOW_SLOTS,
    BLOCK_SLOTS,
    Slot,
    cas_supported,
    find_counter,
    insert_counter,
    slot_cas,
    slot_fingerprint,
    slot_tat,
)
from engine._fast.bucket_text cimport DIGITS, SPAN_CHARS, decimal, duration
from engine._fast.siphash cimport little_endian, siphash

if not cas_supported():
    raise ImportError("this processor has no 16-byte compare-and-swap (cmpxchg16b), which the bucket kernel needs")


cdef enum:
    # More limits than this on one caller is a mistake in a policy, not a need.
    C_MAX_ENTRIES = 64
    # Each failed attempt means that another process came through; this many in a row does not happen by chance.
    ATTEMPTS = 1000
    C_ADMITTED = -1
    C_NO_ROOM = -2
    REFUSED = -3

SLOT_BYTES = sizeof(Slot)
WINDOW = WINDOW_SLOTS
MAX_ENTRIES = C_MAX_ENTRIES
ADMITTED = C_ADMITTED
NO_ROOM = C_NO_ROOM

# 2^62 ns is the year 2116; with the longest tolerance on top it is still below 2^63.
cdef int64_t C_MAX_NOW_NS = <int64_t>1 << 62
cdef int64_t C_MAX_TOLERANCE_NS = <int64_t>100 * 366 * 86400 * 1000000000
# A caller may be held up between reading the clock and getting here, and must not take the others' progress for a
# clock set back: that would forgive their debts. A minute is far beyond any delay of a process that lives, and bearable
# for somebody shut out because the clock was a little wrong.
cdef int64_t C_CLOCK_SLACK_NS = <int64_t>60 * 1000000000

MAX_NOW_NS = C_MAX_NOW_NS
MAX_TOLERANCE_NS = C_MAX_TOLERANCE_NS
CLOCK_SLACK_NS = C_CLOCK_SLACK_NS


cdef class Table:
    """The slots and the hash key. `buffer` is held for as long as the table or a plan made from it lives.

    `buffer`: writable, contiguous, 16-byte aligned, 16 bytes times a power of two of at least WINDOW slots; all zero is
    an empty table. `key`: 16 secret bytes, the same for every process that maps the buffer. ValueError otherwise.
    """

    def __cinit__(self, buffer, bytes key not None):
        if len(key) != 16:
            raise ValueError(f"the hash key has {len(key)} bytes, not 16")
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE)
        cdef size_t size = <size_t>self.view.len
        cdef size_t count = size // sizeof(Slot)
        if size % sizeof(Slot) or count < WINDOW_SLOTS or count & (count - 1):
            raise ValueError(f"{size} bytes are not 16 times a power of two of at least {WINDOW} slots")
        if <uintptr_t>self.view.buf % sizeof(Slot):
            raise ValueError("the buffer is not aligned to 16 bytes")
        cdef const uint8_t *key_bytes = <const uint8_t *>PyBytes_AS_STRING(key)
        self.slots.first = <Slot *>self.view.buf
        self.slots.mask = count // BLOCK_SLOTS - 1
        self.k0 = little_endian(key_bytes, 8)
        self.k1 = little_endian(key_bytes + 8, 8)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)

    def __len__(self):
        """Slots in all."""
        return self.view.len // <Py_ssize_t>sizeof(Slot)

    def fingerprint(self, bytes data not None):
        """SipHash-2-4 of `data` under the table's key; never 0, which marks an empty slot, nor 2^63, whose hold is 0.
        """
        cdef uint64_t digest = siphash(
            self.k0, self.k1, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        )
        return digest if digest << 1 else 1

    def peek(self, uint64_t fingerprint, int64_t now_ns):
        """The counter's TAT in ns, 0 where it has none or is idle (TAT <= now_ns)."""
        cdef int64_t tat
        if find_counter(&self.slots, fingerprint, &tat) is NULL or tat <= now_ns:
            return 0
        return tat

    def occupied(self):
        """Slots that are not empty, idle ones and claims included. Looks at every slot: for tools and metrics only."""
        cdef uint64_t i
        cdef Py_ssize_t count = 0
        with nogil:
            for i in range((self.slots.mask + 1) * BLOCK_SLOTS):
                count += slot_fingerprint(&self.slots.first[i]) != 0
        return count

cdef class Template:
    """Constant text around a limit's figures, for `Plan.render`.

    Five pieces: text, remaining, text, time until full as a duration ("6m0s"), text, remaining, text, time until full
    in whole seconds, text.
    """

    cdef readonly tuple pieces
    cdef Py_ssize_t size

    def __init__(self, bytes p0 not None, bytes p1 not None, bytes p2 not None, bytes p3 not None, bytes p4 not None):
        self.pieces = (p0, p1, p2, p3, p4)
        self.size = len(p0) + len(p1) + len(p2) + len(p3) + len(p4)


cdef inline char *append(char *out, bytes piece) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    memcpy(out, PyBytes_AS_STRING(piece), size)
    return out + size


@cython.final
cdef class Plan:
    """The limits that apply to one caller, charged together or not at all.

    `entries`: up to 64 of (fingerprint, interval in ns, tolerance in ns), no fingerprint twice; interval >= 1,
    interval <= tolerance <= MAX_TOLERANCE_NS. ValueError otherwise. The capacity (burst) of a limit is
    tolerance // interval. An entry is named by its index.

    The figures (`wait_ns`, `tightest`, `remaining`, `reset_ns`) are those of the last `take` or `render`. Not safe
    without the GIL; any number of plans in any number of processes may name the same counters.
    """

    def __cinit__(self, Table table not None, entries):
        cdef list rows = list(entries)
        cdef set seen = set()
        cdef Entry *entry
        cdef int i
        if len(rows) > C_MAX_ENTRIES:
            raise ValueError(f"{len(rows)} limits in one plan; at most {C_MAX_ENTRIES}")
        self.table = table
        self._refused = -1
        self.entries = <Entry *>PyMem_Calloc(max(1, len(rows)), sizeof(Entry))
        if self.entries is NULL:
            raise MemoryError
        for i, (fingerprint, interval, tolerance) in enumerate(rows):
            if not 0 < fingerprint < 1 << 64:
                raise ValueError(f"entry {i}: fingerprint {fingerprint} is not a positive 64-bit number")
            if not 1 <= interval <= tolerance <= C_MAX_TOLERANCE_NS:
                raise ValueError(
                    f"entry {i}: interval {interval} ns and tolerance {tolerance} ns do not fit in "
                    f"1 <= interval <= tolerance <= {C_MAX_TOLERANCE_NS}"
                )
            if fingerprint in seen:
                raise ValueError(f"entry {i}: fingerprint {fingerprint} is already in the plan")
            seen.add(fingerprint)
            entry = &self.entries[i]
            entry.fingerprint = fingerprint
            entry.interval = interval
            entry.tolerance = tolerance
            entry.capacity = entry.tolerance // entry.interval
        self.count = <int>len(rows)

    def __dealloc__(self):
        PyMem_Free(self.entries)

    def __len__(self):
        return self.count

    cpdef int take(self, int64_t now_ns, int64_t cost=1) except -3:
        """Charge `cost` to every limit, or nothing to any.

        Returns ADMITTED (-1); the index of the limit that refused, the one with the longest wait if several do; or
        NO_ROOM (-2): the table has no slot for one of the keys (`refused` names it). ValueError: now_ns outside
        0..2^62 or cost < 1.
        """
        check_time(now_ns)
        if cost < 1:
            raise ValueError(f"cost {cost} is below 1")
        cdef int i, verdict, refused = -1
        cdef int64_t wait, longest = 0
        cdef Entry *entry
        self.now = now_ns
        self._wait_ns = 0
        self._refused = -1
        for i in range(self.count):
            entry = &self.entries[i]
            self.read(entry, now_ns)
            if cost > entry.capacity:
                if longest >= 0:
                    refused = i
                    longest = -1
                continue
            wait = max(entry.tat, now_ns) + cost * entry.interval - entry.tolerance - now_ns
            if wait > longest and longest >= 0:
                refused = i
                longest = wait
        if refused >= 0:
            self._refused = refused
            self._wait_ns = longest
            return refused
        for i in range(self.count):
            entry = &self.entries[i]
            verdict = self.charge(entry, now_ns, cost * entry.interval)
            if verdict == C_ADMITTED:
                continue
            self._refused = i
            if verdict == REFUSED:
                self._wait_ns = entry.tat + cost * entry.interval - entry.tolerance - now_ns
            while i > 0:
                i -= 1
                self.refund(&self.entries[i], cost * self.entries[i].interval)
            return C_NO_ROOM if verdict == C_NO_ROOM else self._refused
        return C_ADMITTED

    def give_back(self, int64_t now_ns, int64_t cost=1, *, int64_t taken_ns):
        """Undo a `take` of the same cost that was admitted at `taken_ns`. Once a take: the plan does not keep count.

        What of the charge may have drained since then is not given back: max(0, cost * interval - (now_ns - taken_ns))
        a limit, so that however charges and refunds interleave, the charges that were kept stay within the limit.
        Nothing is given back when the clock was set back in between. ValueError: as `take`, or cost > capacity.
        """
        check_time(now_ns)
        check_time(taken_ns)
        if cost < 1:
            raise ValueError(f"cost {cost} is below 1")
        cdef int i
        cdef int64_t amount
        for i in range(self.count):
            if cost > self.entries[i].capacity:
                raise ValueError(f"cost {cost} exceeds the capacity of entry {i}: it was never taken")
        if now_ns < taken_ns:
            return
        for i in range(self.count):
            amount = cost * self.entries[i].interval - (now_ns - taken_ns)
            if amount > 0:
                self.refund(&self.entries[i], amount)

    @property
    def wait_ns(self):
        """After a refusal: ns from its now until the same cost is admitted if nobody else takes; -1: never, the cost is
        above the capacity. 0 otherwise."""
        return self._wait_ns

    @property
    def refused(self):
        """Index of the limit that the last `take` failed on, also for want of room; -1 after an admission."""
        return self._refused

    @property
    def tightest(self):
        """Index of the limit with the fewest remaining; of equals the one that takes longest to be full; -1: none."""
        return self.find_tightest()

    def remaining(self, int index):
        """How many more of cost 1 the limit would have admitted right after the last `take`."""
        self.check_index(index)
        return self.left(&self.entries[index])

    def reset_ns(self, int index):
        """ns from the last `take` until the limit is at its full capacity again."""
        self.check_index(index)
        return self.debt(&self.entries[index])

    cpdef bytes render(self, int64_t now_ns, tuple templates):
        """The tightest limit's template, filled with the counters as they are at now_ns; b"" for a plan of no limits.

        `templates`: one `Template` an entry, by index. Afterwards the figures are those of now_ns.
        """
        check_time(now_ns)
        if len(templates) != self.count:
            raise ValueError(f"{len(templates)} templates for {self.count} limits")
        cdef int i
        self.now = now_ns
        for i in range(self.count):
            self.read(&self.entries[i], now_ns)
        cdef int index = self.find_tightest()
        if index < 0:
            return b""
        cdef Template template = <Template?>templates[index]
        cdef Entry *entry = &self.entries[index]
        cdef int64_t reset = self.debt(entry)
        cdef char[DIGITS] remaining
        cdef char[DIGITS] seconds
        cdef char[SPAN_CHARS] span
        cdef int remaining_size = decimal(remaining, <uint64_t>self.left(entry))
        cdef int seconds_size = decimal(seconds, <uint64_t>((reset + 999999999) // 1000000000))
        cdef int span_size = duration(span, reset)
        cdef bytes text = PyBytes_FromStringAndSize(NULL, template.size + 2 * remaining_size + seconds_size + span_size)
        cdef char *out = append(PyBytes_AS_STRING(text), <bytes>template.pieces[0])
        memcpy(out, remaining, remaining_size)
        out = append(out + remaining_size, <bytes>template.pieces[1])
        memcpy(out, span, span_size)
        out = append(out + span_size, <bytes>template.pieces[2])
        memcpy(out, remaining, remaining_size)
        out = append(out + remaining_size, <bytes>template.pieces[3])
        memcpy(out, seconds, seconds_size)
        append(out + seconds_size, <bytes>template.pieces[4])
        return text

    cdef int check_index(self, int index) except -1:
        if not 0 <= index < self.count:
            raise IndexError(f"limit {index} of {self.count}")
        return 0

    cdef int64_t debt(self, const Entry *entry) noexcept nogil:
        # Never above the tolerance: a counter from before a change of the limit or of the clock may lie beyond it.
        return min(max(entry.tat - self.now, <int64_t>0), entry.tolerance)

    cdef int64_t left(self, const Entry *entry) noexcept nogil:
        return (entry.tolerance - self.debt(entry)) // entry.interval

    cdef int find_tightest(self) noexcept nogil:
        cdef int i, tightest = -1
        cdef int64_t left, debt, fewest = 0, longest = 0
        for i in range(self.count):
            left = self.left(&self.entries[i])
            debt = self.debt(&self.entries[i])
            if tightest < 0 or left < fewest or (left == fewest and debt > longest):
                tightest = i
                fewest = left
                longest = debt
        return tightest

    cdef void locate(self, Entry *entry) noexcept nogil:
        # Sets slot and tat; the usual case is that the counter is where it was last time.
        if entry.slot is not NULL and slot_fingerprint(entry.slot) == entry.fingerprint:
            entry.tat = slot_tat(entry.slot)
            if entry.tat >= 0 and slot_fingerprint(entry.slot) == entry.fingerprint:
                return
        entry.slot = find_counter(&self.table.slots, entry.fingerprint, &entry.tat)

    cdef void read(self, Entry *entry, int64_t now) noexcept nogil:
        # locate, and bring a counter from before the clock was set back to full debt. A failed swap means that
        # somebody else changed it meanwhile; to this caller it is at full debt either way.
        self.locate(entry)
        cdef int64_t full = now + entry.tolerance
        if entry.tat > full + C_CLOCK_SLACK_NS:
            slot_cas(entry.slot, entry.fingerprint, entry.tat, entry.fingerprint, full)
            entry.tat = full

    cdef int charge(self, Entry *entry, int64_t now, int64_t amount) noexcept nogil:
        # C_ADMITTED, REFUSED (entry.tat says why) or C_NO_ROOM. Begins with what read() just found.
        cdef int attempt, verdict
        cdef int64_t new
        for attempt in range(ATTEMPTS):
            if attempt:
                self.read(entry, now)
            new = max(entry.tat, now) + amount
            if new - now > entry.tolerance:
                return REFUSED
            if entry.slot is NULL:
                verdict = insert_counter(&self.table.slots, entry.fingerprint, now, new, &entry.slot)
                if verdict == FULL:
                    return C_NO_ROOM
                if verdict == INSERTED:
                    entry.tat = new
                    return C_ADMITTED
            elif slot_cas(entry.slot, entry.fingerprint, entry.tat, entry.fingerprint, new):
                entry.tat = new
                return C_ADMITTED
        return C_NO_ROOM

    cdef void refund(self, Entry *entry, int64_t amount) noexcept nogil:
        # A counter that is gone was idle: there is nothing left to give back. One that cannot be had within ATTEMPTS
        # keeps its charge, which is stricter.
        cdef int _
        cdef int64_t new
        for _ in range(ATTEMPTS):
            self.locate(entry)
            if entry.slot is NULL:
                return
            new = max(entry.tat - amount, <int64_t>0)
            if slot_cas(entry.slot, entry.fingerprint, entry.tat, entry.fingerprint, new):
                entry.tat = new
                return


cdef int check_time(int64_t now_ns) except -1:
    if not 0 <= now_ns <= C_MAX_NOW_NS:
        raise ValueError(f"time {now_ns} ns is outside 0..2^62")
    return 0
