"""Connections to one upstream: HTTP/1.1, pooled, one request at a time on each.

Theory of operation. A request is written to an idle connection if there is one, else a new one is made, up to
`max_connections` in this worker; past that, requests wait in line, bounded. An answer is parsed by llhttp, or, where it
is plain and came as a whole, by the `plainhead` kernel; its head and body go to the exchange that asked. The connection
returns to the pool only after an answer that was complete, framed without doubt and followed by nothing.

A request is written once. If the connection breaks after any byte of it was written, the exchange fails: the upstream
may have done the work already, and repeating a POST could charge twice (RFC 9110, section 9.2.2). To keep the race with
an upstream that closes an idle connection rare, idle connections are dropped after a time below the usual server's.

Answers that are refused: an invalid head, more than 64 KiB of head, more than 8 informational answers, 101, bytes after
the end, an end before the promised length.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpResponseParser

from engine._fast.plainhead import PlainHead, head_end, line_end, plain_status

if TYPE_CHECKING:
    from engine.policy.upstreams import UpstreamConfig
    from engine.proxy.deadlines import Sweeper
    from engine.proxy.relay import Exchange

log = logging.getLogger(__name__)

MAX_HEAD = 64 * 1024
MAX_INFORMATIONAL = 8
# How many requests may wait for a connection, for each connection that there may be: one round of waiting.
WAITING_PER_CONNECTION = 4
# One for the process: what it reads is taken from it at once.
_plain = PlainHead()


class UpstreamConnection:
    """One connection. Owned by its pool; while a request runs on it, also by that request's exchange."""

    __slots__ = (
        "_begun",
        "_body",
        "_complete",
        "_framed",
        "_headed",
        "_headers",
        "_informational",
        "_parser",
        "_received",
        "_reusable",
        "_status",
        "deadline",
        "exchange",
        "pool",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.exchange: Exchange | None = None
        self.deadline = 0.0
        self.transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._begun = self._headed = self._complete = self._framed = self._reusable = False
        self._status = self._received = self._informational = 0

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, exchange: Exchange, data: bytes) -> None:
        """Writes a request. The connection must be idle."""
        assert self.transport is not None
        assert self.exchange is None
        self.exchange = exchange
        self._headers = {}
        self._begun = self._headed = self._complete = self._framed = self._reusable = False
        self._received = self._informational = 0
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            # Bytes that nobody asked for: whatever they are, the next answer could not be told from them.
            self.close()
            return
        if not self._headed:
            self._received += len(data)
            if self._received > MAX_HEAD and b"\r\n\r\n" not in data:
                self._fail("its head is too large")
                return
        if not self._headed and self._received == len(data) and self._take_plain(exchange, data):
            return
        was_headed = self._headed
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            # What came before the fault is not used: it may be the fault's other half.
            self._fail(f"it is not valid HTTP ({type(error).__name__})")
            return
        if self._informational > MAX_INFORMATIONAL:
            self._fail("too many informational answers")
            return
        if not self._headed:
            return
        if not was_headed:
            if self._status == 101:
                self._fail("it switches protocols")
                return
            if self._headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
                # Another coding would have to be undone, and one that is not understood may hide where the end is.
                self._fail("it is framed by another coding than chunked")
                return
            exchange.on_head(self._status, self._headers)
        if self._body and self.exchange is exchange:
            chunks, self._body = self._body, []
            for chunk in chunks:
                if self.exchange is exchange:
                    exchange.on_data(chunk)
        if self.exchange is exchange:
            if self._complete:
                self._finish(exchange)
            else:
                exchange.flush()

    def _take_plain(self, exchange: Exchange, data: bytes) -> bool:
        """Takes an answer that is plain and came as a whole in one read, without llhttp. False: nothing was taken."""
        end = head_end(data)
        start = line_end(data) + 2
        status = plain_status(data, start)
        if end < 0 or status == 0:
            return False
        if not _plain.read(data, start, end) or _plain.length != len(data) - end - 4:
            return False
        self._status = status
        fields = self._headers = _plain.fields
        self._headed = self._framed = self._reusable = self._complete = True
        exchange.on_head(status, fields)
        if len(data) > end + 4 and self.exchange is exchange:
            exchange.on_data(data[end + 4 :])
        if self.exchange is exchange:
            self._finish(exchange)
        return True

    def _finish(self, exchange: Exchange) -> None:
        self.exchange = None
        if self._begun or not self._reusable:
            self.close()
        else:
            self.pool.release(self)
        exchange.on_end()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self.pool.lost(self)
        exchange = self.exchange
        if exchange is None:
            return
        self.exchange = None
        if self._headed and not self._framed and error is None and not self._complete:
            # Neither Content-Length nor chunked: the end of the connection is the end (RFC 9112, section 6.3, rule 8).
            exchange.on_end()
        else:
            exchange.on_broken("the connection was lost before the answer's end")

    def _fail(self, reason: str) -> None:
        exchange, self.exchange = self.exchange, None
        self.abort()
        if exchange is not None:
            exchange.on_broken(reason)

    def abort(self) -> None:
        """Ends the connection at once, and with it what runs on it."""
        self.exchange = None
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def on_deadline(self, now: float) -> None:
        self.pool.drop(self)
        self.close()

    # llhttp: callbacks only take notes, because an exception in one would surface as a parser's error

    def on_message_begin(self) -> None:
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headed:
            # A trailer: what comes after a body says nothing about the answer.
            return
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._framed = True
            if name in self._headers:
                value = b"twice"
                self._headers[name] = value
        self._headers.setdefault(name, value)

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._informational += 1
            self._headers = {}
            self._framed = False
            return
        self._status = status
        self._headed = True
        self._begun = False

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self._complete = True
            # Asked here: once the message is over, llhttp has forgotten how it was framed.
            self._reusable = self._parser.should_keep_alive()


