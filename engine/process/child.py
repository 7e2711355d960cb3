"""A worker process as its supervisor sees it.

Concept. A child inherits its listening socket, its audit ring, the metrics board and one end of the control channel,
and nothing else; everything it says comes back on that channel. A Child lives from `spawn` to the end of the process,
which the kernel reports through a pidfd; what the worker said last is read before its end is known.

Failure modes. A child that does not report within the time-outs of `overdue` is frozen: the supervisor kills it. A
child that says something that cannot be read is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from engine.process import control

log = logging.getLogger(__name__)

# A worker imports, opens its state and compiles its rules before it is ready; a second on an idle core.
START_TIMEOUT_S: Final = 60.0
# A loop that has not turned for so long serves nobody; its beats are due every second.
BEAT_TIMEOUT_S: Final = 15.0
# A beat this old makes the worker not ready, well before it is killed.
BEAT_LATE_S: Final = 5.0
# A worker that has closed its channel has nothing left to do but to exit.
EXIT_TIMEOUT_S: Final = 5.0


class State(enum.Enum):
    """Where a child is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    ENDED = "ended"


class Child:
    """One worker process. Made by `spawn`; `watch` must run until it returns the exit code.

    `revision` is the policy that it serves, `refused` the one that it last refused, `heard` when it last spoke
    (monotonic seconds), `left_service` is set when it drains or has ended.
    """

    def __init__(self, place: int, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self.place = place
        self.pid = process.pid
        self.state = State.STARTING
        self.connections = 0
        self.revision = 0
        self.refused = 0
        self.failure: control.Failed | None = None
        self.born = self.heard = time.monotonic()
        self.left_service = asyncio.Event()
        self._process = process
        self._channel = channel
        self._writer: asyncio.StreamWriter | None = None
        self._replies: dict[int, asyncio.Future[str | None]] = {}

    @classmethod
    def spawn(cls, place: int, command: Sequence[str], fds: Sequence[int]) -> Child:
        """Start `command` with the number of its end of the channel as last argument. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(
                    [*command, str(theirs.fileno())], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno(), *fds]
                )
            except BaseException:
                ours.close()
                raise
        return cls(place, process, ours)

    async def watch(self, start: control.Start, on_ready: Callable[[Child], None]) -> int:
        """Send `start`, follow the worker to its end and return its exit code (negative: the signal)."""
        loop = asyncio.get_running_loop()
        exited = asyncio.Event()
        pidfd = os.pidfd_open(self.pid)
        loop.add_reader(pidfd, exited.set)
        try:
            reader, self._writer = await asyncio.open_unix_connection(sock=self._channel, limit=control.LONGEST_MESSAGE)
            self.send(start)
            try:
                while (message := await control.read_from_worker(reader)) is not None:
                    self._hear(message, on_ready)
            except (msgspec.DecodeError, ValueError, asyncio.LimitOverrunError):
                log.exception("worker %d said something that cannot be read and is killed", self.place)
                self.kill()
            try:
                async with asyncio.timeout(EXIT_TIMEOUT_S):
                    await exited.wait()
            except TimeoutError:
                self.kill()
                await exited.wait()
        finally:
            if not exited.is_set():
                self.kill()
            loop.remove_reader(pidfd)
            os.close(pidfd)
            code = self._process.wait()
            self.state = State.ENDED
            self.connections = 0
            self.left_service.set()
            if self._writer is not None:
                self._writer.close()
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_result("the worker ended")
        return code

    async def load(self, policy: control.PolicyText, timeout_s: float) -> str | None:
        """Have the worker load a policy: None, or the reason why it is not in force there."""
        reply: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._replies[policy.revision] = reply
        try:
            self.send(control.Load(policy))
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            return f"no answer within {timeout_s:g} s"
        finally:
            del self._replies[policy.revision]

    def send(self, message: control.ToWorker) -> None:
        """Send a message; to a worker that is gone it is lost, which its end will tell."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(control.encode(message))

    def drain(self, grace_s: float) -> None:
        """Tell the worker to drain and end."""
        self.state = State.DRAINING
        self.send(control.Drain(grace_s))

    def kill(self) -> None:
        """End the worker at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def serves(self, now: float) -> bool:
        """Whether the worker answers requests, as far as is known at `now` (monotonic seconds)."""
        return self.state is State.READY and now - self.heard < BEAT_LATE_S

    def overdue(self, now: float) -> str | None:
        """Why the worker counts as frozen at `now`, or None."""
        if self.state is State.STARTING and now - self.born > START_TIMEOUT_S:
            return f"not ready after {START_TIMEOUT_S:g} s"
        if self.state is State.READY and now - self.heard > BEAT_TIMEOUT_S:
            return f"silent for {BEAT_TIMEOUT_S:g} s"
        return None

    def _hear(self, message: control.FromWorker, on_ready: Callable[[Child], None]) -> None:
        self.heard = time.monotonic()
        match message:
            case control.Beat():
                self.connections = message.connections
            case control.Ready():
                self.revision = message.revision
                if self.state is State.STARTING:
                    self.state = State.READY
                    on_ready(self)
            case control.Loaded():
                self.revision = message.revision
                self._reply(message.revision, None)
            case control.Refused():
                self.refused = message.revision
                self._reply(message.revision, message.reason)
            case control.Draining():
                self.state = State.DRAINING
                self.left_service.set()
            case control.Failed():
                self.failure = message

    def _reply(self, revision: int, reason: str | None) -> None:
        reply = self._replies.get(revision)
        if reply is not None and not reply.done():
            reply.set_result(reason)
