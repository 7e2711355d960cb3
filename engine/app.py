"""The composition of a worker: the one place that knows every floor.

A worker holds the key cache, the limit table, the pipeline over the snapshot in force, the fast lane and the aiohttp
door. A policy is loaded whole: everything that can fail is made before anything is replaced.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from engine.access.failures import FAILURES, FailureTable
from engine.errors import UNAVAILABLE, Refusal
from engine.identity.fetch import Fetcher
from engine.identity.store import KeyCache
from engine.identity.tokens import TokenAuthority
from engine.identity.usage import record_use
from engine.limits.journals import OwnJournal
from engine.limits.shared.client import Store
from engine.limits.shared.journal import LEASES
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.life import Life
from engine.limits.shared.sharing import Sharing
from engine.limits.store import JOURNALS, LIMITS_FILE, open_store
from engine.pipeline.meters import Meters
from engine.pipeline.phases import Pipeline
from engine.policy.loader import parse_policy
from engine.policy.snapshot import Snapshot, compile_snapshot
from engine.proxy.door import DoorProtocol
from engine.proxy.lane import Lane
from engine.proxy.passthrough import Door
from engine.proxy.peer import Peer
from engine.proxy.proxied import ProxiedListener
from engine.redaction.hash_key import HASH_KEY_FILE, open_hash_key
from engine.telemetry.limits_store import Report

if TYPE_CHECKING:
    from engine.settings import Settings
    from engine.telemetry.audit import AuditWriter
    from engine.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

# How often a worker looks whether what it runs is still allowed to. Its part in the second that a revocation may take.
_FOLLOW_KEYS_S: Final = 0.2
# Backstop for a key change that was committed but not announced; see engine.identity.store.
_POLL_KEYS_S: Final = 1.0
# How often it is written down which keys were used.
_RECORD_USE_S: Final = 10.0
# Reservations of one worker that may be open at once: 71 MB of journal at most, allocated when it starts.
_MOST_OPEN: Final = 65_536
_DRAIN_TICK_S: Final = 0.05
# Connections that wait to be accepted. The kernel caps it at net.core.somaxconn.
_BACKLOG: Final = 4096


class WorkerApp:
    """See `engine.worker.Application`. Raises what its parts raise where the state folder cannot be used."""

    def __init__(self, settings: Settings, place: int, audit: AuditWriter, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._audit = audit
        self._store = open_store(settings.state_dir / LIMITS_FILE, settings.limit_slots)
        # A connection has one request at a time. More of them at once than this are refused (503).
        self._reservations = OwnJournal(settings.state_dir / JOURNALS, min(settings.max_connections, _MOST_OPEN))
        self._keys = KeyCache(settings.state_dir, shared=settings.redis_url is not None)
        self._failures = FailureTable(settings.state_dir / FAILURES)
        self._fetcher = Fetcher()
        self._tokens: TokenAuthority | None = None
        self._hash_key = open_hash_key(settings.state_dir / HASH_KEY_FILE)
        self._lane: Lane | None = None
        self._snapshot: Snapshot | None = None
        self._runner: web.ServerRunner | None = None
        self._server: asyncio.Server | ProxiedListener | None = None
        self._door: Door | None = None
        self._poll: asyncio.Task[None] | None = None
        self._keeper: Keeper | None = None
        if settings.redis_url is not None:
            self._keeper = Keeper(
                Store(settings.redis_url),
                Life(settings.state_dir),
                Report(audit, metrics, place),
                settings.state_dir / LEASES,
            )

    @property
    def connections(self) -> int:
        """Client connections of both doors."""
        return (len(self._lane.connections) if self._lane is not None else 0) + self._handed_over()

    def _pending(self) -> int:
        """Connections that are accepted and not yet those of a client."""
        return self._server.pending if isinstance(self._server, ProxiedListener) else 0

    def _handed_over(self) -> int:
        runner = self._runner
        return len(runner.server.connections) if runner is not None and runner.server is not None else 0

    def load_policy(self, text: str, source: str) -> None:
        """Puts a policy in force from the next request on, or raises and leaves the one before."""
        policy = parse_policy(text, source, os.environ)
        snapshot = compile_snapshot(
            policy,
            table=self._store.table,
            hash_key=self._hash_key,
            journal=self._reservations.journal,
            sharing=Sharing(self._keeper) if self._keeper is not None else None,
        )
        meters = Meters(self._metrics, {one.name for one in (*snapshot.endpoints.values(), *snapshot.kept.values())})
        tokens = None
        if snapshot.tokens.issuers or snapshot.tokens.introspection:
            tokens = TokenAuthority(snapshot.tokens, self._fetcher, self._tokens)
        if self._lane is not None:
            self._lane.use(snapshot)
            self._lane.pipeline.snapshot = snapshot
            self._lane.pipeline.meters = meters
        else:
            loop = asyncio.get_running_loop()
            pipeline = Pipeline(snapshot, self._keys, self._audit, meters)
            pipeline.failures = self._failures
            lane = Lane(loop, self._settings, pipeline, self._handler, self._handed_over)
            lane.use(snapshot)
            self._lane = lane
        self._lane.pipeline.tokens = self._tokens = tokens
        if tokens is not None:
            tokens.warm()
        self._snapshot = snapshot

    def _handler(self, peer: Peer) -> asyncio.Protocol:
        assert self._runner is not None
        assert self._runner.server is not None
        assert self._lane is not None
        assert self._door is not None
        return DoorProtocol(self._runner.server, self._door, self._lane, peer)

    async def serve(self, sock: socket.socket) -> None:
        """Accepts connections on a listening socket; returns when it does."""
        lane = self._lane
        assert lane is not None
        door = self._door = Door(lane)
        # The bare server: the door routes for itself, and a router of aiohttp's would answer what it cannot match.
        self._runner = web.ServerRunner(web.Server(door.handle, handler_cancellation=True), handle_signals=False)
        await self._runner.setup()
        if self._keeper is not None:
            # A store that does not answer does not keep the gateway from starting: the limits' declared modes hold.
            await self._keeper.start()
        lane.sweeper.start()
        self._poll = asyncio.create_task(self._follow_keys())
        context = _server_context(self._settings)
        if self._settings.proxy_protocol is not None:
            self._server = ProxiedListener(lane, sock, context, self._settings.proxy_protocol, self._metrics)
            self._server.start()
        else:
            self._server = await lane.loop.create_server(lane.protocol, sock=sock, ssl=context, backlog=_BACKLOG)

    async def drain(self, grace_s: float) -> None:
        """Stops accepting; returns when every answer has ended or the time is up."""
        lane = self._lane
        if self._server is not None:
            # What waits in the socket's queue is accepted first: one turn of the loop takes all of it.
            await asyncio.sleep(0)
            self._server.close()
        if lane is None:
            return
        lane.drain()
        assert self._runner is not None
        end = lane.loop.time() + grace_s
        while (lane.connections or lane.exchanges() or self._pending()) and lane.loop.time() < end:  # noqa: ASYNC110 - a deadline, over many connections
            await asyncio.sleep(_DRAIN_TICK_S)
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()
            await self._runner.server.shutdown(max(0.0, end - lane.loop.time()))
        await self._runner.cleanup()
        for connection in list(lane.connections):
            connection.cut()
        # One turn: what was cut says so to its exchange, which may go on without a client. None goes unrecorded.
        await asyncio.sleep(0)
        for exchange in lane.exchanges():
            exchange.end(Refusal(UNAVAILABLE, "The gateway is shutting down."))
        if self._poll is not None:
            self._poll.cancel()
        if self._keeper is not None:
            await self._keeper.stop()
        if self._tokens is not None:
            self._tokens.close()
        await self._fetcher.close()
        lane.sweeper.stop()
        lane.pools.close()
        self._reservations.close()

    async def _follow_keys(self) -> None:
        assert self._lane is not None
        loop = asyncio.get_running_loop()
        polled = recorded = loop.time()
        seen = self._keys.generation
        while True:
            await asyncio.sleep(_FOLLOW_KEYS_S)
            try:
                if loop.time() >= polled + _POLL_KEYS_S:
                    polled = loop.time()
                    self._keys.poll()
                trusted = self._keys.check_trust()
                generation = self._keys.follow()
                # While nothing can be told, what runs goes on: it was admitted when it could be.
                if generation != seen and trusted:
                    ended = self._lane.end_revoked(self._keys.is_revoked)
                    seen = generation
                    if ended:
                        log.info("%d running answers of revoked keys are ended", ended)
                if loop.time() >= recorded + _RECORD_USE_S:
                    recorded = loop.time()
                    used = self._keys.take_used()
                    if used:
                        await asyncio.to_thread(record_use, self._settings.state_dir, used, time.time())
            except Exception:
                log.exception("the key store could not be polled")


def _server_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    context.set_alpn_protocols(["http/1.1"])
    if settings.tls_client_ca is not None:
        context.load_verify_locations(settings.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if settings.tls_client_cert == "required" else ssl.CERT_OPTIONAL
        # A session that is resumed would bring a certificate along that is not verified anew.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    return context
