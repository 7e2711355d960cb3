"""Plain-Python twin of the bucket kernel: the same rules over a dict, one process, a table that is never full."""

from __future__ import annotations

from collections.abc import Sequence

CLOCK_SLACK_NS = 60 * 1_000_000_000
_WORD = (1 << 64) - 1


def siphash(key: bytes, data: bytes) -> int:
    """SipHash-2-4, as its paper describes it."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    state = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotated(word: int, by: int) -> int:
        return (word << by | word >> (64 - by)) & _WORD

    def rounds(count: int) -> None:
        a, b, c, d = state
        for _ in range(count):
            a = (a + b) & _WORD
            c = (c + d) & _WORD
            b = rotated(b, 13) ^ a
            d = rotated(d, 16) ^ c
            a = rotated(a, 32)
            c = (c + b) & _WORD
            a = (a + d) & _WORD
            b = rotated(b, 17) ^ c
            d = rotated(d, 21) ^ a
            c = rotated(c, 32)
        state[:] = a, b, c, d

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        state[3] ^= word
        rounds(2)
        state[0] ^= word
    state[2] ^= 0xFF
    rounds(4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def duration(ns: int) -> str:
    """Go's time.Duration.String of `ns` rounded up to a millisecond."""
    ms = -(-ns // 1_000_000)
    if 0 < ms < 1000:
        return f"{ms}ms"
    seconds, fraction = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds}.{fraction:03}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


class TableOracle:
    """TATs by fingerprint."""

    def __init__(self) -> None:
        self.tats: dict[int, int] = {}

    def peek(self, fingerprint: int, now_ns: int) -> int:
        tat = self.tats.get(fingerprint, 0)
        return tat if tat > now_ns else 0


class PlanOracle:
    """GCRA in virtual scheduling form, over exact integers."""

    def __init__(self, table: TableOracle, entries: Sequence[tuple[int, int, int]]) -> None:
        self.table = table
        self.entries = list(entries)
        self.now = 0
        self.wait_ns = 0
        self.refused = -1

    def _tat(self, index: int) -> int:
        fingerprint, _, tolerance = self.entries[index]
        tat = self.table.tats.get(fingerprint, 0)
        if tat > self.now + tolerance + CLOCK_SLACK_NS:
            tat = self.table.tats[fingerprint] = self.now + tolerance
        return tat

    def take(self, now_ns: int, cost: int = 1) -> int:
        self.now, self.wait_ns, self.refused = now_ns, 0, -1
        waits = []
        for index, (_, interval, tolerance) in enumerate(self.entries):
            new = max(self._tat(index), now_ns) + cost * interval
            waits.append(float("inf") if cost * interval > tolerance else new - now_ns - tolerance)
        worst = max(waits, default=0)
        if worst > 0:
            self.refused = waits.index(worst)
            self.wait_ns = -1 if worst == float("inf") else int(worst)
            return self.refused
        for index, (fingerprint, interval, _) in enumerate(self.entries):
            self.table.tats[fingerprint] = max(self._tat(index), now_ns) + cost * interval
        return -1

    def give_back(self, now_ns: int, cost: int = 1, *, taken_ns: int) -> None:
        for fingerprint, interval, _ in self.entries:
            amount = cost * interval - (now_ns - taken_ns)
            if amount > 0 and now_ns >= taken_ns and fingerprint in self.table.tats:
                self.table.tats[fingerprint] = max(self.table.tats[fingerprint] - amount, 0)

    def reset_ns(self, index: int) -> int:
        return min(max(self._tat(index) - self.now, 0), self.entries[index][2])

    def remaining(self, index: int) -> int:
        _, interval, tolerance = self.entries[index]
        return (tolerance - self.reset_ns(index)) // interval

    @property
    def tightest(self) -> int:
        return min(
            range(len(self.entries)), key=lambda index: (self.remaining(index), -self.reset_ns(index)), default=-1
        )
