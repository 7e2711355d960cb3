"""What a worker's leases have come to, in a file that outlives it: so that a killed worker is charged what it used.

Concept. Each live lease has a row in a file of its worker (`engine.limits.owned_file`): what was spent in all, and what
was noted of requests that are open. When the worker is gone, any worker of the host makes its last report from the row
(`last_words`): spent is what was spent and noted, kept is nothing. Without it the store would take all that was leased
for used when the lease ends.

Rules. A row is written before its lease is used and freed when the store knows everything of it. A charge is spent
first and taken off what is noted then, so that in between an amount counts twice, never not at all. A last report that
comes after the lease has ended in the store, or twice, changes nothing: it acknowledges what it reports.

Failure modes. A lease that finds no row works without one. A file that this build cannot read is left alone, a row that
makes no sense is passed over.
"""

from __future__ import annotations

import mmap
import os
import struct
from array import array
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.limits.owned_file import OwnedFile, abandoned, files
from engine.limits.shared.counters import Counter, restored
from engine.limits.shared.scripts import Call

if TYPE_CHECKING:
    from engine.limits.shared.lease import Lease

# The folder of the files in the state folder.
LEASES: Final = "leases"
# Live leases of one worker that are written down, 2 MB of file; those beyond that are not.
ROWS: Final = 16_384
MAGIC: Final = b"TIDELEAS"
VERSION: Final = 1
_PAGE: Final = 4096
_HEAD: Final = struct.Struct("<8sII64s")
_SUFFIX: Final = ".leases"
# Words of a row: whether it is used, what was spent and noted, then the counter: kind, digest, numbers.
_CELLS: Final = 16
_SPENT, _NOTED, _KIND, _DIGEST, _COUNT, _LIMITS = 1, 2, 3, 4, 6, 7
_KINDS: Final = ("rate", "quota", "slots")
_NUMBERS: Final = (2, 3, 1)
# Above the number of every report that the worker has made.
_LAST: Final = 1 << 52

# For leases without a row.
NOWHERE: Final = memoryview(array("q", [0] * _CELLS))


class LeaseJournal:
    """The file of this worker, named `owner` in the store. Raises OSError."""

    def __init__(self, folder: Path, owner: str, rows: int = ROWS) -> None:
        head = _HEAD.pack(MAGIC, VERSION, rows, owner.encode())
        self._file = OwnedFile(folder, _SUFFIX, head, _PAGE + rows * _CELLS * 8)
        self._cells = self._file.memory[_PAGE:].cast("q")
        self._size = rows
        self._used = 0
        self._free: list[int] = []
        self._rows: dict[bytes, int] = {}

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    def open(self, lease: Lease) -> None:
        """Give a lease its row, if it has none."""
        counter = lease.counter
        if counter.key in self._rows:
            return
        if self._free:
            row = self._free.pop()
        elif self._used < self._size:
            row, self._used = self._used, self._used + 1
        else:
            return
        self._rows[counter.key] = row
        cells = self._cells[row * _CELLS : (row + 1) * _CELLS]
        cells[_SPENT], cells[_NOTED] = lease.spent, lease.noted
        cells[_KIND] = _KINDS.index(counter.script.name)
        cells[_DIGEST], cells[_DIGEST + 1] = struct.unpack("<qq", counter.key)
        cells[_COUNT] = len(counter.limits)
        for index, number in enumerate(counter.limits):
            cells[_LIMITS + index] = int(number)
        cells[0] = 1
        lease.cells = cells

    def close(self, lease: Lease) -> None:
        """Take a lease's row away: the store knows everything."""
        row = self._rows.pop(lease.counter.key, None)
        if row is not None:
            lease.cells = NOWHERE
            self._cells[row * _CELLS] = 0
            self._free.append(row)

    def end(self) -> None:
        """The worker ends: the file goes where nothing is in it, else it is left for the others."""
        self._file.close(remove=not self._rows)


class LastWords:
    """What a worker that is gone has left. `calls` are its last reports, for a store of that id."""

    def __init__(self, owner: str, rows: list[tuple[Counter, int]]) -> None:
        self.owner = owner
        self._rows = rows

    def calls(self, store: str, ttl_us: int) -> list[Call]:
        """One a lease. `ttl_us`: how long leases live."""
        return [
            Call(
                counter.script,
                counter.sha,
                counter.keys,
                (
                    *(store, 0, self.owner, _LAST, ttl_us, spent, spent, 0, 1, 0, 0, 0, "", "", 0),
                    *counter.limits,
                    *(0, 0)[: counter.knows],
                ),
            )
            for counter, spent in self._rows
        ]


def last_words(folder: Path) -> Generator[tuple[Path, LastWords]]:
    """What workers that are gone have left, each locked while it is looked at. Who has reported it removes the file."""
    for path in files(folder, _SUFFIX):
        with abandoned(path) as descriptor:
            found = _read(descriptor) if descriptor is not None else None
            if found is not None:
                yield path, found


def _read(descriptor: int) -> LastWords | None:
    head = os.pread(descriptor, _HEAD.size, 0)
    if len(head) < _HEAD.size:
        return None
    magic, version, rows, owner = _HEAD.unpack(head)
    size = _PAGE + rows * _CELLS * 8
    if (magic, version) != (MAGIC, VERSION) or os.fstat(descriptor).st_size != size:
        return None
    cells = memoryview(mmap.mmap(descriptor, size, prot=mmap.PROT_READ))[_PAGE:].cast("q")
    found = []
    for start in range(0, rows * _CELLS, _CELLS):
        row = cells[start : start + _CELLS].tolist()
        if row[0] and 0 <= row[_KIND] < len(_KINDS) and row[_COUNT] == _NUMBERS[row[_KIND]] and row[_LIMITS] > 0:
            digest = struct.pack("<qq", *row[_DIGEST : _DIGEST + 2])
            counter = restored(_KINDS[row[_KIND]], digest, tuple(row[_LIMITS : _LIMITS + row[_COUNT]]))
            found.append((counter, row[_SPENT] + row[_NOTED]))
    return LastWords(owner.rstrip(b"\0").decode(), found)
