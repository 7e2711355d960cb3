"""The files in which workers keep their open reservations, and what becomes of them when a worker is gone.

Concept. Each worker has a journal file (`engine.limits.owned_file`). When it is gone, `reclaim` charges what its rows
noted as used, brings every hold that they name to what the living journals hold, and removes the file.

Rules. One process reclaims at a time (the supervisor); killed in the middle it leaves files that the next one reclaims
again, which changes nothing twice but the charge that it was just making.

Failure modes. A hold that cannot be set because a living worker is just changing it, or a charge without room, leaves
the file for the next time; until then the limit is stricter by what was held. A file that is not a journal is left
alone and told.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine._fast.bucket import Table
from engine._fast.budget import HEADER_BYTES, MAX_HOLDS, ROW_BYTES, Journal, hold_word, replace_hold
from engine.limits.owned_file import OwnedFile, abandoned, files, opened

log = logging.getLogger(__name__)

MAGIC: Final = b"TIDEHOLD"
VERSION: Final = 1
_PAGE: Final = 4096
_HEAD: Final = struct.Struct("<8sIIII")
_SUFFIX: Final = ".journal"
# Each failure means that a living worker changed the hold meanwhile, which takes it nanoseconds.
_ATTEMPTS: Final = 1000


class JournalError(Exception):
    """A journal cannot be made or read; the message names the file and the reason."""


class OwnJournal:
    """The journal of this process. It stays locked until the process ends or `close`."""

    def __init__(self, folder: Path, rows: int) -> None:
        """Makes a file with room for `rows` open reservations. Raises JournalError."""
        try:
            self._file = OwnedFile(
                folder,
                _SUFFIX,
                _HEAD.pack(MAGIC, VERSION, ROW_BYTES, MAX_HOLDS, rows),
                _PAGE + HEADER_BYTES + rows * ROW_BYTES,
            )
        except OSError as error:
            raise JournalError(f"{folder}: cannot be used for open reservations: {error.strerror}") from error
        self.journal = Journal(self._file.memory[_PAGE:])

    def close(self) -> None:
        """Gives the lock up; the file is removed where nothing is open, else left to be reclaimed."""
        self._file.close(remove=not self.journal.open)


def reclaim(folder: Path, table: Table, now_ns: int) -> int:
    """Gives back what processes that are gone held. How many of their reservations there were."""
    count = 0
    for path in files(folder, _SUFFIX):
        with abandoned(path) as descriptor:
            journal = _map(path, descriptor) if descriptor is not None else None
            if journal is None:
                continue
            found = journal.open
            failed = journal.charge_rows(table, now_ns)
            behind = [each for each in journal.fingerprints() if not _restore(folder, path, table, each, now_ns)]
            if failed or behind:
                log.warning("%s: %d charges, %d holds could not be brought back yet", path, failed, len(behind))
                continue
            journal.clear()
            path.unlink(missing_ok=True)
            count += found
    return count


def open_reservations(folder: Path) -> int:
    """Reservations that are open now, of processes that live and of those that were not reclaimed yet."""
    return sum(journal.open for _, journal in _living(folder, None))


def _restore(folder: Path, dead: Path, table: Table, fingerprint: int, now_ns: int) -> bool:
    """Sets one hold to the sum of what the other journals have of it. False: not yet.

    The word is read first. While it stays as it was nobody took or released, so what the rows say meanwhile is what is
    held; a journal that was made since is among the files, because it was there before its worker could take.
    """
    for _ in range(_ATTEMPTS):
        word = hold_word(table, fingerprint)
        if word == 0:
            return True
        total = 0
        for path, journal in _living(folder, dead):
            held = journal.held(fingerprint)
            if held < 0:
                log.debug("%s: the hold is just being changed", path)
                break
            total += held
        else:
            if replace_hold(table, fingerprint, word, total, now_ns):
                return True
    return False


def _living(folder: Path, but: Path | None) -> Iterator[tuple[Path, Journal]]:
    for path in files(folder, _SUFFIX):
        if path == but:
            continue
        # A worker that ended well has taken its file away.
        with contextlib.suppress(FileNotFoundError):
            descriptor = opened(path)
            try:
                journal = _map(path, descriptor)
            finally:
                os.close(descriptor)
            if journal is not None:
                yield path, journal


def _map(path: Path, descriptor: int) -> Journal | None:
    size = os.fstat(descriptor).st_size
    head = os.pread(descriptor, _HEAD.size, 0)
    if len(head) == _HEAD.size:
        magic, version, row_bytes, holds, rows = _HEAD.unpack(head)
        expected = _PAGE + HEADER_BYTES + rows * ROW_BYTES
        if (magic, version, row_bytes, holds, size) == (MAGIC, VERSION, ROW_BYTES, MAX_HOLDS, expected):
            return Journal(memoryview(mmap.mmap(descriptor, size))[_PAGE:])
    log.error("%s: is not a journal of reservations that this build can read; it is left alone", path)
    return None
