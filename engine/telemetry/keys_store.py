"""What the outside is told of the store in which hosts compare their keys: log, audit log, metrics. A change once."""

from __future__ import annotations

import logging
from time import gmtime, monotonic, strftime, time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from engine.telemetry.audit import AuditWriter
    from engine.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class KeysLine(msgspec.Struct, omit_defaults=True):
    """A line of the audit log that is no request's. `event`: keys_store_failing, _sound or _unknown."""

    time: str
    event: str
    reason: str | None = None
    seconds: float | None = None


class KeysReport:
    """See the module. `agreed`: the hosts have agreed at least once; `problem`: why they do not now."""

    def __init__(self, audit: AuditWriter | None, metrics: Metrics) -> None:
        self.agreed = False
        self.problem: str | None = None
        self._audit = audit
        self._add, self._set = metrics.add, metrics.set
        self._is_failing = metrics.gauge("tidegate_keys_store_failing")
        self._received = metrics.counter("tidegate_keys_received_total")
        self._since = 0.0

    def failing(self, reason: str) -> None:
        """It does not work now."""
        if self.problem is None:
            self._since = monotonic()
            self._set(self._is_failing, 1)
            log.error("API keys cannot be compared with the other hosts': %s", reason)
            self._write("keys_store_failing", reason=reason)
        self.problem = reason

    def sound(self) -> None:
        """The hosts agree."""
        if self.problem is not None:
            seconds = round(monotonic() - self._since, 3)
            self._set(self._is_failing, 0)
            log.warning("API keys are those of all hosts again after %g s", seconds)
            self._write("keys_store_sound", seconds=seconds)
            self.problem = None
        elif not self.agreed:
            log.info("API keys are those of all hosts")
        self.agreed = True

    def settling(self) -> None:
        """The store is not the one that was known."""
        log.warning("the store of API keys is new or has lost all: other hosts are given time to say what they know")
        self._write("keys_store_unknown")

    def received(self, count: int) -> None:
        """So many keys of other hosts were new here, or had changed."""
        self._add(self._received, count)

    def _write(self, event: str, *, reason: str | None = None, seconds: float | None = None) -> None:
        if self._audit is not None:
            now = time()
            stamp = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now))}.{int(now * 1000) % 1000:03d}Z"
            self._audit.write(msgspec.json.encode(KeysLine(stamp, event, reason, seconds)))
