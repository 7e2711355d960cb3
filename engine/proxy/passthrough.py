"""The aiohttp door: everything that is not of the fast lane, through the same phases.

A connection comes here when a request on it was not for the fast lane, and stays. So this door serves the JSON
endpoints too; only their sockets differ: an `Exchange` is driven into a `Spool`, from which the handler writes.

Served here: the list of models, the metadata of the resource, generic routes of any method, forms and files, WebSocket,
`OPTIONS`, and every refusal of what is not served: 404 for an unknown path, 405 with `Allow` for a wrong method.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from aiohttp import HttpVersion11, web

from engine.errors import (
    BAD_REQUEST,
    CLIENT_GONE,
    HEADERS_TOO_LARGE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    Refusal,
)
from engine.pipeline.forward import Outgoing, query
from engine.pipeline.phases import internal_error
from engine.proxy.forms import read_form
from engine.proxy.heads import REPEATED, SINGLE, check_head
from engine.proxy.models import models
from engine.proxy.openapi import OPENAPI, document
from engine.proxy.relay import Exchange
from engine.proxy.resource import WELL_KNOWN, metadata
from engine.proxy.websocket import relay

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.pipeline.phases import Reply
    from engine.policy.snapshot import Endpoint
    from engine.proxy.door import DoorProtocol
    from engine.proxy.lane import Lane

log = logging.getLogger(__name__)

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Past this much unsent answer the upstream is not read further.
HIGH_WATER = 256 * 1024


class Spool:
    """The sink of an exchange whose client is written to by a coroutine. Bounded by pausing the exchange."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self.status = 0
        self.headers = b""
        self.whole: bytes | None = None
        self.aborted = False
        self._parts: list[bytes] = []
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()

    def reply(self, status: int, headers: bytes, body: bytes) -> None:
        self.status, self.headers, self.whole = status, headers, body
        self._ended = True
        self._changed.set()

    def begin(self, status: int, headers: bytes) -> None:
        self.status, self.headers = status, headers
        self._changed.set()

    def write(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and self.exchange is not None and not self.exchange.done:
            self.exchange.pause()
        self._changed.set()

    def flush(self) -> None:
        pass

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def abort(self) -> None:
        self.aborted = self._ended = True
        self._changed.set()

    async def head(self) -> None:
        """Returns when the status is known, or the exchange was cut before."""
        while not self.status and not self._ended:
            await self._wait()

    async def parts(self) -> bytes:
        """What has come since the last call, waiting for some; nothing at the end."""
        while not self._parts and not self._ended:
            await self._wait()
        data = b"".join(self._parts)
        self._parts.clear()
        if self._size > HIGH_WATER and self.exchange is not None and not self.exchange.done:
            self.exchange.resume()
        self._size = 0
        return data

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Door:
    """The handler of the listening aiohttp application."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serves one request; every way out of it closes its context."""
        lane = self._lane
        snapshot = lane.pipeline.snapshot
        found = snapshot.endpoint(request.raw_path.partition("?")[0])
        endpoint = found if found is not None and request.method in found.methods else None
        peer = cast("DoorProtocol", request.protocol).peer
        headers, size = _headers(request)
        path = request.raw_path.partition("?")[0]
        ctx = lane.pipeline.open(request.method, path, endpoint, headers, peer.address, peer.text)
        ctx.certificate = peer.certificate
        spool = Spool()
        try:
            self._check_head(request, headers, size, endpoint)
        except Refusal as refusal:
            # After a head that has two readings nobody knows where the next one begins.
            return self.refuse(ctx, refusal, close=True)
        try:
            if path == WELL_KNOWN and request.method == "GET":
                lane.pipeline.anyone(ctx)
                return self._answer(ctx, metadata(snapshot, request, lane.client_certificates))
            pending = lane.pipeline.head(ctx)
            if pending is not None:
                await pending
            if endpoint is None:
                if path == OPENAPI and request.method == "GET" and found is None and ctx.principal is not None:
                    return self._answer(ctx, await document(snapshot, ctx.principal))
                if found is None:
                    raise Refusal(NOT_FOUND, "There is no such route here.")
                return self._other_method(ctx, found)
            if endpoint.name == "models":
                return self._answer(ctx, models(ctx))
            if endpoint.body == "socket":
                permit = await lane.pipeline.socket(ctx, request.query.get("model"))
                return await relay(lane, ctx, permit, request)
            return await self._exchange(ctx, request, await self._outgoing(ctx, endpoint, request), spool)
        except Refusal as refusal:
            return self.refuse(ctx, refusal, close=b"transfer-encoding" in headers or not request.content.at_eof())
        except (ConnectionError, asyncio.CancelledError):
            # An exchange closes its context itself, also one that goes on without its client.
            if spool.exchange is None:
                ctx.reason = CLIENT_GONE.code
                lane.pipeline.close(ctx, CLIENT_GONE.status, ctx.reservation is not None)
            raise
        except Exception:
            log.exception("request %s failed", ctx.id)
            return self.refuse(ctx, internal_error(), close=True)

    def _check_head(
        self, request: web.BaseRequest, headers: dict[bytes, bytes], size: int, endpoint: Endpoint | None
    ) -> None:
        if size > self._lane.max_header:
            raise Refusal(HEADERS_TOO_LARGE, "The request's head is too large.")
        check_head(headers, len(request.raw_headers), request.version < HttpVersion11)
        if b"upgrade" in headers and b"upgrade" in headers.get(b"connection", b"").lower():
            if endpoint is None or endpoint.body != "socket":
                raise Refusal(BAD_REQUEST, "This endpoint does not switch protocols.")
        elif request.method == "CONNECT":
            raise Refusal(METHOD_NOT_ALLOWED, "There are no tunnels here.")

    async def _outgoing(self, ctx: RequestContext, endpoint: Endpoint, request: web.BaseRequest) -> Outgoing:
        """The request for the upstream. Raises Refusal."""
        pipeline = self._lane.pipeline
        limit = ctx.snapshot.max_body
        if request.content_length is not None and request.content_length > limit:
            raise Refusal(TOO_LARGE, f"The request's body is larger than {limit} bytes.")
        if b"expect" in ctx.headers and request.writer is not None and not request.content.is_eof():
            await request.writer.write(_CONTINUE)
            # It is no part of the answer: without this the answer would be taken for begun.
            request.writer.output_size = 0
        if endpoint.body == "form" or (endpoint.body == "file" and ctx.method == "POST"):
            try:
                async with asyncio.timeout(self._lane.body_timeout):
                    form, ctx.request_bytes = await read_form(request, ctx.snapshot.max_body)
            except TimeoutError:
                raise Refusal(REQUEST_TIMEOUT, "The request did not arrive in time.") from None
            except web.RequestPayloadError:
                raise Refusal(BAD_REQUEST, "The request's body is not valid HTTP.") from None
            return await pipeline.form(ctx, form)
        body = await self._read(ctx, request)
        out = pipeline.body(ctx, body, query(request.raw_path.encode("latin-1")))
        return out if isinstance(out, Outgoing) else await out

    async def _read(self, ctx: RequestContext, request: web.BaseRequest) -> bytes:
        """The body, bounded in size and time. Raises Refusal (400, 408, 413)."""
        limit = ctx.snapshot.max_body
        too_large = Refusal(TOO_LARGE, f"The request's body is larger than {limit} bytes.")
        body = bytearray()
        try:
            async with asyncio.timeout(self._lane.body_timeout):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise too_large
        except TimeoutError:
            raise Refusal(REQUEST_TIMEOUT, "The request did not arrive in time.") from None
        except web.RequestPayloadError:
            raise Refusal(BAD_REQUEST, "The request's body is not valid HTTP.") from None
        return bytes(body)

    async def _exchange(
        self, ctx: RequestContext, request: web.BaseRequest, out: Outgoing, spool: Spool
    ) -> web.StreamResponse:
        lane = self._lane
        exchange = Exchange(lane.pipeline, ctx, out, lane.pools.get(out.upstream), spool, lane.sweeper, lane.max_answer)
        spool.exchange = exchange
        lane.sweeper.items.add(exchange)
        try:
            exchange.start()
            await spool.head()
            if spool.whole is not None:
                return _last(request, _response(spool.status, spool.headers, spool.whole))
            if spool.aborted:
                raise ConnectionResetError
            response = web.StreamResponse(status=spool.status)
            _set_headers(response, spool.headers)
            _last(request, response)
            await response.prepare(request)
            async with asyncio.timeout(None) as patience:
                while data := await spool.parts():
                    patience.reschedule(lane.loop.time() + lane.send_timeout)
                    await response.write(data)
                    patience.reschedule(None)
            if spool.aborted:
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError
            await response.write_eof()
            return response
        finally:
            lane.sweeper.items.discard(exchange)
            exchange.cancel()

    def _answer(self, ctx: RequestContext, body: bytes) -> web.StreamResponse:
        """An answer of the gateway's own."""
        lane = self._lane
        lane.pipeline.close(ctx, 200, False, len(body))
        return _response(200, lane.pipeline.headers(ctx, b"application/json"), body)

    def _other_method(self, ctx: RequestContext, found: Endpoint) -> web.StreamResponse:
        allowed = ", ".join((*sorted(found.methods), "OPTIONS"))
        ctx.endpoint = found
        if ctx.method != "OPTIONS":
            raise Refusal(
                METHOD_NOT_ALLOWED, f"This route takes {allowed}, not {ctx.method}.", headers=(("allow", allowed),)
            )
        self._lane.pipeline.close(ctx, 204, False)
        return web.Response(status=204, headers={"allow": allowed, "x-request-id": ctx.id})

    def refuse(self, ctx: RequestContext, refusal: Refusal, *, close: bool) -> web.Response:
        """The answer to a refused request, which is closed by it; `close` ends the connection too."""
        reply: Reply = self._lane.pipeline.refuse(ctx, refusal)
        self._lane.pipeline.close(ctx, reply.status, False, len(reply.body))
        response = _response(*reply)
        if close:
            response.force_close()
        return response


def _headers(request: web.BaseRequest) -> tuple[dict[bytes, bytes], int]:
    """By lower-case name, one that may not come twice and did also under `REPEATED`; and their size in bytes."""
    headers: dict[bytes, bytes] = {}
    size = len(request.raw_path)
    for raw_name, value in request.raw_headers:
        name = raw_name.lower()
        size += len(name) + len(value)
        if name not in headers:
            headers[name] = value
        elif name in SINGLE:
            headers[REPEATED] = name
        else:
            headers[name] = headers[name] + b", " + value
    return headers, size


def _last(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """The same answer, the connection's last after a body in chunks: aiohttp's parser would take the trailers that may
    stand behind it for fields of the next request."""
    if "transfer-encoding" in request.headers:
        response.force_close()
    return response


def _set_headers(response: web.StreamResponse, lines: bytes) -> None:
    # In the place of aiohttp's own, which tells versions.
    response.headers["server"] = "tidegate"
    for line in lines.split(b"\r\n"):
        if line:
            name, _, value = line.partition(b": ")
            response.headers[name.decode("latin-1")] = value.decode("latin-1")


def _response(status: int, headers: bytes, body: bytes) -> web.Response:
    response = web.Response(status=status, body=body)
    _set_headers(response, headers)
    return response
