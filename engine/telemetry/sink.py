"""The supervisor's end of the audit log: from the workers' rings to the file, each line once.

Concept. A thread looks at every ring at least each 50 ms, writes what it finds with one append for a ring, and only
then takes it out. The supervisor is the file's one writer.

Rules. Before a batch is written, its ring notes the file (inode) and its length. So after a kill between the write and
the removal, the next supervisor sees by the file's length whether the batch had arrived, and neither repeats nor drops
it; a batch that arrived in part is cut off and written again. Rings of earlier gateways are drained first, those of
commands within a second. The file is
created with mode 0600, and reopened when its path names another file or none (log rotation).

Failure modes. A write that fails (disk full, quota) leaves everything in the rings and no partial line; it is tried
again at every turn, `problem` says why, and the workers refuse new requests when their rings are half full. A damaged
ring is renamed to `*.damaged` and reported, never deleted. Only where the file is rotated while no supervisor runs,
between a write and its removal, or where it is no regular file (a pipe), may a batch appear twice. A batch is safe from
the kill of any process, not from power loss before the kernel has written it out.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine._fast.ring import RingError
from engine.telemetry.rings import ConsumedRing, create, existing

log = logging.getLogger(__name__)

TURN_S: Final = 0.05
# Often enough that a dead worker's ring is removed soon; a lock attempt costs a system call.
RETIRE_EVERY_S: Final = 1.0
# One append. Large enough that system calls do not count, small enough that its memory is not mapped anew each time.
BATCH_BYTES: Final = 128 * 1024


class AuditSink:
    """Drains every ring of `folder` to the file at `path`.

    `lines` counts what was written and `write_errors` what failed, `lost` what found no room in a ring, `backlog` is in
    bytes, `problem` is None or the reason why the log cannot be written now: all as of the last turn, so that reading
    them never waits for the disk.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.lines = 0
        self.lost = 0
        self.backlog = 0
        self.write_errors = 0
        self.problem: str | None = None
        self._folder = folder
        self._fd = -1
        self._regular = True
        self._rings: list[ConsumedRing] = []
        self._lost_before = 0
        self._guard = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Open the file and take over the rings that are there. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in self._folder.glob("*.new"):
            unfinished.unlink()
        self._open_file()
        for path in existing(self._folder):
            self._adopt(path)
        self.drain()

    def start(self) -> None:
        """Drain at every turn from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._turns, name="audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Drain once more, bring the file to the disk and let go of everything. Rings that are not empty stay."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        self.drain()
        self._retire()
        with self._guard:
            for consumed in self._rings:
                consumed.close()
            self._rings.clear()
            with contextlib.suppress(OSError):  # a pipe or a terminal cannot be synced
                os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1

    def new_ring(self) -> int:
        """A ring for a worker about to start: a locked descriptor to be inherited, then closed here. Raises OSError."""
        with self._guard:
            path, fd = create(self._folder)
            self._rings.append(ConsumedRing(path))
        return fd

    def drain(self) -> None:
        """Write everything that waits now. A failure is reported in `problem`, not raised."""
        with self._guard:
            try:
                self._follow_rotation()
                self._each(self._settle)
                self._each(self._write_out)
            except OSError as error:
                self.write_errors += 1
                reason = f"{self.path}: {error.strerror or error}"
                if self.problem != reason:
                    log.error("the audit log cannot be written, lines are kept: %s", reason)
                self.problem = reason
            else:
                if self.problem is not None:
                    log.warning("the audit log is written again: %s", self.path)
                self.problem = None
            self.backlog = sum(consumed.ring.used for consumed in self._rings)
            self.lost = self._lost_before + sum(consumed.ring.lost for consumed in self._rings)

    def _turns(self) -> None:
        retire_at = 0.0
        while not self._ending.wait(TURN_S):
            self.drain()
            if time.monotonic() >= retire_at:
                retire_at = time.monotonic() + RETIRE_EVERY_S
                self._retire()

    def _adopt_new(self) -> None:
        """Take over the rings that commands have made beside us."""
        with self._guard:
            known = {consumed.path for consumed in self._rings}
            for path in existing(self._folder):
                if path not in known:
                    self._adopt(path)

    def _retire(self) -> None:
        """Remove the rings whose producers are gone and which are empty."""
        self._adopt_new()
        with self._guard:
            gone = [consumed for consumed in self._rings if consumed.producer_is_gone()]
        # What a producer put last is published now: it can be drained, and then nothing can follow.
        if gone:
            self.drain()
        with self._guard:
            for consumed in gone:
                if consumed in self._rings and consumed.ring.used == 0:
                    self._rings.remove(consumed)
                    self._lost_before += consumed.ring.lost
                    consumed.path.unlink(missing_ok=True)
                    consumed.close()

    def _adopt(self, path: Path) -> None:
        try:
            self._rings.append(ConsumedRing(path))
        except RingError as error:
            self._set_aside(path, error)

    def _set_aside(self, path: Path, error: RingError) -> None:
        # Numbers come again when their files are gone, and an earlier damaged one must not be overwritten.
        kept = path.with_name(f"{path.stem}-{time.time_ns()}.damaged")
        path.rename(kept)
        log.error("an audit ring cannot be read and is kept as %s: %s", kept, error)

    def _each(self, step: Callable[[ConsumedRing], None]) -> None:
        for consumed in list(self._rings):
            try:
                step(consumed)
            except RingError as error:
                self._rings.remove(consumed)
                self._set_aside(consumed.path, error)
                consumed.close()

    def _settle(self, consumed: ConsumedRing) -> None:
        """Find out what became of a write that was begun and not finished."""
        begun = consumed.ring.begun()
        if begun is None:
            return
        inode, offset, length = begun
        state = os.fstat(self._fd)
        if not self._regular or state.st_ino != inode:
            return
        if state.st_size >= offset + length:
            consumed.ring.commit()
        elif state.st_size > offset:
            os.ftruncate(self._fd, offset)

    def _write_out(self, consumed: ConsumedRing) -> None:
        while batch := consumed.ring.peek(BATCH_BYTES):
            state = os.fstat(self._fd)
            consumed.ring.begin(state.st_ino, state.st_size)
            rest = memoryview(batch)
            try:
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
            except OSError:
                # A half line must not stand at the file's end. Where even this fails, _settle comes back to it.
                if self._regular:
                    with contextlib.suppress(OSError):
                        os.ftruncate(self._fd, state.st_size)
                raise
            consumed.ring.commit()
            self.lines += batch.count(b"\n")

    def _open_file(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(self.path, flags, 0o600)
        self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)

    def _follow_rotation(self) -> None:
        opened = os.fstat(self._fd)
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            pass
        else:
            if (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino):
                return
        old = self._fd
        self._open_file()
        os.close(old)
