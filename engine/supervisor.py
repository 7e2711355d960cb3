"""The supervisor: the process that keeps the workers, the policy, the audit log and the admin listener.

Concept. It owns what must outlive a worker: the listening sockets, the audit file, the metrics board, the policy text,
the lock on the state folder, and what dead workers held of the limits. It never sees a request. Keeping the workers is
the fleet's part (engine.process.fleet).

Rules
    start      lock, policy, sockets, audit log, admin listener, workers. What is wrong with any of them ends the
               process with the reason before it is ready: StartError.
    reload     on SIGHUP, and when the policy file has changed. The text is checked here, then loaded by one worker,
               then by the others. A text that the check or the first worker refuses changes nothing, and is told in
               the log, the metrics and as a warning of /readyz.
    end        on SIGTERM and SIGINT: the workers drain for the grace time, stragglers are killed, the audit log is
               drained last. A second signal kills at once.

Failure modes. The death of the supervisor is noticed by the workers, which drain and end; their audit lines wait in the
ring files for the next supervisor. An audit log that cannot be written makes the gateway not ready and, once the rings
are half full, closes the workers' doors; it does not end the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from engine import __version__
from engine.access.failures import FAILURES, FailureTable
from engine.admin.app import Readiness, build
from engine.admin.keys import KeyAdmin
from engine.hosts.keys import TIMEOUT_S, KeyShare
from engine.identity.key_store import KeyStore, StoreError
from engine.limits.journals import reclaim
from engine.limits.shared.client import Store as SharedStore
from engine.limits.store import JOURNALS, LIMITS_FILE, StateError, Store, open_store
from engine.policy.loader import parse_policy
from engine.policy.snapshot import verify
from engine.policy.unenforced import unenforced
from engine.process import control, listeners, logs
from engine.process.fleet import Fleet
from engine.process.lock import AlreadyRunning, InstanceLock
from engine.process.policy_file import PolicyFile
from engine.settings import Address, Settings
from engine.telemetry.audit import AuditWriter
from engine.telemetry.exposition import render
from engine.telemetry.keys_store import KeysReport
from engine.telemetry.metrics import Board, Metrics
from engine.telemetry.sink import AuditSink

log = logging.getLogger(__name__)

WORKER_COMMAND: Final = (sys.executable, "-m", "engine.worker")

# The policy file is read twice before a change counts, so that a change is in force within about a second.
POLL_EVERY_S: Final = 0.5

# What an answer of the admin listener may still take when all else has ended.
ADMIN_GRACE_S: Final = 2.0

# Reservations of a dead worker are given back when it ends; this is for what failed then.
RECLAIM_EVERY_S: Final = 5.0

# Given a policy's text and its source: what it names and this build does not enforce. Raises ValueError on a bad one.
Check = Callable[[str, str], Sequence[str]]


class StartError(Exception):
    """The gateway cannot start. `code` is the exit code: 2 for a policy that must be mended, otherwise 1."""

    def __init__(self, reason: str, code: int = 1) -> None:
        super().__init__(reason)
        self.code = code


class PolicyRefused(ValueError):
    """A policy text that is not put in force."""


class Supervisor:
    """One gateway on one host.

    `check` judges a policy text; `worker_command` starts a worker, the number of its channel is added to it. `address`
    and `admin_address` say where it listens, from the start of the first worker on.
    """

    def __init__(
        self,
        settings: Settings,
        check: Check,
        *,
        allow_unenforced: bool = False,
        worker_command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self.address = settings.listen
        self.admin_address = settings.admin_listen
        self._settings = settings
        self._check = check
        self._allow_unenforced = allow_unenforced
        self._worker_command = worker_command
        self._policy_file = PolicyFile(settings.policy)
        self._revision = 0
        self._unenforced: tuple[str, ...] = ()
        self._refused: str | None = None
        self._reloading = asyncio.Lock()
        self._ending = asyncio.Event()
        self._fleet: Fleet | None = None
        self._limits: Store | None = None
        # As many stripes again as workers, for those that drain beside their successors; the first is our own.
        self._board = Board.create(2 * settings.workers + 1)
        self._series = _Series(Metrics(self._board, 0), settings.workers)
        self._sink = AuditSink(settings.audit_log, settings.state_dir / "rings")
        self._keys_report: KeysReport | None = None

    async def run(self, on_up: Callable[[Supervisor], None] | None = None) -> None:
        """Run until `stop`; `on_up` is called when every worker serves for the first time. Raises StartError."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                lock = InstanceLock(self._settings.state_dir)
                stack.callback(lock.release)
                policy = self._first_policy()
                sockets = listeners.bind(self._settings.listen, self._settings.workers)
                for listener in sockets:
                    stack.callback(listener.close)
                self.address = listeners.bound_address(sockets[0])
                self._limits = open_store(self._settings.state_dir / LIMITS_FILE, self._settings.limit_slots)
                self._reclaim()
                self._sink.open()
                stack.callback(self._sink.stop)
                self.admin_address = await self._open_admin(stack)
            except (OSError, AlreadyRunning, StateError) as error:
                raise StartError(str(error)) from error
            except ValueError as error:
                raise StartError(str(error), 2) from error
            self._sink.start()
            await self._share_keys(stack)
            self._fleet = fleet = Fleet(
                self._settings, policy, self._worker_command, sockets, self._board, self._sink.new_ring, self._reclaim
            )
            chores = [
                asyncio.create_task(self._poll_policy()),
                asyncio.create_task(self._poll_reservations()),
                asyncio.create_task(self._announce(fleet, on_up)),
                asyncio.create_task(self._end_fleet(fleet)),
            ]
            try:
                await fleet.run()
            finally:
                for chore in chores:
                    chore.cancel()
                await asyncio.gather(*chores, return_exceptions=True)
            if fleet.failure is not None:
                reason = fleet.failure.reason
                raise StartError(reason, 2) if fleet.failure.policy else StartError(f"no worker can start: {reason}")
        log.info("ended")

    def stop(self) -> None:
        """Drain and end; when called again, end at once."""
        if self._ending.is_set() and self._fleet is not None:
            log.warning("told to end again: killing the workers")
            self._fleet.kill()
        else:
            log.info("ending: the workers drain for up to %g s", self._settings.grace)
            self._ending.set()

    async def reload(self) -> None:
        """Read the policy file and put it in force, changed or not. What is wrong with it is logged."""
        try:
            text = self._policy_file.read()
        except (OSError, ValueError) as error:
            self._refuse(str(error))
        else:
            await self._apply(text)

    def readiness(self) -> Readiness:
        """See engine.admin.app.Gateway."""
        serving = self._fleet.serving if self._fleet is not None else 0
        reasons = []
        if self._ending.is_set():
            reasons.append("the gateway is ending")
        if serving < self._settings.workers:
            reasons.append(f"{serving} of {self._settings.workers} workers serve")
        if self._sink.problem is not None:
            reasons.append(f"the audit log cannot be written: {self._sink.problem}")
        keys = self._keys_report
        if keys is not None and not keys.agreed:
            reasons.append(f"the API keys were not yet compared with the other hosts': {keys.problem or 'in a moment'}")
        warnings = [f"not enforced: {name}" for name in self._unenforced]
        if keys is not None and keys.agreed and keys.problem is not None:
            warnings.append(f"the API keys cannot be compared with the other hosts': {keys.problem}")
        if self._refused is not None:
            warnings.append(f"the policy file is refused, the policy before it is in force: {self._refused}")
        return Readiness(self._settings.workers, serving, tuple(reasons), tuple(warnings))

    def metrics(self) -> bytes:
        """See engine.admin.app.Gateway."""
        if self._fleet is not None:
            self._series.update(self._fleet, self._sink)
        return render(self._board)

    def _reclaim(self) -> None:
        """Gives back what workers that are gone held of the limits."""
        if self._limits is None:
            return
        try:
            count = reclaim(self._settings.state_dir / JOURNALS, self._limits.table, time.time_ns())
        except OSError as error:
            log.error("open reservations of workers that are gone cannot be read: %s", error)
            return
        if count:
            log.warning("%d open reservations of workers that are gone were given back", count)

    async def _poll_reservations(self) -> None:
        """What could not be given back at once, because a hold was just being changed, is tried again."""
        while True:
            await asyncio.sleep(RECLAIM_EVERY_S)
            self._reclaim()

    def _first_policy(self) -> control.PolicyText:
        try:
            text = self._policy_file.read()
        except OSError as error:
            raise StartError(f"{self._settings.policy}: the policy cannot be read: {error.strerror}", 2) from error
        self._unenforced = self._judge(text)
        for name in self._unenforced:
            log.warning("not enforced: %s", name)
        self._series.loaded()
        return self._next_policy(text)

    def _judge(self, text: str) -> tuple[str, ...]:
        """What the policy names and this build does not enforce. Raises ValueError where it may not be put in force."""
        missing = tuple(self._check(text, str(self._settings.policy)))
        if missing and not self._allow_unenforced:
            raise PolicyRefused(
                f"{self._settings.policy}: this build does not enforce {'; '.join(missing)} "
                "(--allow-unenforced starts without)"
            )
        return missing

    def _next_policy(self, text: str) -> control.PolicyText:
        self._revision += 1
        return control.PolicyText(self._revision, text, str(self._settings.policy))

    async def _apply(self, text: str) -> None:
        if self._fleet is None:
            return
        async with self._reloading:
            try:
                missing = await asyncio.to_thread(self._judge, text)
            except ValueError as error:
                self._refuse(str(error))
                return
            reason = await self._fleet.load(self._next_policy(text))
            if reason is not None:
                self._refuse(reason)
                return
            self._unenforced = missing
            self._refused = None
            self._series.loaded()
            self._series.reloaded("applied")
            log.info("the policy %s is in force", self._settings.policy)

    def _refuse(self, reason: str) -> None:
        log.error("the policy is refused, the one before stays in force: %s", reason)
        self._refused = reason
        self._series.reloaded("refused")

    async def _poll_policy(self) -> None:
        while True:
            await asyncio.sleep(POLL_EVERY_S)
            text = self._policy_file.poll()
            if text is not None:
                await self._apply(text)

    async def _announce(self, fleet: Fleet, on_up: Callable[[Supervisor], None] | None) -> None:
        await fleet.up.wait()
        log.info("listening on %s, admin on %s", self.address, self.admin_address)
        if on_up is not None:
            on_up(self)

    async def _end_fleet(self, fleet: Fleet) -> None:
        await self._ending.wait()
        fleet.end()

    async def _share_keys(self, stack: contextlib.AsyncExitStack) -> None:
        """Begins to keep the keys of this host and those of others one, where a store is named. Raises StartError."""
        settings = self._settings
        if settings.redis_url is None:
            return
        try:
            ring = self._sink.new_ring()
            stack.callback(os.close, ring)
            report = self._keys_report = KeysReport(AuditWriter.attach(ring), self._series.metrics)
            store = SharedStore(settings.redis_url, TIMEOUT_S)
            share = KeyShare(store, settings.state_dir, settings.keys_without_store, report)
        except (OSError, StoreError) as error:
            raise StartError(str(error)) from error
        share.start()
        stack.push_async_callback(share.stop)

    async def _open_admin(self, stack: contextlib.AsyncExitStack) -> Address:
        folder = self._settings.state_dir
        try:
            store = stack.enter_context(KeyStore(folder))
        except StoreError as error:
            raise StartError(str(error)) from error
        failures = FailureTable(folder / FAILURES)
        stack.callback(failures.close)
        keys = KeyAdmin(folder, store, failures, self._settings.admin_token)
        runner = web.AppRunner(build(self, keys), access_log=None, shutdown_timeout=ADMIN_GRACE_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, *self._settings.admin_listen).start()
        host, port = runner.addresses[0][:2]
        return Address(host, port)


