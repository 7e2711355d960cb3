"""The log of a process: standard logging to stderr, one line of text for each record.

Rules. Time in UTC, level, process, logger, message. A line break inside a record, of a traceback or of something that
was logged, is written as `\\n`, so that nothing that comes from outside can forge a line.
"""

from __future__ import annotations

import logging
import time


class OneLine(logging.Formatter):
    """A formatter whose output never holds a line break."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """RFC 3339 in UTC, with milliseconds."""
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"

    def format(self, record: logging.LogRecord) -> str:
        """The record, its traceback included, as one line."""
        return "\\n".join(super().format(record).splitlines())


def configure(level: str) -> None:
    """Send the records of `level` ("debug" to "error") and above to stderr; what was configured before is replaced."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
