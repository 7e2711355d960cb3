"""A counter in a shared mapping that tells workers, at the price of one memory read, that the key store has changed.

Beside it stands until when the keys of this host may be believed, where hosts share them: see `Revision.trust`.

Theory of operation. A file of two words, mapped by everyone. Who changes the store adds one after the commit; who
keeps something of the store in memory compares the word with the one it saw when it read, and drops what it keeps when
they differ. The word is read before the store is, so that a change in between is seen at the next look.

Adding is done under a lock on the file: two writers that added at once could otherwise end at a number which a reader
has already seen. A writer killed between commit and add leaves the change to be found by `KeyCache.poll`.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Final

_SIZE: Final = 16


class Revision:
    """The shared word. The file is made, with mode 0600, if it is missing. Raises OSError."""

    __slots__ = ("_descriptor", "_mapping", "identity", "word")

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            status = os.fstat(self._descriptor)
            if status.st_size < _SIZE:
                os.ftruncate(self._descriptor, _SIZE)
            self.identity = (status.st_dev, status.st_ino)
            self._mapping = mmap.mmap(self._descriptor, _SIZE)
        except BaseException:
            os.close(self._descriptor)
            raise
        # Indexing reads one aligned machine word; it is the whole cost on the way of a request.
        self.word = memoryview(self._mapping).cast("Q")

    def bump(self) -> None:
        """Tell every reader that the store has changed. To be called after the commit."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self.word[0] = (self.word[0] + 1) % (1 << 64)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @property
    def trusted_until(self) -> int:
        """See `trust`."""
        return self.word[1]

    def trust(self, until_ns: int) -> None:
        """Let workers believe the keys of this host until a time of CLOCK_MONOTONIC, in ns. For the supervisor only.

        A time, not a yes: a supervisor that is frozen cannot take a yes back.
        """
        self.word[1] = until_ns

    def close(self) -> None:
        """Unmap the word; it must not be read any more."""
        self.word.release()
        self._mapping.close()
        os.close(self._descriptor)