class _Series:
    """The supervisor's own metrics."""

    def __init__(self, metrics: Metrics, workers: int) -> None:
        self.metrics = metrics
        self._reloads = {
            result: metrics.counter("tidegate_policy_reloads_total", result=result) for result in ("applied", "refused")
        }
        self._loaded_at = metrics.gauge("tidegate_policy_loaded_timestamp_seconds")
        self._connections = [metrics.gauge("tidegate_connections", worker=str(place)) for place in range(workers)]
        self._ready = metrics.gauge("tidegate_workers_ready")
        self._restarts = metrics.counter("tidegate_worker_restarts_total")
        self._lines = metrics.counter("tidegate_audit_lines_total")
        self._lost = metrics.counter("tidegate_audit_lost_total")
        self._errors = metrics.counter("tidegate_audit_write_errors_total")
        self._backlog = metrics.gauge("tidegate_audit_backlog_bytes")
        info = metrics.gauge("tidegate_build_info", version=__version__, python=platform.python_version())
        metrics.set(info, 1)

    def loaded(self) -> None:
        self.metrics.set(self._loaded_at, int(time.time()))

    def reloaded(self, result: str) -> None:
        self.metrics.add(self._reloads[result])

    def update(self, fleet: Fleet, sink: AuditSink) -> None:
        """Take over what fleet and sink count themselves."""
        store = self.metrics.set
        for index, count in zip(self._connections, fleet.connections, strict=True):
            store(index, count)
        store(self._ready, fleet.serving)
        store(self._restarts, fleet.restarts)
        store(self._lines, sink.lines)
        store(self._lost, sink.lost)
        store(self._errors, sink.write_errors)
        store(self._backlog, sink.backlog)


