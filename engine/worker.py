"""A worker process: the frame around the application that serves.

Concept. The supervisor starts `python -m engine.worker FD` with its end of the control channel. The worker takes its
audit ring, its metrics and its listening socket from there, builds the application, loads the policy, serves, says that
it is ready, beats once a second, and follows what it is told.

Rules. The application stops accepting connections and lets running answers end, up to the grace time, when the
supervisor says so, when the supervisor is gone, and on SIGTERM; in the last case the supervisor is told first and
starts another worker in the same place. SIGINT is the supervisor's business: a terminal sends it to all. A policy
that the application refuses leaves the one before in force.

Failure modes. What goes wrong before the worker is ready is reported with its reason, and the worker ends with code 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, Protocol

import uvloop

from engine.process import control, logs
from engine.settings import Settings
from engine.telemetry.audit import AuditWriter
from engine.telemetry.metrics import Board, Metrics

log = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 1.0


class Application(Protocol):
    """What a worker runs."""

    @property
    def connections(self) -> int:
        """Client connections open now."""

    def load_policy(self, text: str, source: str) -> None:
        """Put a policy in force, whole or, with an exception, not at all."""

    async def serve(self, sock: socket.socket) -> None:
        """Accept connections on a listening socket; returns when it does."""

    async def drain(self, grace_s: float) -> None:
        """Stop accepting, after what waits in the socket's queue; return when all answers ended or the time is up."""


Build = Callable[[Settings, int, AuditWriter, Metrics], Application]


def run(channel_fd: int, build: Build) -> int:
    """Be a worker on this end of a control channel until told to end. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_live(channel_fd, build))


async def _live(channel_fd: int, build: Build) -> int:
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    reader, writer = await asyncio.open_unix_connection(
        sock=socket.socket(fileno=channel_fd), limit=control.LONGEST_MESSAGE
    )
    start = await control.read_to_worker(reader)
    if not isinstance(start, control.Start):
        return 1
    logs.configure(start.settings.log_level)
    try:
        audit = AuditWriter.attach(start.ring_fd)
        metrics = Metrics(Board(start.board_fd), start.stripe)
        application = build(start.settings, start.place, audit, metrics)
        refused = _load(application, start.policy)
        if isinstance(refused, control.Refused):
            writer.write(control.encode(control.Failed(refused.reason, policy=True)))
            return await _leave(writer, 1)
        await application.serve(socket.socket(fileno=start.listener_fd))
    except Exception as error:
        log.exception("the worker cannot start")
        writer.write(control.encode(control.Failed(_reason(error), policy=False)))
        return await _leave(writer, 1)
    # What was made so far lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    _trim()
    writer.write(control.encode(control.Ready(start.policy.revision)))
    beats = asyncio.create_task(_beat(application, writer))
    told = asyncio.create_task(_follow(application, reader, writer))
    signalled = asyncio.create_task(terminated.wait())
    await asyncio.wait((told, signalled), return_when=asyncio.FIRST_COMPLETED)
    grace_s = told.result() if told.done() else None
    if not told.done():
        writer.write(control.encode(control.Draining()))
    await application.drain(start.settings.grace if grace_s is None else grace_s)
    for task in (beats, told, signalled):
        task.cancel()
    return await _leave(writer, 0)


def _trim() -> None:
    """Give the system back what compiling the rules has taken and left. With another libc than glibc it stays."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def _follow(application: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float | None:
    """Do what the supervisor says until it says to end: the grace time; None when the supervisor is gone."""
    while True:
        match await control.read_to_worker(reader):
            case control.Load(policy):
                writer.write(control.encode(_load(application, policy)))
            case control.Drain(grace_s):
                return grace_s
            case None:
                log.warning("the supervisor is gone: draining")
                return None


def _load(application: Application, policy: control.PolicyText) -> control.Loaded | control.Refused:
    try:
        application.load_policy(policy.text, policy.source)
    except Exception as error:
        # What is wrong with a policy is a ValueError and says so in a sentence; anything else is ours to trace.
        log.warning("the policy is refused: %s", error, exc_info=not isinstance(error, ValueError))
        return control.Refused(policy.revision, _reason(error))
    return control.Loaded(policy.revision)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _beat(application: Application, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(control.encode(control.Beat(application.connections)))
        await asyncio.sleep(BEAT_EVERY_S)


async def _leave(writer: asyncio.StreamWriter, code: int) -> int:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return code


def main() -> int:
    """The worker of the gateway."""
    from engine.app import WorkerApp

    return run(int(sys.argv[1]), WorkerApp)


if __name__ == "__main__":
    sys.exit(main())
