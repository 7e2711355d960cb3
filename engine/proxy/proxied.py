"""A listener whose connections come from proxies that say whose they are (PROXY protocol).

Theory of operation. The header is taken off the socket before a transport is made of it: what is waiting is peeked at,
and only what belongs to the header is read. So nothing that follows is ever in the wrong hands, and TLS begins, where
it is spoken, with an untouched socket. A connection then goes the way of any other, with the address it was told.

Rules. Only peers in `trusted` are listened to; any other connection is closed. So is one whose header is not there
whole within the head's time-out, or is refused (engine.proxy.proxy_protocol). Each is counted, and logged now and then.

Connections that are still without a header count against the worker's bound on connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterable
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from engine._fast.cidr import Prefixes
from engine.access.address import format_address, parse_address
from engine.proxy.proxy_protocol import LONGEST, HeaderError, HeaderReader

if TYPE_CHECKING:
    import ssl

    from engine.proxy.lane import Lane
    from engine.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

# Accepted in one go, before the loop turns to others.
_AT_ONCE: Final = 64
_LONGEST_QUEUE: Final = 4096
# No descriptors are left: how long until it is tried again, in seconds.
_PAUSE_S: Final = 1.0
# The first refusals are logged, then one of so many: a port that is scanned would fill the log.
_LOGGED: Final = 10
_LOG_EVERY: Final = 1000


class ProxiedListener:
    """Accepts connections for `lane` on a listening socket, which is closed with it. `trusted`: networks of proxies."""

    def __init__(
        self,
        lane: Lane,
        sock: socket.socket,
        context: ssl.SSLContext | None,
        trusted: Iterable[str],
        metrics: Metrics | None = None,
    ) -> None:
        self._lane = lane
        self._socket = sock
        self._context = context
        self._trusted = Prefixes(
            [(network.network_address.packed, network.prefixlen, 0) for network in map(ip_network, trusted)]
        )
        self._waiting: set[_Waiting] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused = 0
        self._metrics = metrics
        self._series = metrics.counter("tidegate_proxy_protocol_refused_total") if metrics is not None else 0
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Accept from now on."""
        self._socket.setblocking(False)
        self._lane.loop.add_reader(self._socket, self._accept)

    @property
    def pending(self) -> int:
        """Connections without their header, or in their TLS handshake."""
        return len(self._waiting) + len(self._tasks)

    def close(self) -> None:
        """Accept no more, after what waits in the socket's queue. What is pending goes on."""
        if self._closed:
            return
        if self._pause is None:
            self._lane.loop.remove_reader(self._socket)
            with contextlib.suppress(OSError):
                # As often as it takes to empty the longest queue.
                any(not self._accept_some() for _ in range(_LONGEST_QUEUE // _AT_ONCE))
        else:
            self._pause.cancel()
        self._closed = True
        self._socket.close()

    def _accept(self) -> None:
        try:
            self._accept_some()
        except OSError as error:
            log.error("no connection can be accepted: %s", error)
            self._lane.loop.remove_reader(self._socket)
            self._pause = self._lane.loop.call_later(_PAUSE_S, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self.start()

    def _accept_some(self) -> bool:
        """Whether there may be more. Raises OSError where there is no room for another descriptor."""
        for _ in range(_AT_ONCE):
            try:
                connection, peer = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return False
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            address = parse_address(peer[0])
            if address is None or self._trusted.match(address) < 0:
                self._refuse(connection, peer[0], "it is not a proxy of TIDEGATE_PROXY_PROTOCOL")
            elif not self._lane.has_room(self.pending):
                connection.close()
            else:
                self._waiting.add(_Waiting(self, connection, peer[0], address))
        return True

    def _refuse(self, connection: socket.socket, peer: str, reason: str) -> None:
        self._refused += 1
        if self._metrics is not None:
            self._metrics.add(self._series)
        if self._refused <= _LOGGED or self._refused % _LOG_EVERY == 0:
            log.warning("connection %d of those refused, from %s: %s", self._refused, peer, reason)
        # Last: who sees the end may look at the count.
        connection.close()

    def _settle(self, waiting: _Waiting, reason: str | None) -> None:
        """A connection's header was read, or (with a reason) not."""
        self._waiting.discard(waiting)
        if reason is not None:
            self._refuse(waiting.connection, waiting.peer, reason)
            return
        task = self._lane.loop.create_task(self._begin(waiting.connection, waiting.address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, connection: socket.socket, address: bytes) -> None:
        lane, told = self._lane, (address, format_address(address))
        try:
            await lane.loop.connect_accepted_socket(
                lambda: lane.protocol(told),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=lane.header_timeout if self._context is not None else None,
            )
        except (OSError, TimeoutError) as error:
            # A handshake that failed, or a client that has left.
            log.debug("a connection did not begin: %s", error)
            connection.close()


class _Waiting:
    """A connection whose header is not there yet. `address`: what it names, the peer's until then."""

    __slots__ = ("_listener", "_reader", "_timer", "address", "connection", "peer")

    def __init__(self, listener: ProxiedListener, connection: socket.socket, peer: str, address: bytes) -> None:
        self._listener = listener
        self.connection = connection
        self.peer = peer
        self.address = address
        self._reader = HeaderReader()
        loop = listener._lane.loop
        self._timer = loop.call_later(listener._lane.header_timeout, self._end, "its header did not come in time")
        loop.add_reader(connection, self._read)

    def _read(self) -> None:
        try:
            seen = self.connection.recv(LONGEST, socket.MSG_PEEK)
            if not seen:
                self._end("it ended before its header did")
                return
            size = self._reader.feed(seen)
            # Peeked bytes are there: one call takes them all.
            self.connection.recv(size)
        except (BlockingIOError, InterruptedError):
            return
        except HeaderError as error:
            self._end(str(error))
            return
        except OSError:
            self._end("it was reset")
            return
        if self._reader.done:
            if self._reader.source is not None:
                self.address = self._reader.source
            self._end(None)

    def _end(self, reason: str | None) -> None:
        self._timer.cancel()
        self._listener._lane.loop.remove_reader(self.connection)
        self._listener._settle(self, reason)