class Pool:
    """The connections of one worker to one upstream."""

    __slots__ = ("_connecting", "_idle", "_keepalive", "_loop", "_ssl", "_sweeper", "_total", "_waiting", "config")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        config: UpstreamConfig,
        context: ssl.SSLContext | None,
        sweeper: Sweeper,
        keepalive: float,
    ) -> None:
        self.config = config
        self._loop = loop
        self._ssl = context
        self._sweeper = sweeper
        self._keepalive = keepalive
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Exchange] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._total = 0

    def submit(self, exchange: Exchange) -> bool:
        """Gives the exchange a connection, now or later (`Exchange.on_connection`). False: the line is full."""
        connection = self._take()
        if connection is not None:
            exchange.on_connection(connection)
            return True
        if self._total < self.config.max_connections:
            self._connect(exchange)
            return True
        if len(self._waiting) >= self.config.max_connections * WAITING_PER_CONNECTION:
            return False
        self._waiting.append(exchange)
        return True

    def _take(self) -> UpstreamConnection | None:
        """The idle connection used last: it is the least likely to be closed by the other side just now."""
        while self._idle:
            connection = self._idle.pop()
            self._sweeper.items.discard(connection)
            if connection.transport is not None and not connection.transport.is_closing():
                return connection
        return None

    def release(self, connection: UpstreamConnection) -> None:
        """Takes back a connection whose answer is complete."""
        while self._waiting:
            exchange = self._waiting.popleft()
            if exchange.wants_connection:
                exchange.on_connection(connection)
                return
        connection.deadline = self._sweeper.now + self._keepalive
        self._idle.append(connection)
        self._sweeper.items.add(connection)

    def drop(self, connection: UpstreamConnection) -> None:
        """Forgets an idle connection that is about to be closed."""
        self._sweeper.items.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        self.drop(connection)
        self._total -= 1
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self._total < self.config.max_connections:
            exchange = self._waiting.popleft()
            if exchange.wants_connection:
                self._connect(exchange)

    def _connect(self, exchange: Exchange) -> None:
        self._total += 1
        task = self._loop.create_task(self._open(exchange))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def _protocol(self) -> asyncio.BaseProtocol:
        # A protocol by its shape: a compiled class cannot inherit from asyncio's.
        return cast("asyncio.BaseProtocol", UpstreamConnection(self))

    async def _open(self, exchange: Exchange) -> None:
        """Connects for one exchange. If that is gone by then, the connection serves another, or waits."""
        config = self.config
        try:
            async with asyncio.timeout(config.connect_timeout):
                _, protocol = await self._loop.create_connection(
                    self._protocol,
                    config.host,
                    config.port,
                    ssl=self._ssl,
                    server_hostname=config.host if self._ssl is not None else None,
                )
        except TimeoutError:
            self._failed()
            exchange.on_connect_timeout()
        except (OSError, ssl.SSLError) as error:
            self._failed()
            log.warning("upstream %s: cannot connect: %s", config.name, error)
            exchange.on_unreachable()
        else:
            connection = cast("UpstreamConnection", protocol)
            if exchange.wants_connection:
                exchange.on_connection(connection)
            else:
                self.release(connection)

    def _failed(self) -> None:
        self._total -= 1
        self._serve_waiting()

    def close(self) -> None:
        """Closes idle connections; those in use end with their exchange."""
        for connection in list(self._idle):
            connection.on_deadline(0.0)
