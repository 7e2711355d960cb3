"""The fast lane: a client connection on a bare transport, for the JSON endpoints.

Theory of operation. Between two requests the connection looks at the head of the next. If method and path are of the
fast lane, llhttp parses the request and the pipeline's phases run on it, synchronously, up to the write upstream.
If not, the connection is handed to aiohttp with all that was read, and stays there. A head is looked at only when it is
there as a whole, so one look decides. A request that is plain and whole is read by the `plainhead` kernel, which takes
a part of what llhttp takes and reads it the same way.

One request at a time: what a client sends ahead waits, bounded, until the answer before it is written.

Stages and their deadlines:
    IDLE    between requests                     keep-alive time, then closed
    HEAD    a head has begun                     408
    WAIT    a phase asks the network             that of what is asked; what comes meanwhile waits
    BODY    head accepted, body on its way       408
    BUSY    the exchange runs                    the exchange's own
    SEND    the client does not read its answer  cut
    LINGER  refused before its body was read     what comes is dropped until the client has seen the answer

Failure modes. A head that llhttp or the checks here refuse is answered with 400 (or 431, 413, 417) and the connection
ends, because where the next request begins cannot be known. A client that leaves, or half-closes, cancels its exchange.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from engine._fast.message import message
from engine._fast.plainhead import head_end, line_end
from engine.errors import BAD_REQUEST, CLIENT_GONE, HEADERS_TOO_LARGE, REQUEST_TIMEOUT, Refusal
from engine.pipeline.forward import Outgoing, query
from engine.pipeline.phases import internal_error
from engine.proxy.headers import status_line
from engine.proxy.peer import Peer, peer_address, peer_certificate
from engine.proxy.relay import Exchange
from engine.proxy.request import RequestReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from engine.identity.certificate import Certificate
    from engine.pipeline.context import RequestContext
    from engine.policy.snapshot import Endpoint
    from engine.proxy.lane import Lane

log = logging.getLogger(__name__)

IDLE, HEAD, BODY, BUSY, SEND, LINGER, WAIT = range(7)

# What a client may send ahead of its answers: one request of the usual size. More waits in the kernel's buffers.
MAX_AHEAD: Final = 64 * 1024
# How long, and how much, is read after a refusal that came before the body's end. A close with unread bytes in the
# kernel's buffer resets the connection and can take the answer with it (RFC 9112, section 9.6).
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 1 << 20

# The deadline of what has a time-out of its own.
_NEVER: Final = float("inf")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_CR: Final = 13
_LF: Final = 10


class Downstream:
    """One client connection: an asyncio protocol, and the sink of its exchanges."""

    __slots__ = (
        "_address",
        "_address_text",
        "_ahead",
        "_certificate",
        "_close",
        "_ctx",
        "_exchange",
        "_held",
        "_lane",
        "_partial",
        "_paused",
        "_query",
        "_request",
        "_seen",
        "_stage",
        "_told",
        "_transport",
        "_waiting",
        "deadline",
    )

    def __init__(self, lane: Lane, told: tuple[bytes, str] | None = None) -> None:
        """`told`: the client's address, where the peer is a proxy that said so before."""
        self._lane = lane
        self._told = told
        self._certificate: Certificate | None = None
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._address = b""
        self._address_text = ""
        self._stage = IDLE
        self.deadline = 0.0
        self._request = RequestReader()
        self._partial = bytearray()
        self._ahead = bytearray()
        self._held: list[bytes] = []
        self._seen = 0
        self._close = self._paused = False
        self._ctx: RequestContext | None = None
        self._exchange: Exchange | None = None
        self._query = b""
        self._waiting: asyncio.Task[None] | None = None

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._address, self._address_text = self._told or peer_address(transport)
        self._certificate = peer_certificate(transport)
        self.deadline = self._lane.sweeper.now + self._lane.idle_timeout
        if not self._lane.enter(self):
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._lane.leave(self)
        exchange, self._exchange = self._exchange, None
        ctx, self._ctx = self._ctx, None
        if self._waiting is not None:
            self._waiting.cancel()
        if exchange is not None:
            exchange.cancel()
        elif ctx is not None and not ctx.closed:
            ctx.reason = CLIENT_GONE.code
            self._lane.pipeline.close(ctx, CLIENT_GONE.status, False)

    def eof_received(self) -> None:
        # A half-closed client is taken for one that has left: nearly all are, and the upstream's work costs money.
        return None

    def pause_writing(self) -> None:
        self._paused = True
        if self._exchange is not None:
            self._exchange.pause()
        self.deadline = self._lane.sweeper.now + self._lane.send_timeout

    def resume_writing(self) -> None:
        self._paused = False
        if self._exchange is not None:
            self._exchange.resume()
            self.deadline = 0.0
        elif self._stage == SEND:
            self._stage = IDLE
            self.deadline = self._lane.sweeper.now + self._lane.idle_timeout

    def data_received(self, data: bytes) -> None:
        stage = self._stage
        if stage in (BUSY, SEND, WAIT):
            self._hold(data)
        elif stage == BODY:
            self._feed(data)
        elif stage == LINGER:
            self._seen += len(data)
            if self._seen > LINGER_BYTES:
                self._transport.abort()
        else:
            self._head(data)
            if self._ahead:
                self._take_ahead()

    def _take_ahead(self) -> None:
        """Takes up what was sent ahead: in a loop, not by recursion from the end of an answer."""
        while self._stage == IDLE and self._ahead and not self._transport.is_closing():
            held, self._ahead = bytes(self._ahead), bytearray()
            self._transport.resume_reading()
            self._head(held)

    def _hold(self, data: bytes) -> None:
        self._ahead += data
        if len(self._ahead) > MAX_AHEAD:
            self._transport.pause_reading()

    def on_deadline(self, now: float) -> None:
        """Called by the sweeper when the stage has lasted too long."""
        if self._paused:
            log.debug("a client did not read its answer in time")
            self._transport.abort()
        elif self._stage == BUSY:
            # Requests in work are timed by their exchange; it is looked at on every sweep.
            exchange = self._exchange
            if exchange is not None and exchange.deadline <= now:
                exchange.on_deadline(now)
        elif self._stage == HEAD or self._stage == BODY:
            self._refuse_early(Refusal(REQUEST_TIMEOUT, "The request did not arrive in time."))
        else:
            self._transport.close()

    # a request's head

    def _head(self, data: bytes) -> None:
        """Takes bytes that stand where a request begins. Returns with the request under way, answered or awaited."""
        if self._partial:
            # Only the new bytes, and the three before them, can hold the end that was not there yet.
            searched = max(0, len(self._partial) - 3)
            self._partial += data
            end = self._partial.find(_HEAD_END, searched)
            if end < 0:
                self._await_head()
                return
            data = bytes(self._partial)
            self._partial.clear()
        else:
            if data[0] == _CR or data[0] == _LF:
                # RFC 9112, section 2.2: empty lines before a request are ignored.
                data = data.lstrip(b"\r\n")
                if not data:
                    return
            end = head_end(data)
            if end < 0:
                self._partial += data
                self._stage = HEAD
                self.deadline = self._lane.sweeper.now + self._lane.header_timeout
                self._await_head()
                return
        if end > self._lane.max_header:
            self._refuse_early(Refusal(HEADERS_TOO_LARGE, "The request's head is too large."))
            return
        line = data[: line_end(data)]
        endpoint = self._lane.endpoint(line)
        if endpoint is None:
            self._hand_over(data, end)
        else:
            self._begin(line, endpoint, data, end)

    def _await_head(self) -> None:
        partial = self._partial
        if len(partial) > self._lane.max_header:
            self._refuse_early(Refusal(HEADERS_TOO_LARGE, "The request's head is too large."))
        elif partial.count(b"\n") != partial.count(b"\r\n"):
            self._refuse_early(Refusal(BAD_REQUEST, "The request is not valid HTTP: lines end in CR LF."))
        elif not partial[:1].isupper():
            # A client that speaks TLS, say: no head will ever come.
            self._refuse_early(Refusal(BAD_REQUEST, "The request is not valid HTTP: it begins with a method."))

    def _hand_over(self, data: bytes, end: int) -> None:
        """Gives the connection to aiohttp, after llhttp's strict reading of the head, so that both doors agree."""
        try:
            HttpRequestParser(_Ignore()).feed_data(data[: end + 4])
        except HttpParserUpgrade:
            # So httptools reports a valid request to upgrade; it is aiohttp's to answer.
            pass
        except HttpParserError:
            self._partial += data[:256]
            self._refuse_early(Refusal(BAD_REQUEST, "The request is not valid HTTP."))
            return
        self._lane.leave(self)
        handler = self._lane.door(Peer(self._address, self._address_text, self._certificate))
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(data)

    def _begin(self, line: bytes, endpoint: Endpoint, data: bytes, end: int) -> None:
        request = self._request
        self._exchange = None
        self._close = False
        fault: str | None = None
        if request.take_plain(line, data, end):
            self._query = b""
        else:
            fault = request.take(line, data, end)
            target = line.split(b" ", 2)[1]
            self._query = query(target) if target.find(b"?") >= 0 else b""
        ctx = self._ctx = self._lane.pipeline.open(
            "POST", endpoint.path, endpoint, request.headers, self._address, self._address_text
        )
        if fault is not None:
            self._refuse(ctx, Refusal(BAD_REQUEST, fault), True)
            return
        self._keep_rest()
        self._decide(ctx)

    def _keep_rest(self) -> None:
        """Sets aside what came after the request in the same read."""
        request = self._request
        self._close = self._close or request.closes
        if request.rest:
            self._ahead[:0] = request.rest
            request.rest = b""

    def _decide(self, ctx: RequestContext) -> None:
        """Goes on with a request whose head was read."""
        if self._certificate is not None:
            ctx.certificate = self._certificate
        try:
            self._request.check(ctx.snapshot.max_body)
            pending = self._lane.pipeline.head(ctx)
        except Refusal as refusal:
            # After a head that has two readings nobody knows where the next one begins.
            self._refuse(ctx, refusal, refusal.kind is BAD_REQUEST or not self._request.complete)
            return
        except Exception:
            self._fail(ctx)
            return
        if pending is not None:
            self._wait(self._wait_head(ctx, pending))
        elif self._request.complete:
            self._submit(ctx)
        else:
            self._await_body()

    def _wait(self, rest: Coroutine[object, object, None]) -> None:
        """Runs the rest of a request that waits for the network; it ends with the connection."""
        self._stage = WAIT
        self.deadline = _NEVER
        self._waiting = self._lane.loop.create_task(rest)

    def _await_body(self) -> None:
        self._stage = BODY
        self.deadline = self._lane.sweeper.now + self._lane.body_timeout
        if self._request.expects:
            self._transport.write(_CONTINUE)

    async def _wait_head(self, ctx: RequestContext, pending: Awaitable[None]) -> None:
        """Goes on with a request once its head is decided; what came of it meanwhile was held."""
        try:
            await pending
        except Refusal as refusal:
            self._waiting = None
            self._refuse(ctx, refusal, not self._request.complete)
            return
        except Exception:
            self._waiting = None
            self._fail(ctx)
            return
        self._waiting = None
        if self._request.complete:
            self._submit(ctx)
            return
        self._await_body()
        if self._ahead:
            held, self._ahead = bytes(self._ahead), bytearray()
            self._transport.resume_reading()
            self._feed(held)

    # its body

    def _feed(self, data: bytes) -> None:
        ctx, request = self._ctx, self._request
        assert ctx is not None
        fault = request.feed(data)
        if fault is not None:
            self._refuse(ctx, Refusal(BAD_REQUEST, fault), True)
            return
        try:
            request.check_body(ctx.snapshot.max_body)
        except Refusal as refusal:
            self._refuse(ctx, refusal, True)
            return
        if request.complete:
            self._keep_rest()
            self._submit(ctx)

    def _submit(self, ctx: RequestContext) -> None:
        lane = self._lane
        body = self._request.take_body()
        self._stage = BUSY
        # In this stage every sweep looks at the exchange.
        self.deadline = 0.0
        try:
            out = lane.pipeline.body(ctx, body, self._query)
        except Refusal as refusal:
            self._refuse(ctx, refusal, False)
            return
        except Exception:
            self._fail(ctx)
            return
        if isinstance(out, Outgoing):
            self._start(ctx, out)
        else:
            self._wait(self._wait_body(ctx, out))

    async def _wait_body(self, ctx: RequestContext, pending: Awaitable[Outgoing]) -> None:
        """Goes on with a request once its limits are taken."""
        try:
            out = await pending
        except Refusal as refusal:
            self._waiting = None
            self._refuse(ctx, refusal, False)
            return
        except Exception:
            self._waiting = None
            self._fail(ctx)
            return
        self._waiting = None
        self._stage = BUSY
        self.deadline = 0.0
        self._start(ctx, out)

    def _start(self, ctx: RequestContext, out: Outgoing) -> None:
        lane = self._lane
        try:
            pool = lane.pools.get(out.upstream)
        except Exception:
            # Of an upstream that a newer policy has changed, whose CA file is gone.
            self._fail(ctx)
            return
        exchange = self._exchange = Exchange(lane.pipeline, ctx, out, pool, self, lane.sweeper, lane.max_answer)
        exchange.start()

    # refusals

    def _refuse_early(self, refusal: Refusal) -> None:
        """Refuses what is not known to be a request of any endpoint, or did not arrive in time; ends the connection."""
        ctx = self._ctx
        if ctx is None:
            line = bytes(self._partial[:256]).split(b"\r\n", 1)[0].split(b" ")
            path = line[1].partition(b"?")[0].decode("latin-1") if len(line) > 1 else ""
            method = line[0].decode("latin-1") if line[0].isalpha() and len(line[0]) < 20 else ""
            ctx = self._lane.pipeline.open(method, path, None, {}, self._address, self._address_text)
        self._partial.clear()
        self._refuse(ctx, refusal, True)

    def _fail(self, ctx: RequestContext) -> None:
        log.exception("request %s failed", ctx.id)
        self._refuse(ctx, internal_error(), True)

    def _refuse(self, ctx: RequestContext, refusal: Refusal, close: bool) -> None:
        reply = self._lane.pipeline.refuse(ctx, refusal)
        self._ctx = ctx
        linger = close and not self._request.complete
        self._close = self._close or close
        self._write_reply(reply.status, reply.headers, reply.body)
        self._lane.pipeline.close(ctx, reply.status, False, len(reply.body))
        self._ctx = None
        if not linger:
            self._finish()
            return
        self._stage = LINGER
        self._seen = 0
        # What came while the request waited is dropped too, and more is read.
        self._ahead.clear()
        self._transport.resume_reading()
        self.deadline = self._lane.sweeper.now + LINGER_SECONDS
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # the sink of an exchange

    def reply(self, status: int, headers: bytes, body: bytes) -> None:
        self._write_reply(status, headers, body)
        self._finish()

    def _write_reply(self, status: int, headers: bytes, body: bytes) -> None:
        self._transport.write(
            message((status_line(status), headers, self._lane.clock.line), body, self._close),
        )

    def begin(self, status: int, headers: bytes) -> None:
        if self._request.is_http10:
            framing = b"connection: close\r\n"
        elif self._close:
            framing = b"transfer-encoding: chunked\r\nconnection: close\r\n"
        else:
            framing = b"transfer-encoding: chunked\r\n"
        self._held.append(b"%b%b%b%b\r\n" % (status_line(status), headers, self._lane.clock.line, framing))

    def write(self, data: bytes) -> None:
        self._held.append(data if self._request.is_http10 else b"%x\r\n%b\r\n" % (len(data), data))

    def flush(self) -> None:
        held = self._held
        if held:
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))
            held.clear()

    def end(self) -> None:
        if not self._request.is_http10:
            self._held.append(b"0\r\n\r\n")
        self.flush()
        self._finish()

    def abort(self) -> None:
        self.flush()
        self._exchange = None
        self._ctx = None
        self._transport.abort()

    def _finish(self) -> None:
        """The answer is written: the connection ends, or is ready for the next request."""
        self._exchange = None
        self._ctx = None
        if self._close or self._lane.draining:
            self._transport.close()
            return
        if self._paused:
            # Deadline: that of the write that the client has not taken yet.
            self._stage = SEND
            return
        self._stage = IDLE
        self.deadline = self._lane.sweeper.now + self._lane.idle_timeout
        if self._ahead:
            # The answer may have come in a call from the upstream's side: no data_received will follow it by itself.
            self._lane.loop.call_soon(self._take_ahead)

    @property
    def running(self) -> Exchange | None:
        """The exchange that is under way."""
        return self._exchange

    def drain(self) -> None:
        """No further request on this connection; one under way is answered."""
        if self._stage == IDLE:
            self._transport.close()

    def cut(self) -> None:
        """Ends the connection now, whatever runs on it."""
        self._transport.abort()


class _Ignore:
    """A parser's protocol that wants nothing."""
