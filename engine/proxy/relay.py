"""One exchange: a request that passed, its upstream connection, and the answer on its way to the client.

The same code for both doors. A door gives a `Sink`; the exchange asks the pool for a connection, writes the request,
takes the answer, has the pipeline sanitize it and hands it to the sink. It ends exactly once: by an answer, a refusal,
or a client that left. Then the pipeline settles and records.

How an answer is carried:
- whole: collected under a bound, sanitized, sent with a Content-Length. Everything but the two below.
- stream (`text/event-stream`): with redaction on an event leaves when it is decided, else as it comes. Usage is read.
- large, and the profile switches nothing on: passed on as it comes after `RELAY_AFTER` bytes.

Failure modes. Before the first byte to the client, a broken upstream is 502, a late one 504, in the client's dialect.
After it, a stream gets an error event and ends; anything else is cut, so that the client sees that it is not whole.
"""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING, Protocol

from engine.errors import CLIENT_GONE, UNAVAILABLE, UPSTREAM_BROKEN, UPSTREAM_TIMEOUT, Refusal
from engine.pipeline.phases import internal_error
from engine.pipeline.sanitize import EVENT_STREAM, check_answer, feed_stream, must_be_whole, open_stream
from engine.pipeline.usage import UsageTap, is_counted, read_usage

if TYPE_CHECKING:
    from engine.identity.principal import Principal
    from engine.pipeline.context import RequestContext
    from engine.pipeline.forward import Outgoing
    from engine.pipeline.phases import Pipeline
    from engine.pipeline.sanitize import StreamChain
    from engine.proxy.deadlines import Sweeper
    from engine.proxy.upstream import Pool, UpstreamConnection

log = logging.getLogger(__name__)

# An answer that nobody has to search need not be held; below this one write of the whole is cheaper.
RELAY_AFTER = 256 * 1024

_CONTENT_TYPE = b"application/json"
# zlib: take both gzip and zlib framing, by their heads.
_ANY_ZLIB = 32 + zlib.MAX_WBITS


