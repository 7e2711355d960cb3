"""A file that a process keeps while it lives, and that others find when it is gone, however it ended.

Concept. The owner makes the file and holds a lock (flock) on it until it dies. Whoever gets the lock later knows that
the owner is gone, and that nobody else is looking after it at the same time.

Rules. A file appears under its final name only when it is complete and locked. Its blocks are allocated, so that a full
disk is an error here and not a SIGBUS in its owner later.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


class OwnedFile:
    """A file of this process. `memory` is all of it, mapped; `path` is where it is."""

    def __init__(self, folder: Path, suffix: str, head: bytes, size: int) -> None:
        """Makes a file of `size` bytes in `folder`, zero but for `head` at its begin. Raises OSError."""
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self.path = folder / f"{name}{suffix}"
        unfinished = folder / f".{name}.new"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(self._fd, 0, size)
            os.pwrite(self._fd, head, 0)
            self.memory = memoryview(mmap.mmap(self._fd, size))
            unfinished.rename(self.path)
        except BaseException:
            os.close(self._fd)
            unfinished.unlink(missing_ok=True)
            raise

    def close(self, *, remove: bool) -> None:
        """Gives the lock up; without `remove` the file is left to be found."""
        if remove:
            self.path.unlink(missing_ok=True)
        # The mapping has a descriptor of its own, with the same lock.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)


def files(folder: Path, suffix: str) -> list[Path]:
    """All of a kind, of owners that live and of those that do not."""
    return sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []


def opened(path: Path) -> int:
    """A descriptor. Raises FileNotFoundError where the owner has ended well meanwhile."""
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


@contextlib.contextmanager
def abandoned(path: Path) -> Iterator[int | None]:
    """A descriptor of a file whose owner is gone, locked; None while the owner lives, or somebody looks after it."""
    try:
        descriptor = opened(path)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield descriptor
    finally:
        os.close(descriptor)
