"""Budgets that are reserved before a request and settled after it, shared by all processes of a host.

Theory of operation
    A budget has two words in the bucket table (budget_words.pxd): what open reservations HOLD, and what was USED, which
    drains evenly (a rate) or ends with its window (a calendar quota). A reservation is admitted when

        used + held + amount <= limit

    which is decided by one compare-and-swap of the hold: the hold is read first, then what was used, and the swap fails
    if the hold was changed since. Settling charges what was used first and releases the hold then, so that in between
    an amount counts twice, never not at all. A hold does not drain: what a request used is charged when that is known,
    to the unit, whatever was reserved and however long it took. A limit on concurrency is a hold alone.

    `Plan` (bucket.pyx) is for limits whose cost is known and stays: it needs one word and one swap.

    Every open reservation is a row in the journal of its process, written before its holds are taken and freed after
    they are released. So when a process was killed at any instruction, what its reservations hold is known: the sum of
    all rows of living journals is what a hold should be, and `Journal.held` and `replace_hold` bring it there.

Guarantees
    - The sum of what is held and used never exceeds the limit at an admission, whatever the number of processes and
      whenever any of them is killed. Only what is settled above its reservation goes beyond, as a debt that counts.
    - All budgets of one reservation are held or none.
    - A row that was left by a killed process is charged once (`charge_rows`), with what was noted in it. Killed between
      the swap of a charge and the note that it was made, that one charge is made again.
    - No arithmetic overflows: amounts are below 2^40, tolerances at most 10 years of ns, times below 2^62.
    - Every operation ends after a bounded number of steps.

Not handled
    - Debt above twice a rate's limit, or above the length of a calendar window in ns, is cut to it.
    - What is said in bucket.pyx of clocks, of equal fingerprints and of a file truncated by others.
    - Two processes that write one journal.
"""

from cpython.buffer cimport PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from engine._fast.bucket cimport Table
from engine._fast.bucket_slots cimport FULL, INSERTED, Slot, find_counter, insert_counter, slot_cas
from engine._fast.budget_words cimport (
    AMOUNT_BITS,
    ATTEMPTS,
    CALENDAR,
    CONCURRENT,
    RATE,
    charge_used,
    held_amount,
    hold_key,
    mark,
    next_hold,
    release_hold,
    used_word,
)

cdef extern from "budget_rows.h" nogil:
    enum:
        TG_HOLDS
    ctypedef struct Hold "tg_hold":
        uint64_t fingerprint
        int64_t kind, interval, tolerance, start, end, amount, used
    ctypedef struct Row "tg_row":
        int64_t state, count, done, since
        Hold *holds
    void publish "tg_publish"(int64_t *word, int64_t value)
    int64_t observe "tg_observe"(const int64_t *word)

cdef enum:
    FREE = 0
    TAKING = 1
    HELD = 2
    SETTLING = 3
    RELEASING = 4

    C_REFUSED = -1
    C_NO_ROOM = -2
    C_STALE = -3
    COLUMNS = 6

ROW_BYTES = sizeof(Row)
HEADER_BYTES = 64
MAX_HOLDS = TG_HOLDS
MAX_AMOUNT = (<int64_t>1 << AMOUNT_BITS) - 1
MAX_SPAN_NS = <int64_t>10 * 366 * 86400 * 1000000000
MAX_NOW_NS = <int64_t>1 << 62
REFUSED = C_REFUSED
NO_ROOM = C_NO_ROOM
STALE = C_STALE
KIND_RATE = RATE
KIND_CALENDAR = CALENDAR
KIND_CONCURRENT = CONCURRENT
# What a budget counts: an index into the amounts of a reservation. TOTAL is filled in here.
REQUESTS, INPUT, OUTPUT, TOTAL, SPEND, BYTES = range(COLUMNS)

cdef int64_t C_MAX_NOW_NS = MAX_NOW_NS
cdef int64_t C_MAX_AMOUNT = MAX_AMOUNT


