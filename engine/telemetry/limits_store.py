"""What the outside is told of the store: the log, the audit log, the metrics. A change is told once."""

from __future__ import annotations

import logging
from time import gmtime, monotonic, strftime, time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from engine.telemetry.audit import AuditWriter
    from engine.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class StoreLine(msgspec.Struct, omit_defaults=True):
    """A line of the audit log that is no request's. `event`: limits_store_failing, _sound or _forgot."""

    time: str
    event: str
    worker: int
    reason: str | None = None
    seconds: float | None = None
    bucket: int | None = None


class Report:
    """See the module. `worker` is the place of this worker on its host."""

    def __init__(self, audit: AuditWriter | None, metrics: Metrics, worker: int) -> None:
        self._audit = audit
        self._worker = worker
        self._add, self._set = metrics.add, metrics.set
        self._is_failing = metrics.gauge("tidegate_limits_store_failing")
        self._failures = metrics.counter("tidegate_limits_store_failures_total")
        self._calls = metrics.counter("tidegate_limits_store_calls_total")
        self._forgot = metrics.counter("tidegate_limits_store_forgot_total")
        self._modes = {
            mode: metrics.counter("tidegate_limits_without_store_total", mode=mode)
            for mode in ("closed", "local_share", "open")
        }
        self._since: float | None = None

    def called(self, count: int) -> None:
        """So many calls were answered."""
        self._add(self._calls, count)

    def fell_back(self, mode: str) -> None:
        """A request was decided by what its limit declares for a store that fails."""
        self._add(self._modes[mode])

    def failing(self, reason: str) -> None:
        """The store was sound and now is not."""
        self._since = monotonic()
        self._add(self._failures)
        self._set(self._is_failing, 1)
        log.error("the shared store of limits fails, the limits' declared modes hold: %s", reason)
        self._write("limits_store_failing", reason=reason)

    def unreachable(self, reason: str) -> None:
        """It was tried and does not answer; told the first time only."""
        if self._since is None:
            self.failing(reason)

    def sound(self) -> None:
        """The store answers again, or for the first time."""
        seconds = None if self._since is None else round(monotonic() - self._since, 3)
        self._since = None
        self._set(self._is_failing, 0)
        if seconds is None:
            log.info("the shared store of limits answers")
        else:
            log.warning("the shared store of limits answers again after %g s", seconds)
            self._write("limits_store_sound", seconds=seconds)

    def forgot(self, bucket: int) -> None:
        """The store has lost what it knew of a bucket."""
        self._add(self._forgot)
        log.error("the shared store of limits has lost bucket %d: its limits wait and are told again", bucket)
        self._write("limits_store_forgot", bucket=bucket)

    def _write(
        self, event: str, *, reason: str | None = None, seconds: float | None = None, bucket: int | None = None
    ) -> None:
        if self._audit is not None:
            now = time()
            stamp = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now))}.{int(now * 1000) % 1000:03d}Z"
            self._audit.write(msgspec.json.encode(StoreLine(stamp, event, self._worker, reason, seconds, bucket)))
