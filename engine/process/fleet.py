"""The workers of a gateway, kept alive and on one policy.

Concept. Each place has a keeper, a task that starts a worker there, waits until it no longer serves, and starts the
next. What a worker needs from outside (its listening socket, an audit ring, a stripe of the metrics board) is lent to
it for its life.

Rules. The first restart comes at once, then with back-off. A worker that drains on a signal of its own is replaced at
once and ends beside its successor. A policy is loaded by one worker first; when that one refuses it nothing has
changed, otherwise the others follow, and one that does not is killed, so that its successor starts with the new
policy.

Failure modes. A worker that ends by itself with an error before the whole fleet has served once will not do better the
next time: `failure` says why and the fleet ends. Later it is only started again. A frozen worker is killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from engine.process import control
from engine.process.backoff import Backoff
from engine.process.child import Child, State
from engine.settings import Settings
from engine.telemetry.metrics import Board

log = logging.getLogger(__name__)

WATCH_EVERY_S: Final = 1.0
# A worker compiles the rules of a policy before it answers.
LOAD_TIMEOUT_S: Final = 30.0
# What a worker may take after the grace time to close what is left.
END_MARGIN_S: Final = 2.0


class Fleet:
    """As many workers as there are listening sockets.

    `command` starts a worker, `new_ring` makes the locked descriptor of an audit ring, `on_gone` is
    called when a worker has ended, stripe 0 of `board` is not lent.
    `up` is set when all workers have served at once for the first time; `restarts` counts.
    """

    def __init__(
        self,
        settings: Settings,
        policy: control.PolicyText,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        board: Board,
        new_ring: Callable[[], int],
        on_gone: Callable[[], None],
    ) -> None:
        self.policy = policy
        self.up = asyncio.Event()
        self.failure: control.Failed | None = None
        self.restarts = 0
        self._settings = settings
        self._command = tuple(command)
        self._sockets = tuple(sockets)
        self._board = board
        self._new_ring = new_ring
        self._on_gone = on_gone
        self._ending = asyncio.Event()
        self._children: dict[int, Child] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stripes: asyncio.Queue[int] = asyncio.Queue()
        for stripe in range(1, board.stripes):
            self._stripes.put_nowait(stripe)

    async def run(self) -> None:
        """Keep the workers until `end` or a failure; returns when the last one is gone."""
        chores = [asyncio.create_task(self._keep(place)) for place in range(len(self._sockets))]
        chores.append(asyncio.create_task(self._watch_for_frozen()))
        await self._ending.wait()
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        # A worker accepts what waits in its socket's queue before it closes it; our copy would keep the queue open.
        for listener in self._sockets:
            listener.close()
        for child in self._children.values():
            child.drain(self._settings.grace)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.grace + END_MARGIN_S)
        if self._children:
            log.warning("the grace time is over: killing %d workers", len(self._children))
            self.kill()
        await asyncio.gather(*self._tasks)

    def end(self) -> None:
        """Have the workers drain and end."""
        self._ending.set()

    def kill(self) -> None:
        """Kill every worker. Without `end` they are started again."""
        for child in self._children.values():
            child.kill()

    async def load(self, policy: control.PolicyText) -> str | None:
        """Put a policy in force in all workers: None, or the reason why it is in force in none."""
        now = time.monotonic()
        serving = [child for child in self._children.values() if child.serves(now)]
        while serving:
            first = serving.pop(0)
            reason = await first.load(policy, LOAD_TIMEOUT_S)
            if reason is None:
                break
            # A worker that ended meanwhile has judged nothing; one that is silent may have it half: it goes.
            if first.state is State.READY and first.refused == policy.revision:
                return reason
            self._replace(first, reason)
        self.policy = policy
        await asyncio.gather(*(self._follow(child) for child in serving))
        return None

    @property
    def serving(self) -> int:
        """Places whose worker serves."""
        now = time.monotonic()
        return len({child.place for child in self._children.values() if child.serves(now)})

    @property
    def connections(self) -> list[int]:
        """Client connections by place."""
        counts = [0] * len(self._sockets)
        for child in self._children.values():
            counts[child.place] += child.connections
        return counts

    async def _keep(self, place: int) -> None:
        backoff = Backoff()
        while True:
            born = time.monotonic()
            child = await self._spawn(place)
            if child is not None:
                await child.left_service.wait()
            self.restarts += 1
            if child is None or child.state is State.ENDED:
                await asyncio.sleep(backoff.after(time.monotonic() - born))

    async def _spawn(self, place: int) -> Child | None:
        stripe = await self._stripes.get()
        try:
            ring_fd = await asyncio.to_thread(self._new_ring)
            try:
                fds = (self._sockets[place].fileno(), ring_fd, self._board.fd)
                child = Child.spawn(place, self._command, fds)
            finally:
                # From now on the worker alone holds the ring's lock.
                os.close(ring_fd)
        except OSError as error:
            log.error("worker %d cannot be started: %s", place, error)
            self._stripes.put_nowait(stripe)
            return None
        self._children[child.pid] = child
        self._in_background(self._watch(child, control.Start(self._settings, place, stripe, self.policy, *fds)))
        return child

    async def _watch(self, child: Child, start: control.Start) -> None:
        code = await child.watch(start, self._is_ready)
        del self._children[child.pid]
        self._on_gone()
        self._board.clear_gauges(start.stripe)
        self._stripes.put_nowait(start.stripe)
        if self._ending.is_set():
            return
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        log.warning("worker %d (process %d) ended %s", child.place, child.pid, how)
        if not self.up.is_set() and code > 0:
            self.failure = child.failure or control.Failed(f"it ended with code {code} before it served", policy=False)
            self.end()

    def _is_ready(self, child: Child) -> None:
        log.info("worker %d (process %d) serves", child.place, child.pid)
        if child.revision != self.policy.revision:
            self._in_background(self._follow(child))
        if self.serving == len(self._sockets):
            self.up.set()

    async def _follow(self, child: Child) -> None:
        """Have a worker load the policy that is in force in others."""
        reason = await child.load(self.policy, LOAD_TIMEOUT_S)
        if reason is not None:
            self._replace(child, reason)

    def _replace(self, child: Child, reason: str) -> None:
        if child.state is not State.ENDED:
            log.error("worker %d does not follow the policy and is killed: %s", child.place, reason)
            child.kill()

    async def _watch_for_frozen(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(WATCH_EVERY_S)
            now = time.monotonic()
            # When this process itself was stopped, what the workers said meanwhile has not been read yet.
            if now - asked > 2 * WATCH_EVERY_S:
                continue
            for child in self._children.values():
                reason = child.overdue(now)
                if reason is not None:
                    log.error("worker %d (process %d) is %s and is killed", child.place, child.pid, reason)
                    child.kill()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
