"""The ring in plain Python: a list of records and the same accounting of room."""

from __future__ import annotations


class RingOracle:
    """What `engine._fast.ring.Ring` does, for one producer and one consumer in one process."""

    def __init__(self, capacity: int, reserve: int = 0, ending: bytes = b"") -> None:
        self.capacity = capacity
        self.reserve = reserve
        self.ending = ending
        self.records: list[bytes] = []
        self.lost = 0
        self.peeked = 0
        self.note: tuple[int, int, list[bytes]] | None = None

    @staticmethod
    def span(record: bytes) -> int:
        """Bytes that a record takes: four for its length, padded to four."""
        return 4 + -(-len(record) // 4) * 4

    @property
    def used(self) -> int:
        return sum(map(self.span, self.records))

    def put(self, record: bytes) -> bool:
        record += self.ending
        if not record or self.span(record) > self.capacity // 8:
            raise ValueError
        if self.used + self.span(record) > self.capacity:
            self.lost += 1
            return False
        self.records.append(record)
        return True

    def has_room(self) -> bool:
        return self.used < self.capacity - self.reserve

    def peek(self, max_bytes: int) -> bytes:
        total = self.peeked = 0
        for record in self.records:
            if total and total + len(record) > max_bytes:
                break
            total += len(record)
            self.peeked += 1
        return b"".join(self.records[: self.peeked])

    def begin(self, place: int, offset: int) -> None:
        if not self.peeked:
            raise ValueError
        self.note = place, offset, self.records[: self.peeked]

    def begun(self) -> tuple[int, int, int] | None:
        if self.note is None:
            return None
        place, offset, records = self.note
        return place, offset, sum(map(len, records))

    def commit(self) -> None:
        if self.note is None:
            raise ValueError
        del self.records[: len(self.note[2])]
        self.note = None
        self.peeked = 0
