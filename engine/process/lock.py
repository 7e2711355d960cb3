"""One gateway for one state folder.

Rules. The supervisor holds an advisory lock (flock) on `supervisor.lock` for as long as it lives; its children do not
inherit it. So a second one refuses to start, and one that was killed blocks nobody.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunning(Exception):
    """Another supervisor lives in this state folder."""


class InstanceLock:
    """The lock, held from creation to `release`. Raises AlreadyRunning, and OSError where the folder is not usable."""

    def __init__(self, state_dir: Path) -> None:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(state_dir / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise AlreadyRunning(f"{state_dir}: another gateway runs here, process {holder}") from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._fd)
