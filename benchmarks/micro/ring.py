"""ring: handing an audit line to the supervisor, beside the oracle and a pipe."""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Any

from benchmarks.micro.timing import Case, Contender
from engine._fast.ring import HEADER_BYTES, Ring
from tests.fast.oracles.ring import RingOracle

_DATA_BYTES = 1 << 20
_BATCH_BYTES = _DATA_BYTES
_LINE = b'{"status":200,"endpoint":"chat","user":"bench","text":"' + b"x" * 543 + b'"}\n'


class Pipe:
    """One write(2) a line into a pipe, which the reader empties when it is full."""

    def __init__(self) -> None:
        self._source, self._sink = os.pipe()
        fcntl.fcntl(self._sink, fcntl.F_SETPIPE_SZ, _DATA_BYTES)
        os.set_blocking(self._sink, False)

    def put(self, record: bytes) -> bool:
        """Whether the line went in."""
        try:
            return os.write(self._sink, record) == len(record)
        except BlockingIOError:
            return False

    def drain(self) -> None:
        """Take out all that is in it."""
        os.read(self._source, _BATCH_BYTES)

    def __del__(self) -> None:
        os.close(self._source)
        os.close(self._sink)


def _drained(ring: Any) -> Any:
    def drain() -> None:
        ring.peek(_BATCH_BYTES)
        ring.begin(0, 0)
        ring.commit()

    return drain


def cases() -> list[Case]:
    """A line of 600 bytes put in; when there is no room, all is taken out at once, as the supervisor does it."""
    mapping = mmap.mmap(-1, HEADER_BYTES + _DATA_BYTES)
    Ring.format(mapping)
    ring, oracle, pipe = Ring(mapping), RingOracle(_DATA_BYTES), Pipe()
    statement = "put(line) or drain() or put(line)"
    return [
        Case(
            "ring: one audit line",
            [
                Contender("kernel", statement, {"put": ring.put, "drain": _drained(ring), "line": _LINE}),
                Contender("oracle", statement, {"put": oracle.put, "drain": _drained(oracle), "line": _LINE}),
                Contender("pipe", statement, {"put": pipe.put, "drain": pipe.drain, "line": _LINE}),
            ],
            size=len(_LINE),
        )
    ]
