"""What all fast-lane connections of a worker share: the pipeline, the pools, the clock, the bounds, and each other."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol, cast

from engine.errors import REVOKED, Refusal
from engine.proxy.deadlines import Sweeper
from engine.proxy.downstream import Downstream
from engine.proxy.headers import Clock
from engine.proxy.relay import Exchange
from engine.proxy.upstream import Pool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from engine.identity.principal import Principal
    from engine.pipeline.phases import Pipeline
    from engine.policy.snapshot import Endpoint, Snapshot
    from engine.policy.upstreams import UpstreamConfig
    from engine.proxy.peer import Peer
    from engine.settings import Settings


_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")


class RelayedSocket(Protocol):
    """A WebSocket that is under way."""

    principal: Principal | None

    def end(self, refusal: Refusal) -> None:
        """End it from outside."""


class Pools:
    """The upstream pools of a worker, one for each configuration of an upstream that is in use."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, sweeper: Sweeper) -> None:
        self._loop = loop
        self._settings = settings
        self._sweeper = sweeper
        self._pools: dict[str, Pool] = {}

    def use(self, snapshot: Snapshot) -> None:
        """Makes the pools of a policy and closes the idle connections of those it does not name.

        Raises OSError or ssl.SSLError where a CA file cannot be read; then nothing has changed.
        """
        pools = {}
        for name, config in snapshot.upstreams.items():
            pool = self._pools.get(name)
            if pool is None or pool.config != config:
                pool = Pool(self._loop, config, self.context(config), self._sweeper, self._settings.upstream_keepalive)
            pools[name] = pool
        old, self._pools = self._pools, pools
        for name, pool in pools.items():
            # Requests find their pool by the identity of its configuration, which costs less than comparing it.
            pool.config = snapshot.upstreams[name]
        for name, pool in old.items():
            if pools.get(name) is not pool:
                pool.close()

    def context(self, config: UpstreamConfig) -> ssl.SSLContext | None:
        """How an upstream is verified; None for plain HTTP."""
        if config.scheme != "https":
            return None
        return ssl.create_default_context(cafile=config.ca_file or self._settings.upstream_ca)

    def get(self, config: UpstreamConfig) -> Pool:
        """The pool of an upstream; of one that a running request still knows from an older policy, a new one."""
        pool = self._pools.get(config.name)
        if pool is None or (pool.config is not config and pool.config != config):
            return Pool(self._loop, config, self.context(config), self._sweeper, 0.0)
        return pool

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class Lane:
    """See the module.

    `door` makes an aiohttp handler for a connection that is handed over, `handed_over` counts those.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        pipeline: Pipeline,
        door: Callable[[Peer], asyncio.Protocol],
        handed_over: Callable[[], int],
    ) -> None:
        self.loop = loop
        self.pipeline = pipeline
        self.door = door
        self._handed_over = handed_over
        self.sweeper = Sweeper(loop)
        self.pools = Pools(loop, settings, self.sweeper)
        self.clock = Clock()
        self.sweeper.items.add(self.clock)
        self.draining = False
        self.idle_timeout = settings.idle_timeout
        self.header_timeout = settings.header_timeout
        self.body_timeout = settings.body_timeout
        self.send_timeout = settings.send_timeout
        self.max_header = settings.max_header_bytes
        self.max_answer = settings.max_answer_bytes
        self._max_connections = settings.max_connections
        self.client_certificates = settings.tls_client_ca is not None
        self.connections: set[Downstream] = set()
        self.sockets: set[RelayedSocket] = set()
        self._hot: dict[bytes, Endpoint] = {}

    def use(self, snapshot: Snapshot) -> None:
        """Routes by a new policy from the next request on."""
        self.pools.use(snapshot)
        self._hot = {
            b"POST %b %b" % (path.encode(), version): endpoint
            for path, endpoint in snapshot.endpoints.items()
            if endpoint.is_hot and "POST" in endpoint.methods
            for version in _VERSIONS
        }

    def endpoint(self, line: bytes) -> Endpoint | None:
        """The fast-lane endpoint of a request line, or None. The path is compared exactly: no decoding, no case."""
        found = self._hot.get(line)
        if found is None and line.endswith(_VERSIONS):
            path, query, _ = line.partition(b"?")
            if query:
                found = self._hot.get(path + line[-9:])
        return found

    def protocol(self, told: tuple[bytes, str] | None = None) -> asyncio.BaseProtocol:
        """The protocol of a new client connection. `told`: whose it is, where its peer is a proxy that said so."""
        # A protocol by its shape: a compiled class cannot inherit from asyncio's.
        return cast("asyncio.BaseProtocol", Downstream(self, told))

    def has_room(self, more: int) -> bool:
        """Whether one more connection may come, beside those there are and `more`."""
        return len(self.connections) + self._handed_over() + more < self._max_connections

    def enter(self, connection: Downstream) -> bool:
        """Registers a connection. False: there are too many."""
        if not self.has_room(0):
            return False
        self.connections.add(connection)
        self.sweeper.items.add(connection)
        return True

    def leave(self, connection: Downstream) -> None:
        self.connections.discard(connection)
        self.sweeper.items.discard(connection)

    def exchanges(self) -> list[Exchange]:
        """Those that no connection of the fast lane has: of the other door, and without a client."""
        return [item for item in self.sweeper.items if isinstance(item, Exchange)]

    def end_revoked(self, is_revoked: Callable[[Principal], bool]) -> int:
        """Ends what runs for principals whose credential is revoked. How many of it."""
        running: list[Exchange | RelayedSocket] = [*self.sockets]
        running += self.exchanges()
        running += [found for connection in self.connections if (found := connection.running) is not None]
        principals = {item.principal for item in running if item.principal is not None}
        revoked = {principal for principal in principals if is_revoked(principal)}
        ended = [item for item in running if item.principal in revoked]
        for item in ended:
            item.end(Refusal(REVOKED, "The credential was revoked."))
        return len(ended)

    def drain(self) -> None:
        """No further requests: idle connections close now, the others after their answer."""
        self.draining = True
        for connection in list(self.connections):
            connection.drain()
