"""Ring files: the mapped files through which workers hand their audit lines to the supervisor.

Concept. Each worker has a ring file of its own, made by the supervisor. The one that produces holds an advisory lock
(flock) on it from birth to death: the supervisor takes the lock and the worker inherits it with the descriptor. Who
gets the lock later therefore knows that the producer is gone, whoever it was and however it ended, also when it was
the worker of a gateway that was itself killed. A file whose producer is gone and which is empty is removed.

Rules. A file appears under its final name only when it is complete. Its blocks are allocated beforehand, so that a full
disk is an error here and not a SIGBUS in a worker later. Mode 0600, as audit lines name people.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine._fast.ring import HEADER_BYTES, Ring, RingError

# At 600 bytes a line and 30,000 requests a second the supervisor may be away for 450 ms before the ring is full.
DATA_BYTES: Final = 8 * 1024 * 1024
# Kept for the records of requests already admitted: some 6,900 in one worker.
RESERVE_BYTES: Final = DATA_BYTES // 2

_SUFFIX: Final = ".ring"


def create(folder: Path, number: int | None = None) -> tuple[Path, int]:
    """Make a ring file: its path and a locked descriptor, not inheritable, that the producer is to be given.

    `number` is its name, by default the next one. A command beside a running gateway takes the time in ns.

    Raises OSError: the disk is full, the folder is not there or not writable.
    """
    if number is None:
        number = max((int(path.stem) for path in existing(folder)), default=0) + 1
    path = folder / f"{number:08d}{_SUFFIX}"
    unfinished = path.with_suffix(".new")
    fd = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(fd, 0, HEADER_BYTES + DATA_BYTES)
        with mmap.mmap(fd, HEADER_BYTES + DATA_BYTES) as mapping:
            Ring.format(mapping)
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        os.close(fd)
        raise
    return path, fd


def existing(folder: Path) -> Iterator[Path]:
    """The complete ring files of a folder, oldest first."""
    return iter(sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit()))


def attach_producer(fd: int) -> Ring:
    """The ring of an inherited descriptor, for the process that produces lines. The descriptor must stay open.

    Raises RingError: the file is not a ring.
    """
    return Ring(mmap.mmap(fd, os.fstat(fd).st_size), RESERVE_BYTES, b"\n")


class ConsumedRing:
    """A ring file as the supervisor holds it."""

    def __init__(self, path: Path) -> None:
        """Raises RingError: the file is not a ring. OSError: it cannot be opened."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(self._fd).st_size
            self._mapping = mmap.mmap(self._fd, size)
            self.ring = Ring(self._mapping)
        except ValueError as error:
            os.close(self._fd)
            raise RingError(str(error)) from None
        except BaseException:
            os.close(self._fd)
            raise

    def producer_is_gone(self) -> bool:
        """Whether nobody can put any more. Once True it stays so."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go of the file, which stays."""
        self.ring.close()
        self._mapping.close()
        os.close(self._fd)