class Sink(Protocol):
    """Where an answer goes. `headers` are lines that end in CRLF; the sink adds the fields of its framing.

    Head and parts may be held until `flush` or `end`, so that what came in one read leaves in one write: each write
    wakes the client, and the first event would wait for the head's.
    """

    def reply(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer."""

    def begin(self, status: int, headers: bytes) -> None:
        """The head of an answer whose length is not known."""

    def write(self, data: bytes) -> None:
        """A part of it."""

    def flush(self) -> None:
        """No more comes for now: what is held leaves."""

    def end(self) -> None:
        """Its proper end."""

    def abort(self) -> None:
        """An end that the client must be able to tell from a proper one."""


class Exchange:
    """See the module. `deadline` is in the loop's seconds and belongs to the stage that the exchange is in."""

    __slots__ = (
        "_answer_headers",
        "_begun",
        "_chunks",
        "_connection",
        "_ctx",
        "_decoder",
        "_media",
        "_out",
        "_paused",
        "_pipeline",
        "_pool",
        "_sent",
        "_sink",
        "_size",
        "_status",
        "_stream",
        "_sweeper",
        "_tap",
        "deadline",
        "done",
        "max_answer",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        ctx: RequestContext,
        out: Outgoing,
        pool: Pool,
        sink: Sink,
        sweeper: Sweeper,
        max_answer: int,
    ) -> None:
        self._pipeline = pipeline
        self._ctx = ctx
        self._out = out
        self._pool = pool
        self._sink = sink
        self._sweeper = sweeper
        self.max_answer = max_answer
        self.deadline = self._sweeper.now + self._out.upstream.connect_timeout
        self.done = False
        self._connection: UpstreamConnection | None = None
        self._sent = self._begun = self._paused = False
        self._status = self._size = 0
        self._media = self._answer_headers = b""
        self._chunks: list[bytes] = []
        self._stream: StreamChain | None = None
        self._tap: UsageTap | None = None
        self._decoder: zlib._Decompress | None = None

    # towards the upstream

    def start(self) -> None:
        if not self._pool.submit(self):
            self._refuse(Refusal(UNAVAILABLE, "Too many requests wait for the upstream.", retry_after=1), "queue_full")

    @property
    def wants_connection(self) -> bool:
        return not self.done and self._connection is None

    def on_connection(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self._sent = True
        self.deadline = self._sweeper.now + self._out.upstream.first_byte_timeout
        connection.send(self, self._out.data)

    def on_connect_timeout(self) -> None:
        self._refuse(Refusal(UPSTREAM_TIMEOUT, "The upstream could not be connected in time."), "connect_timeout")

    def on_unreachable(self) -> None:
        self._refuse(Refusal(UPSTREAM_BROKEN, "The upstream cannot be reached."), "unreachable")

    def on_deadline(self, now: float) -> None:
        if self._connection is None:
            self.on_connect_timeout()
        elif self._status == 0:
            self._refuse(Refusal(UPSTREAM_TIMEOUT, "The upstream did not answer in time."), "first_byte_timeout")
        elif self._paused:
            # The client reads slowly; its own time-out decides.
            self.deadline = now + self._out.upstream.idle_timeout
        else:
            self._refuse(Refusal(UPSTREAM_TIMEOUT, "The upstream fell silent in its answer."), "idle_timeout")

    def cancel(self) -> None:
        """The client has left: the upstream's work is ended at once, unless a limit has to know what it used."""
        if self.done:
            return
        if self._sent and not self._begun and not self._ctx.stream and is_counted(self._ctx):
            # The upstream does the work whether or not somebody waits for it. What it used is in its answer alone.
            self._ctx.reason = CLIENT_GONE.code
            self._sink = _Nobody()
            self._sweeper.items.add(self)
            if self._paused:
                self.resume()
            return
        self.done = True
        self._drop_connection()
        self._ctx.reason = CLIENT_GONE.code
        self._close(CLIENT_GONE.status)

    def end(self, refusal: Refusal) -> None:
        """Ends the exchange from outside: a stream with an error event, an answer that has not begun as a refusal."""
        self._refuse(refusal)

    @property
    def principal(self) -> Principal | None:
        """Whose request it is."""
        principal: Principal | None = self._ctx.principal
        return principal

    def pause(self) -> None:
        """The client reads more slowly than the upstream writes."""
        self._paused = True
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.pause_reading()

    def resume(self) -> None:
        self._paused = False
        self.deadline = self._sweeper.now + self._out.upstream.idle_timeout
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.resume_reading()

    # from the upstream

    def on_head(self, status: int, headers: dict[bytes, bytes]) -> None:
        ctx = self._ctx
        self._status = status
        self.deadline = self._sweeper.now + self._out.upstream.idle_timeout
        self._media = headers.get(b"content-type", b"application/octet-stream")
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding in (b"gzip", b"x-gzip", b"deflate"):
            self._decoder = zlib.decompressobj(_ANY_ZLIB)
        elif encoding not in (b"identity", b""):
            self._broken("it is compressed in a way that was not asked for")
            return
        if not (200 <= status < 300 or 400 <= status < 600):
            self._broken("it redirects, or its status is none")
            return
        content_type = self._media if self._media != b"application/octet-stream" else _CONTENT_TYPE
        self._answer_headers = self._pipeline.headers(ctx, content_type)
        retry_after = headers.get(b"retry-after")
        # Whole seconds, and days at the most: a date, or what else stands there, tells a client nothing it could use.
        if retry_after is not None and status >= 400 and len(retry_after) <= 6 and retry_after.isdigit():
            self._answer_headers += b"retry-after: %b\r\n" % retry_after
        if status < 300 and self._media.lower().startswith(EVENT_STREAM):
            try:
                # A stream of events is no value of a schema.
                check_answer(ctx, b"")
            except Refusal as refusal:
                self._refuse(refusal)
                return
            ctx.stream = True
            self._stream = open_stream(ctx, self.max_answer)
            self._tap = UsageTap(ctx)
            self._begin(b"cache-control: no-cache\r\n")

    def on_data(self, chunk: bytes) -> None:
        self.deadline = self._sweeper.now + self._out.upstream.idle_timeout
        try:
            if self._decoder is not None:
                chunk = self._decode(self._decoder, chunk)
            self._size += len(chunk)
            if self._begun:
                if self._tap is not None:
                    chunk = self._tap.feed(chunk)
                self._write(chunk if self._stream is None else feed_stream(self._ctx, self._stream, chunk))
            else:
                self._collect(chunk)
        except Refusal as refusal:
            self._refuse(refusal)
        except Exception:
            log.exception("request %s: the answer could not be processed", self._ctx.id)
            self._refuse(internal_error())

    def flush(self) -> None:
        """All that came in one read has been given."""
        if self._begun and not self.done:
            self._sink.flush()

    def _collect(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        if self._size > RELAY_AFTER and self._status < 400 and not must_be_whole(self._ctx):
            self._ctx.redaction = "off"
            self._begin(b"")
            for held in self._chunks:
                self._write(held)
            self._chunks.clear()
        elif self._size > self.max_answer:
            raise Refusal(UPSTREAM_BROKEN, "The upstream's answer is too large to be checked.", control="redaction")

    def _decode(self, decoder: zlib._Decompress, chunk: bytes) -> bytes:
        """Decompresses under the bound of an answer: a small body must not become an endless one."""
        room = self.max_answer - self._size + 1
        try:
            data = decoder.decompress(chunk, room)
        except zlib.error:
            raise Refusal(UPSTREAM_BROKEN, "The upstream's answer is not what its encoding says.") from None
        if decoder.unconsumed_tail:
            raise Refusal(UPSTREAM_BROKEN, "The upstream's answer is too large to be checked.")
        return data

    def on_end(self) -> None:
        """The answer is complete. The connection is already back in the pool, or closed."""
        if self.done:
            return
        self._connection = None
        ctx = self._ctx
        try:
            if self._decoder is not None and not self._decoder.eof and self._size:
                raise Refusal(UPSTREAM_BROKEN, "The upstream's answer is not whole.")
            if self._begun:
                rest = self._tap.finish() if self._tap is not None else b""
                if rest:
                    self._write(rest if self._stream is None else feed_stream(ctx, self._stream, rest))
                if self._stream is not None:
                    self._write(feed_stream(ctx, self._stream, None))
                self.done = True
                self._sink.end()
            else:
                body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
                if self._status < 300:
                    read_usage(ctx, body)
                    check_answer(ctx, body)
                if body and self._status < 400:
                    body = self._pipeline.answer(ctx, self._media, body)
                elif body:
                    self._answer_headers, body = self._pipeline.error(
                        ctx, self._status, self._media, self._answer_headers, body
                    )
                self.done = True
                self._size = len(body)
                self._sink.reply(self._status, self._answer_headers, body)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        except Exception:
            log.exception("request %s: the answer could not be processed", ctx.id)
            self._refuse(internal_error())
            return
        self._close(self._status)

    def on_broken(self, reason: str) -> None:
        """The connection broke, or what came on it is not an answer."""
        self._connection = None
        self._broken(reason)

    def _broken(self, reason: str) -> None:
        log.warning("upstream %s: the answer to %s is refused: %s", self._out.upstream.name, self._ctx.id, reason)
        self._refuse(Refusal(UPSTREAM_BROKEN, "The upstream's answer is broken."), "broken")

    # towards the client

    def _begin(self, extra: bytes) -> None:
        self._begun = True
        self._sink.begin(self._status, self._answer_headers + extra)

    def _write(self, data: bytes) -> None:
        if data:
            self._sink.write(data)

    def _refuse(self, refusal: Refusal, upstream_error: str | None = None) -> None:
        if self.done:
            return
        self.done = True
        ctx = self._ctx
        self._drop_connection()
        if upstream_error is not None:
            self._pipeline.meters.upstream_error(self._out.upstream.name, upstream_error)
        if not self._begun:
            reply = self._pipeline.refuse(ctx, refusal)
            self._size = len(reply.body)
            self._sink.reply(*reply)
            self._close(reply.status)
            return
        # What was asked for as a stream may have come as something else, whose end must not look proper.
        if self._tap is not None:
            self._sink.write(refusal.ahead + self._pipeline.error_event(ctx, refusal))
            self._sink.end()
        else:
            ctx.reason = refusal.kind.code
            self._sink.abort()
        self._close(self._status)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _close(self, status: int) -> None:
        if type(self._sink) is _Nobody:
            self._sweeper.items.discard(self)
            status = CLIENT_GONE.status
        self._pipeline.close(self._ctx, status, self._sent, self._size)


class _Nobody:
    """The sink of an exchange whose client has left."""

    def reply(self, status: int, headers: bytes, body: bytes) -> None:
        pass

    def begin(self, status: int, headers: bytes) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass

    def flush(self) -> None:
        pass

    def end(self) -> None:
        pass

    def abort(self) -> None:
        pass