def check_policy(settings: Settings) -> Check:
    """The check of a running gateway: the policy loader, with ${NAME} taken from this process's environment."""

    def check(text: str, source: str) -> Sequence[str]:
        policy = parse_policy(text, source, os.environ)
        verify(policy, shared=settings.redis_url is not None)
        return [f"{item} (line {item.line})" for item in unenforced(policy, settings)]

    return check


def run(
    settings: Settings,
    allow_unenforced: bool = False,
    on_up: Callable[[Supervisor], None] | None = None,
    *,
    check: Check | None = None,
    worker_command: Sequence[str] = WORKER_COMMAND,
) -> int:
    """Run a gateway in this process until SIGTERM or SIGINT. Returns the exit code; what was wrong is in the log.

    `on_up` is called when every worker serves for the first time. `check` (by default the policy loader's) and
    `worker_command` are the Supervisor's.
    """
    logs.configure(settings.log_level)
    for name in settings.unknown:
        log.warning("%s is set, but there is no such setting", name)

    async def live() -> None:
        supervisor = Supervisor(
            settings,
            check or check_policy(settings),
            allow_unenforced=allow_unenforced,
            worker_command=worker_command,
        )
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(supervisor.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        loop.add_signal_handler(signal.SIGHUP, reload)
        await supervisor.run(on_up)

    try:
        asyncio.run(live())
    except StartError as error:
        log.error("%s", error)
        return error.code
    return 0
