"""When a worker that ended is started again.

Rules. The first restart comes at once. Each further one that follows a short life waits twice as long as the one
before, up to LONGEST_S, so that a worker which cannot live does not eat the host, and one that can is back within
five seconds of its end. A life of SETTLED_S or more wipes the slate.
"""

from __future__ import annotations

from typing import Final

FIRST_S: Final = 0.25
# With the second or so that a worker takes to start, below the five seconds that are promised.
LONGEST_S: Final = 3.0
SETTLED_S: Final = 10.0


class Backoff:
    """The delays of one worker's place."""

    def __init__(self) -> None:
        self._next = 0.0

    def after(self, lived_s: float) -> float:
        """Seconds to wait before the next start, after a life of `lived_s` seconds."""
        if lived_s >= SETTLED_S:
            self._next = 0.0
        delay = self._next
        self._next = min(max(FIRST_S, delay * 2), LONGEST_S)
        return delay