cdef struct Entry:
    uint64_t fingerprint
    int kind
    int column
    int64_t interval
    int64_t tolerance
    int64_t capacity
    int64_t start  # of a calendar window; 0, 0 until it is set
    int64_t end
    int64_t held   # as last seen
    int64_t debt   # the same, in ns for a rate, else in units


cdef class Journal:
    """The open reservations of one process. `buffer` is held for as long as the journal lives.

    `buffer`: writable, contiguous, 64-byte aligned, 64 bytes of header and at least one row of ROW_BYTES; all zero is
    an empty journal. ValueError otherwise.
    """

    cdef Py_buffer view
    cdef int64_t *high  # rows that were ever used
    cdef Row *rows
    cdef int *free
    cdef readonly int size
    cdef int free_count

    def __cinit__(self, buffer):
        cdef int i
        PyObject_GetBuffer(buffer, &self.view, PyBUF_WRITABLE)
        if self.view.len < <Py_ssize_t>(HEADER_BYTES + sizeof(Row)) or <uintptr_t>self.view.buf % 64:
            raise ValueError("the buffer has no room for a row, or is not aligned to 64 bytes")
        self.high = <int64_t *>self.view.buf
        self.rows = <Row *>(<char *>self.view.buf + 64)
        self.size = <int>min((self.view.len - 64) // <Py_ssize_t>sizeof(Row), 1 << 24)
        self.free = <int *>PyMem_Calloc(self.size, sizeof(int))
        if self.free is NULL:
            raise MemoryError
        for i in range(self.size - 1, -1, -1):
            # A look at rows above those ever used would bring them into memory.
            if i >= self.high[0] or self.rows[i].state == FREE:
                self.free[self.free_count] = i
                self.free_count += 1

    def __dealloc__(self):
        PyMem_Free(self.free)
        PyBuffer_Release(&self.view)

    @property
    def open(self):
        """Rows that are not free."""
        cdef int i, count = 0
        for i in range(self.seen()):
            count += observe(&self.rows[i].state) != FREE
        return count

    def fingerprints(self):
        """The budgets that open rows hold or are about to, each once."""
        cdef set found = set()
        cdef int i, j
        for i in range(self.seen()):
            if observe(&self.rows[i].state) != FREE:
                for j in range(self.rows[i].count):
                    found.add(self.rows[i].holds[j].fingerprint)
        return found

    def held(self, uint64_t fingerprint):
        """What this journal's rows hold of a budget; -1 while one of them is just taking or releasing it."""
        cdef int i, j
        cdef int64_t state, total = 0
        for i in range(self.seen()):
            state = observe(&self.rows[i].state)
            if state == FREE:
                continue
            for j in range(self.rows[i].count):
                if self.rows[i].holds[j].fingerprint == fingerprint:
                    if state != HELD and state != SETTLING:
                        return -1
                    total += self.rows[i].holds[j].amount
        return total

    def charge_rows(self, Table table not None, int64_t now_ns):
        """Charge what is noted in open rows to their budgets, of a process that is gone. How many rows found no room.

        A calendar window that has ended meanwhile is not charged. The rows stay until `clear`.
        """
        check_time(now_ns)
        cdef int i, failed = 0
        cdef Row *row
        for i in range(self.seen()):
            row = &self.rows[i]
            if row.state == HELD:
                row.done = 0
                publish(&row.state, SETTLING)
            if row.state == SETTLING:
                failed += charge_row(table, row, now_ns) == FULL
        return failed

    def clear(self):
        """Free all rows, of a process that is gone and whose holds are as they should be."""
        cdef int i
        for i in range(self.seen()):
            publish(&self.rows[i].state, FREE)

    cdef inline int seen(self) noexcept:
        return <int>min(max(observe(self.high), <int64_t>0), <int64_t>self.size)

    cdef int allocate(self) noexcept:
        cdef int i
        if self.free_count == 0:
            return -1
        self.free_count -= 1
        i = self.free[self.free_count]
        if i >= self.high[0]:
            publish(self.high, i + 1)
        return i

    cdef void give(self, int i) noexcept:
        publish(&self.rows[i].state, FREE)
        self.free[self.free_count] = i
        self.free_count += 1


def hold_word(Table table not None, uint64_t fingerprint):
    """The word that says what is held of a budget, for `replace_hold`; 0 where nothing is."""
    cdef int64_t word
    find_counter(&table.slots, hold_key(fingerprint), &word)
    return word if word >= mark() else 0


def held_of(int64_t word):
    """The amount in a word of `hold_word`."""
    return held_amount(word)


def replace_hold(Table table not None, uint64_t fingerprint, int64_t word, int64_t amount, int64_t now_ns):
    """Set what is held of a budget, if its word is still as it was. Whether it was."""
    cdef int64_t found
    cdef Slot *slot = find_counter(&table.slots, hold_key(fingerprint), &found)
    if slot is NULL or found != word:
        return False
    return slot_cas(slot, hold_key(fingerprint), word, hold_key(fingerprint), next_hold(word, amount, now_ns))


def replace_used(Table table not None, uint64_t fingerprint, int64_t word, int64_t now_ns):
    """Set the word of what was used (a TAT, or a window's end plus an amount) by hand. False: no room, or too busy."""
    cdef int64_t found
    cdef Slot *slot
    cdef int _
    check_time(now_ns)
    if not 0 <= word <= C_MAX_NOW_NS:
        raise ValueError(f"{word} is no word of a counter")
    for _ in range(ATTEMPTS):
        slot = find_counter(&table.slots, fingerprint, &found)
        if slot is NULL:
            if word <= now_ns or insert_counter(&table.slots, fingerprint, now_ns, word, &slot) == INSERTED:
                return True
        elif slot_cas(slot, fingerprint, found, fingerprint, word):
            return True
    return False


cdef class Budget:
    """The budgets that apply to one caller, reserved together or not at all.

    `entries`: up to 16 of (fingerprint, kind, column, interval, tolerance), no fingerprint twice. A rate: ns between
    two units, and ns in which it drains from full. Otherwise the interval is 1 and the tolerance is the limit in
    units. 1 <= interval <= tolerance <= MAX_SPAN_NS. ValueError otherwise. The limit is tolerance // interval; more
    than MAX_AMOUNT is never held of it at a time. An entry is named by its index. Not safe without the GIL.
    """

    cdef readonly Table table
    cdef readonly Journal journal
    cdef Entry *entries
    cdef int count
    cdef int64_t[COLUMNS] amounts
    cdef readonly int refused
    cdef readonly int64_t wait_ns

    def __cinit__(self, Table table not None, Journal journal not None, entries):
        cdef list rows = list(entries)
        cdef set seen = set()
        cdef Entry *entry
        cdef int i
        if len(rows) > TG_HOLDS:
            raise ValueError(f"{len(rows)} budgets in one reservation; at most {TG_HOLDS}")
        self.table = table
        self.journal = journal
        self.refused = -1
        self.entries = <Entry *>PyMem_Calloc(max(1, len(rows)), sizeof(Entry))
        if self.entries is NULL:
            raise MemoryError
        for i, (fingerprint, kind, column, interval, tolerance) in enumerate(rows):
            if not 0 < fingerprint < 1 << 64 or not fingerprint << 1 & (1 << 64) - 1:
                raise ValueError(f"entry {i}: fingerprint {fingerprint} is not of the table")
            if kind not in (RATE, CALENDAR, CONCURRENT) or not 0 <= column < COLUMNS:
                raise ValueError(f"entry {i}: kind {kind}, column {column}")
            if not 1 <= interval <= tolerance <= MAX_SPAN_NS or (kind != RATE and interval != 1):
                raise ValueError(f"entry {i}: interval {interval}, tolerance {tolerance}")
            if fingerprint in seen:
                raise ValueError(f"entry {i}: fingerprint {fingerprint} is already there")
            seen.add(fingerprint)
            entry = &self.entries[i]
            entry.fingerprint = fingerprint
            entry.kind = kind
            entry.column = column
            entry.interval = interval
            entry.tolerance = tolerance
            entry.capacity = entry.tolerance // entry.interval
        self.count = <int>len(rows)

    def __dealloc__(self):
        PyMem_Free(self.entries)

    def __len__(self):
        return self.count

    def set_window(self, int index, int64_t start_ns, int64_t end_ns):
        """The present window of a calendar quota: times t with start_ns <= t < end_ns are in it."""
        self.check_index(index)
        if not 0 <= start_ns < end_ns <= C_MAX_NOW_NS:
            raise ValueError(f"a window from {start_ns} to {end_ns}")
        self.entries[index].start = start_ns
        self.entries[index].end = end_ns

    def reserve(
        self, int64_t now_ns, int64_t requests, int64_t input, int64_t output, int64_t spend, int64_t body
    ):
        """Hold these amounts of every budget that counts them, or nothing of any.

        Returns the number of the reservation (>= 0); REFUSED: `refused` names the budget and `wait_ns` says how long
        (-1: for ever, the amount is above the limit; 0: not known, others must end first); NO_ROOM: the table or the
        journal is full (`refused` is -1 for the journal); STALE: a calendar window is over, set it and come again.
        ValueError: now_ns outside 0..2^62, an amount outside 0..2^40.
        """
        check_time(now_ns)
        self.fill(requests, input, output, spend, body)
        self.refused = -1
        self.wait_ns = 0
        if self.stale(now_ns):
            return C_STALE
        cdef int i, number, taken, verdict
        cdef int64_t wait
        cdef Entry *entry
        cdef Row *row
        for i in range(self.count):
            entry = &self.entries[i]
            self.look(entry, now_ns)
            wait = self.wait(entry, now_ns)
            if wait == -2:
                self.refused = i
                self.wait_ns = -1
                return C_REFUSED
            if wait >= 0 and (self.refused < 0 or wait > self.wait_ns):
                self.refused = i
                self.wait_ns = wait
        if self.refused >= 0:
            return C_REFUSED
        number = self.journal.allocate()
        if number < 0:
            return C_NO_ROOM
        row = &self.journal.rows[number]
        self.write(row, now_ns)
        publish(&row.state, TAKING)
        taken = 0
        for i in range(self.count):
            entry = &self.entries[i]
            verdict = self.hold(entry, now_ns, self.amounts[entry.column])
            if verdict != 0:
                self.refused = i
                self.wait_ns = max(self.wait(entry, now_ns), <int64_t>0) if verdict == C_REFUSED else 0
                publish(&row.state, RELEASING)
                for taken in range(i):
                    release_hold(&self.table.slots, row.holds[taken].fingerprint, row.holds[taken].amount, now_ns)
                self.journal.give(number)
                return verdict
        publish(&row.state, HELD)
        return number

    def extend(self, int number, int64_t now_ns, int64_t input, int64_t output, int64_t spend):
        """Hold more for an open reservation, up to these amounts in all. Whether all budgets have it.

        What was already held stays held, also where a budget says no.
        """
        check_time(now_ns)
        self.check_row(number)
        self.fill(0, input, output, spend, 0)
        if self.stale(now_ns):
            return False
        cdef Row *row = &self.journal.rows[number]
        cdef int i
        cdef int64_t more
        cdef bint held = True
        publish(&row.state, TAKING)
        for i in range(self.count):
            more = self.amounts[self.entries[i].column] - row.holds[i].amount
            if more > 0:
                if self.hold(&self.entries[i], now_ns, more) == 0:
                    row.holds[i].amount += more
                else:
                    held = False
        publish(&row.state, HELD)
        return held

    def note(self, int number, int64_t requests, int64_t input, int64_t output, int64_t spend, int64_t body):
        """Write down what a reservation used so far, to be charged if this process does not live to settle it."""
        self.check_row(number)
        self.fill(requests, input, output, spend, body)
        cdef Row *row = &self.journal.rows[number]
        cdef int i
        for i in range(self.count):
            publish(&row.holds[i].used, self.amounts[self.entries[i].column])

    def settle(
        self, int number, int64_t now_ns, int64_t requests, int64_t input, int64_t output, int64_t spend, int64_t body
    ):
        """Charge what was used, to every budget that counts it, and release what was held: 0, once a reservation.

        STALE: as `reserve`, with nothing done. NO_ROOM: what could not be charged stays held; come again, the amounts
        are then those of this first time.
        """
        check_time(now_ns)
        self.check_row(number)
        if self.stale(now_ns):
            return C_STALE
        cdef Row *row = &self.journal.rows[number]
        cdef int i
        if row.state == HELD:
            self.fill(requests, input, output, spend, body)
            for i in range(self.count):
                row.holds[i].used = self.amounts[self.entries[i].column]
            row.done = 0
            publish(&row.state, SETTLING)
        for i in range(self.count):
            row.holds[i].end = self.entries[i].end
            row.holds[i].start = self.entries[i].start
        if charge_row(self.table, row, now_ns) == FULL:
            return C_NO_ROOM
        publish(&row.state, RELEASING)
        for i in range(self.count):
            release_hold(&self.table.slots, row.holds[i].fingerprint, row.holds[i].amount, now_ns)
        self.journal.give(number)
        return 0

    def capacity(self, int index):
        """The limit, in units."""
        self.check_index(index)
        return self.entries[index].capacity

    def read(self, int index, int64_t now_ns):
        """(used, held, left, ns until all of it is there again if nothing is held) as they are now, in units."""
        check_time(now_ns)
        self.check_index(index)
        cdef Entry *entry = &self.entries[index]
        self.look(entry, now_ns)
        cdef int64_t used = (entry.debt + entry.interval - 1) // entry.interval
        cdef int64_t left = max((entry.tolerance - entry.debt) // entry.interval - entry.held, <int64_t>0)
        cdef int64_t reset = entry.debt
        if entry.kind == CALENDAR:
            reset = entry.end - now_ns if entry.end > now_ns else 0
        elif entry.kind == CONCURRENT:
            reset = 0
        return used, entry.held, left, reset

    cdef int check_index(self, int index) except -1:
        if not 0 <= index < self.count:
            raise IndexError(f"budget {index} of {self.count}")
        return 0

    cdef int check_row(self, int number) except -1:
        if not 0 <= number < self.journal.size or self.journal.rows[number].count != self.count:
            raise IndexError(f"reservation {number} is none of these budgets")
        if self.journal.rows[number].state != HELD and self.journal.rows[number].state != SETTLING:
            raise ValueError(f"reservation {number} is not open")
        return 0

    cdef int fill(
        self, int64_t requests, int64_t input, int64_t output, int64_t spend, int64_t body
    ) except -1:
        if min(requests, input, output, spend, body) < 0 or (
            max(requests, input, output, spend, body) > C_MAX_AMOUNT
        ):
            raise ValueError("an amount is outside 0..2^40")
        self.amounts[0] = requests
        self.amounts[1] = input
        self.amounts[2] = output
        self.amounts[3] = min(input + output, C_MAX_AMOUNT)
        self.amounts[4] = spend
        self.amounts[5] = body
        return 0

    cdef inline bint stale(self, int64_t now) noexcept:
        cdef int i
        for i in range(self.count):
            if self.entries[i].kind == CALENDAR and not self.entries[i].start <= now < self.entries[i].end:
                return True
        return False

    cdef inline void write(self, Row *row, int64_t now) noexcept:
        cdef int i
        cdef Entry *entry
        cdef Hold *hold
        row.count = self.count
        row.done = 0
        row.since = now
        for i in range(self.count):
            entry = &self.entries[i]
            hold = &row.holds[i]
            hold.fingerprint = entry.fingerprint
            hold.kind = entry.kind
            hold.interval = entry.interval
            hold.tolerance = entry.tolerance
            hold.end = entry.end
            hold.start = entry.start
            hold.amount = self.amounts[entry.column]
            hold.used = 0

    cdef inline void look(self, Entry *entry, int64_t now) noexcept:
        cdef int64_t word
        find_counter(&self.table.slots, hold_key(entry.fingerprint), &word)
        self.look_used(entry, now, word)

    cdef inline int64_t wait(self, const Entry *entry, int64_t now) noexcept:
        # -1: admitted; -2: never; otherwise ns until it is if what is held is used and nobody else comes; 0: unknown.
        cdef int64_t amount = self.amounts[entry.column]
        cdef int64_t total = min(entry.held, entry.capacity) + amount
        if amount == 0:
            return -1
        if amount > entry.capacity:
            return -2
        if entry.held + amount > C_MAX_AMOUNT:
            return 0
        if entry.held + amount <= entry.capacity and entry.debt + total * entry.interval <= entry.tolerance:
            return -1
        if entry.kind == RATE:
            return entry.debt + total * entry.interval - entry.tolerance
        if entry.kind == CALENDAR and entry.debt + amount > entry.tolerance:
            return entry.end - now
        return 0

    cdef int hold(self, Entry *entry, int64_t now, int64_t amount) noexcept:
        # 0, C_REFUSED or C_NO_ROOM. The swap fails if the hold was changed after `word` was read.
        cdef uint64_t key = hold_key(entry.fingerprint)
        cdef Slot *slot
        cdef int64_t word
        cdef int _, verdict
        if amount == 0:
            return 0
        for _ in range(ATTEMPTS):
            slot = find_counter(&self.table.slots, key, &word)
            self.look_used(entry, now, word)
            if entry.held + amount > min(entry.capacity, C_MAX_AMOUNT) or (
                entry.debt + (entry.held + amount) * entry.interval > entry.tolerance
            ):
                return C_REFUSED
            if slot is NULL:
                verdict = insert_counter(&self.table.slots, key, now, next_hold(0, amount, now), &slot)
                if verdict == FULL:
                    return C_NO_ROOM
                if verdict == INSERTED:
                    # Without a slot there was no version: somebody may have held, settled and lost the slot meanwhile.
                    self.look(entry, now)
                    if entry.debt + entry.held * entry.interval <= entry.tolerance:
                        return 0
                    release_hold(&self.table.slots, entry.fingerprint, amount, now)
            elif slot_cas(slot, key, word, key, next_hold(word, entry.held + amount, now)):
                return 0
        return C_NO_ROOM

    cdef inline void look_used(self, Entry *entry, int64_t now, int64_t word) noexcept:
        # Called with the hold's word at hand: the hold is read first, what was used second.
        cdef Slot *other
        cdef int64_t used
        entry.held = held_amount(word)
        entry.debt = 0
        if entry.kind != CONCURRENT:
            used = used_word(
                &self.table.slots, entry.fingerprint, now, entry.kind, entry.tolerance, entry.start, entry.end, &other
            )
            entry.debt = max(used - (now if entry.kind == RATE else entry.end), <int64_t>0)


cdef int charge_row(Table table, Row *row, int64_t now) noexcept:
    # 0, or FULL with the rest still to be charged. `done` counts those that are.
    cdef int i
    cdef Hold *hold
    for i in range(<int>row.done, <int>min(row.count, <int64_t>TG_HOLDS)):
        hold = &row.holds[i]
        if hold.used > 0 and hold.kind != CONCURRENT and (hold.kind == RATE or now < hold.end):
            if charge_used(
                &table.slots, hold.fingerprint, now, <int>hold.kind, hold.interval, hold.tolerance, hold.start,
                hold.end, hold.used,
            ) == FULL:
                return FULL
        publish(&row.done, i + 1)
    return 0


cdef int check_time(int64_t now_ns) except -1:
    if not 0 <= now_ns <= C_MAX_NOW_NS:
        raise ValueError(f"time {now_ns} ns is outside 0..2^62")
    return 0
